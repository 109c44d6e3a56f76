import { releasePrefix } from "../../site/layout.ts";
import { releaseIdOf } from "../../site/names.ts";
import { placeOf } from "../publish-deps.ts";
import type { PublishDeps, SiteRef } from "../publish-deps.ts";
import { lastStored } from "../release/release-claim.ts";

const NAME = ".gone";
/** Tells it from a file of that name: what is published has other metadata. */
const METADATA = { gone: "1" };

/**
 * Leaves an empty object below the last release of a site whose files are about to be deleted. Release ids are never
 * handed out twice: a cache, or an origin's answer that was under way, could show the old site's pages as the new one's.
 * A first publish looks for the last prefix that holds something anyway, and finds this one.
 * @param counter the last number that the record knows
 * @returns its key; `undefined` for a site that never had a release
 */
export async function writeTombstone(
  deps: PublishDeps,
  ref: SiteRef,
  counter: number,
): Promise<string | undefined> {
  const last = Math.max(counter, await lastStored(deps, ref));
  if (last === 0) return undefined;
  const key = tombstoneKey(deps, ref, releaseIdOf(last));
  await deps.store.hosting.put({ key, body: "", metadata: METADATA, signal: deps.signal });
  return key;
}

/** Those of the releases whose prefix holds a tombstone. */
export async function tombstonesOf(
  deps: PublishDeps,
  ref: SiteRef,
  releases: readonly string[],
): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (const id of releases) {
    const head = await deps.store.hosting.head({ key: tombstoneKey(deps, ref, id), signal: deps.signal });
    if (head.kind === "ok" && head.object.metadata["gone"] === METADATA.gone) found.add(id);
  }
  return found;
}

function tombstoneKey(deps: PublishDeps, ref: SiteRef, release: string): string {
  return `${releasePrefix(placeOf(deps, ref), release)}${NAME}`;
}
