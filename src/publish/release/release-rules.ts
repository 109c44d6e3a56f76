import { SitefleetError } from "../../lib/errors.ts";
import type { Precedence } from "../../site/model.ts";
import type { SlashPolicy } from "../../site/page-key.ts";
import { planRedirects } from "../../site/redirect-plan.ts";
import type { RedirectPlan } from "../../site/redirect-plan.ts";
import { SITE_RULES } from "../../site/redirect-rule.ts";
import { noteText, parseRedirects } from "../../site/redirects-file.ts";
import type { RuleNote } from "../../site/redirects-file.ts";
import { sha256Hex } from "../publish-deps.ts";
import { readSiteFiles } from "../site-files/site-files.ts";
import type { SiteFile } from "../site-files/site-file.ts";

const DETAIL_LIMIT = 100;

/** Whether what cannot be used is an error: always, only in the site's own rules, or never. */
export type Strictness = boolean | "site";

/** What the site's own rules and the control files of its folder say. */
export interface SiteRules {
  readonly site: ReturnType<typeof parseRedirects>;
  readonly folder: SiteFile;
}

export function readRules(input: {
  readonly siteRules: readonly string[];
  readonly control: ReadonlyMap<string, string>;
}): SiteRules {
  return {
    site: parseRedirects(input.siteRules.join("\n"), SITE_RULES),
    folder: readSiteFiles(input.control),
  };
}

/** The policy that holds: the site's own, unless that leaves the choice to the folder's files. */
export function slashPolicyOf(policy: SlashPolicy, folder: Pick<SiteFile, "trailingSlash">): SlashPolicy {
  return policy === "auto" ? (folder.trailingSlash ?? "auto") : policy;
}

/** What redirect rules become, given the files that a release has. */
export function planRules(input: {
  readonly rules: SiteRules;
  readonly fileKeys: ReadonlySet<string>;
  readonly precedence: Precedence;
  /** Bytes of a config that slots and the list of buckets may take together. */
  readonly room: number;
}): RedirectPlan {
  const { rules, precedence, room, fileKeys } = input;
  const all = [...rules.site.rules, ...rules.folder.redirects];
  return planRedirects({ rules: all, files: fileKeys, precedence, room, sha256Hex });
}

/** Notes in the order in which a reader of their files comes by; the passes that found them are no order for people. */
function inLines(notes: readonly RuleNote[]): readonly RuleNote[] {
  const files = [...new Set(notes.map(({ source }) => source.file))];
  const place = ({ source }: RuleNote): number => files.indexOf(source.file);
  return notes.toSorted((a, b) => place(a) - place(b) || a.source.line - b.source.line);
}

/**
 * Turns problems into an error, or, where lenient planning is asked for, into warnings: what they are about is left out.
 * @throws SitefleetError `redirects/invalid`, or `publish/invalid-rules` when not only redirects are concerned
 */
export function refuseProblems(problems: readonly RuleNote[], strict: Strictness): readonly string[] {
  const counts = (note: RuleNote): boolean => strict === "site" && note.source.file === SITE_RULES;
  const wrong = inLines(strict === true ? problems : problems.filter(counts));
  const [first] = wrong;
  if (!first) return inLines(problems).map((note) => `${noteText(note)}; it is left out`);
  const details = wrong.slice(0, DETAIL_LIMIT).map(noteText);
  const more = wrong.length - details.length;
  const onlyRules = wrong.every(({ what = "rule" }) => what === "rule");
  const what = onlyRules ? "redirect rules" : "rules, headers and settings";
  throw new SitefleetError(
    onlyRules ? "redirects/invalid" : "publish/invalid-rules",
    wrong.length === 1 ? noteText(first) : `${wrong.length} ${what} cannot be used`,
    {
      details: more > 0 ? [...details, `and ${more} more`] : details,
      hint: "nothing was changed; correct them and run the command again, or leave them out with --no-strict",
    },
  );
}
