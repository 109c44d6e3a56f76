import { SitefleetError } from "../lib/errors.ts";
import { OBJECT_METADATA } from "../site/metadata.ts";
import type { SiteRecord } from "../site/model.ts";
import { printable } from "../site/names.ts";
import { encodePath } from "../site/page-key.ts";
import { areaOf } from "../site/protected-areas.ts";
import type { ProtectedArea } from "../site/protected-areas.ts";
import { noteText } from "../site/redirects-file.ts";
import { findManifest } from "./release/manifest.ts";
import type { PublishDeps, SiteRef } from "./publish-deps.ts";
import { contentId } from "./release/release-object.ts";
import type { ReleaseObject, SourceFile } from "./release/release-object.ts";
import { readRules } from "./release/release-rules.ts";

/**
 * A rule that shows a page in place is an object with that page's content under the rule's own path, so the edge asks for
 * the password of the rule's path. Where the page lies in another protected area, the rule would give away what is in it.
 */

/** What a release shows, and the texts of its folder's rules. */
export interface ShownContent {
  readonly objects: Iterable<ReleaseObject>;
  readonly files: readonly SourceFile[];
  readonly control: ReadonlyMap<string, string>;
}

/**
 * Refuses a release that shows protected pages where another password, or none, is asked for.
 * @throws SitefleetError `site/invalid-setting` naming the rules by file and line
 */
export function refuseOpenAliases(record: SiteRecord, content: ShownContent): void {
  const open = openAliases(record.protectedAreas, content);
  if (open.length === 0) return;
  throw new SitefleetError(
    "site/invalid-setting",
    `site "${record.site}" has rules that would show protected pages to visitors without their password`,
    {
      details: open.map((alias) => describeAlias(record, content, alias)),
      hint: "protect the rule's path by the same prefix, remove the rule, or lift the protection",
    },
  );
}

/**
 * The same for a release by its manifest, before it is shown or a password is asked for.
 * @throws SitefleetError `site/unreadable` when nobody knows what the release holds
 */
export async function refuseOpenRelease(
  deps: PublishDeps,
  ref: SiteRef,
  { record, release }: { readonly record: SiteRecord; readonly release: string },
): Promise<void> {
  if (record.protectedAreas.length === 0) return;
  const entry = record.releases.find(({ id }) => id === release);
  const manifest = await findManifest(deps, ref, entry ?? { id: release });
  if (manifest) return refuseOpenAliases(record, { ...manifest, objects: manifest.objects.values() });
  throw new SitefleetError(
    "site/unreadable",
    `nobody knows what release ${release} of site "${ref.site}" holds, so nobody can tell whether its rules keep to its passwords`,
    { hint: "publish the site's folder again" },
  );
}

/** Whether two records ask for passwords at the same paths. */
export function sameAreas(a: SiteRecord, b: SiteRecord): boolean {
  const prefixes = ({ protectedAreas }: SiteRecord): string =>
    protectedAreas.map(({ prefix }) => prefix).join(" ");
  return prefixes(a) === prefixes(b);
}

interface OpenAlias {
  /** Page key, decoded. */
  readonly key: string;
  readonly file: SourceFile;
  readonly area: ProtectedArea;
}

function openAliases(
  areas: readonly ProtectedArea[],
  { objects, files }: ShownContent,
): readonly OpenAlias[] {
  if (areas.length === 0) return [];
  const byContent = new Map<string, SourceFile[]>();
  for (const file of files) {
    const known = byContent.get(contentId(file));
    if (known) known.push(file);
    else byContent.set(contentId(file), [file]);
  }
  const open: OpenAlias[] = [];
  for (const object of objects) {
    if (!isAlias(object)) continue;
    const asked = areaAt(areas, object.key)?.prefix;
    const sources = (byContent.get(contentId(object)) ?? []).map((file) => ({
      file,
      area: areaAt(areas, file.key),
    }));
    // What an open page says too is no secret.
    if (sources.some(({ area }) => area === undefined || area.prefix === asked)) continue;
    const [source] = sources;
    if (source?.area) open.push({ key: object.key, file: source.file, area: source.area });
  }
  return open;
}

/** Every page of its own has a canonical path, every redirect a location; a page that is shown elsewhere has neither. */
function isAlias({ metadata }: ReleaseObject): boolean {
  return (
    metadata[OBJECT_METADATA.canonicalPath] === undefined && metadata[OBJECT_METADATA.location] === undefined
  );
}

function areaAt(areas: readonly ProtectedArea[], key: string): ProtectedArea | undefined {
  return areaOf(areas, encodePath(`/${key}`));
}

function describeAlias(
  record: SiteRecord,
  { control }: ShownContent,
  { key, file, area }: OpenAlias,
): string {
  const reason = `shows "${printable(file.path)}", which is protected by the password at ${area.prefix}`;
  const { site, folder } = readRules({ siteRules: record.rules, control });
  const rule = [...site.rules, ...folder.redirects].find(
    (known) => known.kind === "exact" && known.keys.includes(key),
  );
  return rule ? noteText({ source: rule.source, text: rule.text, reason }) : `"${printable(key)}" ${reason}`;
}
