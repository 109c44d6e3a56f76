import type { Sha256Hex } from "./page-key.ts";

/** Hashes that stand for directories and first path segments in a config. */

/** First 8 hex digits of SHA-256 of an encoded directory without slashes at its ends. */
export function shortHash(text: string, sha256Hex: Sha256Hex): string {
  return sha256Hex(text).slice(0, 8);
}

/** First 4 hex digits of SHA-256 of an encoded first path segment. Two segments may share it: a rule bucket is for both. */
export function segmentHash(segment: string, sha256Hex: Sha256Hex): string {
  return sha256Hex(segment).slice(0, 4);
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
