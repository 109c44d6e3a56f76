import { isReleaseId } from "./names.ts";
import type { Sha256Hex } from "./page-key.ts";

/**
 * Hashes that stand for texts in a config, and the delta list made of them: which pages are not read from the base
 * release but from another one. Most publishes change a few files; this is what spares them the copy of all others.
 */

/** Stands for a release in a delta list: the page was removed. No release has this id. */
export const REMOVED = "-";

/** First 8 hex digits of SHA-256: of an encoded page key, or of an encoded directory without slashes at its ends. */
export function shortHash(text: string, sha256Hex: Sha256Hex): string {
  return sha256Hex(text).slice(0, 8);
}

/** First 4 hex digits of SHA-256 of an encoded first path segment. Two segments may share it: a rule bucket is for both. */
export function segmentHash(segment: string, sha256Hex: Sha256Hex): string {
  return sha256Hex(segment).slice(0, 4);
}

/**
 * A delta list as the edge reads it: groups of hashes that share a release, `,<hash>,<hash>=<release>`, joined by `&`.
 * The edge looks for `,<hash>` and takes the release after the next `=`. Equal deltas give equal texts.
 *
 * @param entries release id, or `REMOVED`, by `shortHash` of the encoded page key
 */
export function packDelta(entries: ReadonlyMap<string, string>): string {
  const groups = new Map<string, string[]>();
  for (const [hash, release] of entries) {
    const group = groups.get(release);
    if (group) group.push(hash);
    else groups.set(release, [hash]);
  }
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([release, hashes]) => `,${hashes.sort().join(",")}=${release}`)
    .join("&");
}

/** Reads a packed delta list; anything `packDelta` would not write is `undefined`. */
export function unpackDelta(text: string): ReadonlyMap<string, string> | undefined {
  const entries = new Map<string, string>();
  if (text === "") return entries;
  for (const group of text.split("&")) {
    const [, hashes, release = ""] = /^((?:,[0-9a-f]{8})+)=([0-9a-z]{1,4}|-)$/.exec(group) ?? [];
    if (hashes === undefined || (release !== REMOVED && !isReleaseId(release))) return undefined;
    for (const hash of hashes.slice(1).split(",")) entries.set(hash, release);
  }
  return packDelta(entries) === text ? entries : undefined;
}

/** The release that a delta list names for a hash, `REMOVED`, or `undefined` = the base release: what the edge does. */
export function lookUpDelta(text: string, hash: string): string | undefined {
  const at = text.indexOf(`,${hash}`);
  return at === -1 ? undefined : /=([0-9a-z]{1,4}|-)/.exec(text.slice(at))?.[1];
}

/** A set of hashes of one length: `,<hash>,<hash>,`. Empty for none. */
export function packHashes(hashes: Iterable<string>): string {
  const sorted = [...new Set(hashes)].sort();
  return sorted.length === 0 ? "" : `,${sorted.join(",")},`;
}

/** Reads `packHashes`' text back; `undefined` for anything else. */
export function unpackHashes(text: string, digits: 4 | 8): readonly string[] | undefined {
  if (text === "") return [];
  const pattern = digits === 4 ? /^,(?:[0-9a-f]{4},)+$/ : /^,(?:[0-9a-f]{8},)+$/;
  if (!pattern.test(text)) return undefined;
  const hashes = text.slice(1, -1).split(",");
  return packHashes(hashes) === text ? hashes : undefined;
}
