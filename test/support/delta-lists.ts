import * as fc from "fast-check";

import { REMOVED, packDelta } from "../../src/site/delta-list.ts";
import type { DeltaClaims } from "../../src/site/delta-list.ts";

/** The text of a delta list that is expected to exist. */
export function deltaText(entries: Iterable<readonly [string, string]>, claims?: DeltaClaims): string {
  const packed = packDelta(new Map(entries), claims);
  if (packed.kind !== "ok") throw new Error(`no delta list: ${packed.kind}`);
  return packed.text;
}

/** A list as codec version 2 wrote it, of releases by the first 8 hex digits of SHA-256. */
export function formerDeltaText(entries: Iterable<readonly [string, string]>): string {
  const byRelease = new Map<string, string[]>();
  for (const [hash, release] of entries) byRelease.set(release, [...(byRelease.get(release) ?? []), hash]);
  const sorted = [...byRelease].sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([release, hashes]) => `,${hashes.sort().join(",")}=${release}`).join("&");
}

/** As `deltaHash` makes them. */
export const arbitraryDeltaHash = fc.stringMatching(/^[A-Za-z0-9+/]{16}$/);

const arbitraryId = fc.stringMatching(/^[1-9a-z][0-9a-z]{0,3}$/);
export const arbitraryTag = fc.oneof(arbitraryId, fc.constant(REMOVED));
