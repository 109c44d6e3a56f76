import { createHash } from "node:crypto";
import { packDelta, packHashes, segmentHash, shortHash } from "../site/delta-list.ts";
import { encodePath } from "../site/page-key.ts";
import { RULE_SLOTS } from "../site/metadata.ts";
import type { RawObject, RawSite, Step } from "./case.ts";

/** What cases of raw sites are made of: the texts that publishing would put into a config. */

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** The act that makes a site of raw objects. */
export function putSite(site: RawSite): Step {
  return { act: { do: "put-site", site } };
}

/** A page with its title as content, and its canonical path where that matters. */
export function rawPage(title: string, canonical?: string): RawObject {
  return {
    body: `<!doctype html><h1>${title}</h1>\n`,
    metadata: canonical === undefined ? {} : { p: canonical },
  };
}

/** Delta list: release, or `-` for removed, by page key. */
export function deltaOf(changes: Readonly<Record<string, string>>): string {
  const entries = Object.entries(changes).map(
    ([key, release]) => [shortHash(encodePath(key), sha256), release] as const,
  );
  return packDelta(new Map(entries));
}

/** The list of directories that have a 404.html. */
export function directoriesOf(directories: readonly string[]): string {
  return packHashes(directories.map((directory) => shortHash(encodePath(directory), sha256)));
}

/** Rules as they are written, packed into slots. */
export function slotsOf(rules: readonly string[]): string {
  return rules.map((rule, index) => `${RULE_SLOTS.charAt(index)}=${rule}`).join("|");
}

/** Hash of a first path segment: what buckets are listed by. */
export function bucketOf(segment: string): string {
  return segmentHash(encodePath(segment), sha256);
}

/** The list of buckets of a config. */
export function bucketsOf(tag: string, segments: readonly string[]): string {
  return tag + packHashes(segments.map(bucketOf));
}
