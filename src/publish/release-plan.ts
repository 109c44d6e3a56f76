import { SitefleetError } from "../lib/errors.ts";
import { canonicalJson } from "../site/config-body.ts";
import { KEY_LIMIT, releasePrefix } from "../site/layout.ts";
import type { SitePlace } from "../site/layout.ts";
import { printable } from "../site/names.ts";
import { metadataProblem, pageMetadata } from "../site/object-metadata.ts";
import { dottedAliasKey, encodePath } from "../site/page-key.ts";
import { planRedirects } from "../site/redirect-plan.ts";
import type { RedirectObject, RedirectPlan } from "../site/redirect-plan.ts";
import { SITE_RULES } from "../site/redirect-rule.ts";
import { noteText, parseRedirects } from "../site/redirects-file.ts";
import { packRules } from "../site/rule-slots.ts";
import type { ReleaseFile } from "./manifest.ts";
import { sha256Hex } from "./publish-deps.ts";

/** What a release will hold. */
export interface ReleasePlan {
  readonly files: readonly ReleaseFile[];
  readonly redirects: readonly RedirectObject[];
  /** Packed rule slots. */
  readonly slots: string;
  /** Where each slot's rule was written, for errors. */
  readonly slotNames: readonly string[];
  readonly notFoundPage: boolean;
  /** Bytes of all files that have an object. */
  readonly bytes: number;
  readonly digest: string;
  readonly warnings: readonly string[];
}

/** The longest release id stands in for the one that is not known yet. */
const LONGEST_RELEASE = "zzzz";
const DETAIL_LIMIT = 100;

/**
 * Decides what a release holds: the folder's files, a redirect object per exact rule that applies, one per page whose
 * dotted name would be taken for a file, and the slots. Same input, same digest.
 * @throws SitefleetError `redirects/invalid` or `publish/invalid-folder` with everything that is wrong
 */
export function planRelease(input: {
  readonly place: SitePlace;
  readonly files: readonly Omit<ReleaseFile, "hidden">[];
  /** Text of the folder's `_redirects`. */
  readonly folderRules: string | undefined;
  /** The site's own rules, tried first. */
  readonly siteRules: readonly string[];
}): ReleasePlan {
  const fileKeys = new Set(input.files.map(({ key }) => key));
  const rules = planRules({ ...input, files: fileKeys });
  const ruleKeys = new Set(rules.objects.map(({ key }) => key));
  const aliases = dottedAliases(input.files).filter(({ key }) => !fileKeys.has(key) && !ruleKeys.has(key));
  const redirects = [...rules.objects, ...aliases].sort((a, b) => (a.key < b.key ? -1 : 1));
  const files = input.files.map((file) => asReleaseFile(file, ruleKeys.has(file.key)));
  refuseUnstorable(input.place, files, redirects);
  const slots = packRules(rules.slots.map(({ rule }) => rule));
  const notFoundPage = fileKeys.has("404.html") && !ruleKeys.has("404.html");
  return {
    files,
    redirects,
    slots,
    slotNames: rules.slots.map(({ source, text }) => `"${printable(text)}" (${source.file}:${source.line})`),
    notFoundPage,
    bytes: files.reduce((sum, { size, hidden }) => sum + (hidden ? 0 : size), 0),
    digest: sha256Hex(canonicalJson({ files, redirects, slots, folderRules: input.folderRules })),
    warnings: rules.warnings.map(noteText),
  };
}

function asReleaseFile(file: Omit<ReleaseFile, "hidden">, hidden: boolean): ReleaseFile {
  const { key, canonical, size, hash, contentType, cacheControl } = file;
  return { key, canonical, size, hash, contentType, cacheControl, ...(hidden ? { hidden } : {}) };
}

function planRules(input: {
  readonly files: ReadonlySet<string>;
  readonly folderRules: string | undefined;
  readonly siteRules: readonly string[];
}): RedirectPlan {
  const site = parseRedirects(input.siteRules.join("\n"), SITE_RULES);
  const folder = parseRedirects(input.folderRules ?? "", "_redirects");
  const plan = planRedirects({ rules: [...site.rules, ...folder.rules], files: input.files });
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

function dottedAliases(files: readonly Omit<ReleaseFile, "hidden">[]): RedirectObject[] {
  return files.flatMap((file) => {
    const path = decodeURIComponent(file.canonical);
    const key = dottedAliasKey(path.endsWith("/") ? `${path.slice(1)}index.html` : path.slice(1));
    if (key === undefined) return [];
    const text = `${encodePath(`/${key}`)} ${file.canonical} 308`;
    return [{ key, location: file.canonical, status: 308 as const, text }];
  });
}

function refuseUnstorable(
  place: SitePlace,
  files: readonly ReleaseFile[],
  redirects: readonly RedirectObject[],
): void {
  const prefix = releasePrefix(place, LONGEST_RELEASE);
  const problems = [...files, ...redirects].flatMap((object) => {
    const bytes = Buffer.byteLength(prefix + object.key);
    if (bytes > KEY_LIMIT)
      return [`${printable(object.key)}: its key has ${bytes} bytes, the limit is ${KEY_LIMIT}`];
    const problem = "canonical" in object ? metadataProblem(pageMetadata(object.canonical)) : undefined;
    return problem === undefined ? [] : [`${printable(object.key)}: its path as metadata ${problem}`];
  });
  if (problems.length === 0) return;
  throw new SitefleetError("publish/invalid-folder", `${problems.length} files cannot be stored`, {
    details: problems.slice(0, DETAIL_LIMIT),
    hint: "shorten their paths and run the command again",
  });
}
