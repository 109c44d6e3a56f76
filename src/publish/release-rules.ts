import { SitefleetError } from "../lib/errors.ts";
import { planRedirects } from "../site/redirect-plan.ts";
import type { RedirectPlan } from "../site/redirect-plan.ts";
import type { Precedence } from "../site/model.ts";
import { SITE_RULES } from "../site/redirect-rule.ts";
import { noteText, parseRedirects } from "../site/redirects-file.ts";

import { sha256Hex } from "./publish-deps.ts";

const DETAIL_LIMIT = 100;

/**
 * What the rules of a site and its folder become.
 * @throws SitefleetError `redirects/invalid` with every problem
 */
export function planRules(input: {
  readonly fileKeys: ReadonlySet<string>;
  readonly control: ReadonlyMap<string, string>;
  readonly siteRules: readonly string[];
  readonly precedence: Precedence;
  /** Bytes of a config that slots and the list of buckets may take together. */
  readonly room: number;
}): RedirectPlan {
  const site = parseRedirects(input.siteRules.join("\n"), SITE_RULES);
  const folder = parseRedirects(input.control.get("_redirects") ?? "", "_redirects");
  const { precedence, room, fileKeys } = input;
  const rules = [...site.rules, ...folder.rules];
  const plan = planRedirects({ rules, files: fileKeys, precedence, room, sha256Hex });
  const problems = [...site.problems, ...folder.problems, ...plan.problems];
  const [first] = problems;
  if (!first) return plan;
  const details = problems.slice(0, DETAIL_LIMIT).map(noteText);
  const more = problems.length - details.length;
  throw new SitefleetError(
    "redirects/invalid",
    problems.length === 1 ? noteText(first) : `${problems.length} redirect rules cannot be used`,
    {
      details: more > 0 ? [...details, `and ${more} more`] : details,
      hint: "nothing was changed; correct the rules and run the command again",
    },
  );
}
