import type { FastlyClient } from "../../fastly/client.ts";
import type { VersionInfo } from "../../fastly/wire.ts";
import { isUntouched } from "./untouched.ts";
import type { LiveService } from "./live.ts";
import { isOurs } from "./ownership.ts";
import { readVersion } from "./read-version.ts";
import { digestContent, ownStamp, parseStamp } from "./stamp.ts";

/** Where a version comes from that does not bear a stamp of its own. */
export interface VersionOrigin {
  /** Version of sitefleet's that it is, or that somebody cloned it from. */
  readonly version: number;
  /** Whether it still has that version's comment, which a clone is made with. */
  readonly commentKept: boolean;
  /** Whether it still is as that version is. */
  readonly unchanged: boolean;
}

/** Each costs a call or two; what lies around from long ago is told by its comment alone. */
const MOST_VERSIONS = 10;

/**
 * Looks where the live version and the drafts come from as far as their comments do not say that sitefleet made them: a
 * clone that somebody made by hand keeps the comment of what it was cloned from, or holds the same under another one.
 */
export async function readOrigins(
  client: FastlyClient,
  live: LiveService,
): Promise<ReadonlyMap<number, VersionOrigin>> {
  const unknown = live.versions
    .filter(({ active, locked }) => active || !locked)
    .filter((version) => !ownStamp(version) && !isAbandoned(version))
    .sort((a, b) => Number(b.active) - Number(a.active) || b.number - a.number)
    .slice(0, MOST_VERSIONS);
  const found = await Promise.all(
    unknown.map(async (version) => [version.number, await originOf(client, { live, version })] as const),
  );
  return new Map(found.flatMap(([number, origin]) => (origin ? [[number, origin] as const] : [])));
}

async function originOf(
  client: FastlyClient,
  { live, version }: { readonly live: LiveService; readonly version: VersionInfo },
): Promise<VersionOrigin | undefined> {
  const { id: serviceId, active, state, versions } = live;
  const { number } = version;
  const named = parseStamp(version.comment)?.version;
  if (named !== undefined && named < number && versions.some((one) => one.number === named)) {
    const unchanged = await isUntouched({ client, serviceId }, number, named);
    return { version: named, commentKept: true, unchanged };
  }
  const isLive = active?.number === number;
  if (isLive && isOurs(active, state.journal))
    return { version: number, commentKept: false, unchanged: true };
  const { content } = isLive ? active : await readVersion(client, { serviceId, version: number });
  const digest = digestContent(content);
  const same = versions.filter((one) => one.number < number && ownStamp(one)?.content === digest);
  const newest = Math.max(0, ...same.map((one) => one.number));
  return newest === 0 ? undefined : { version: newest, commentKept: false, unchanged: true };
}

/** What the comment of a draft says that no run will go on with. */
export function abandonedComment(draft: number, from: number | null): string {
  return `${markOf(draft)}${from ?? "none"}: abandoned, nothing will be deployed from it`;
}

/** Whether sitefleet marked a draft of its own as one of no use any more. */
export function isAbandoned({ number, comment }: Pick<VersionInfo, "number" | "comment">): boolean {
  return comment.startsWith(markOf(number)) && / from (?:[0-9]+|none): abandoned, /.test(comment);
}

function markOf(number: number): string {
  return `sitefleet ${number} from `;
}
