import { CASELESS_PATTERNS } from "../../src/site/edge-patterns.ts";
import type { Asked } from "./buckets.ts";
import { shownKey } from "./edge.ts";
import type { Seen } from "./edge.ts";
import type { BucketName, CaseRequest } from "./equality-case.ts";
import type { Setting } from "./settings.ts";
import type { Coding, Shelf } from "./shelf.ts";
import type { View } from "./view.ts";

/** What went before. Keys are cache keys. */
export interface History {
  /** What either cache held before the request. */
  readonly vcl: Shelf;
  readonly compute: Shelf;
  /** Of objects that were put in place of others since both caches were last empty. */
  readonly replaced: ReadonlySet<string>;
}

/** One request's answers, from which what may differ is taken. */
export interface Scene {
  readonly request: CaseRequest;
  readonly setting: Setting;
  /** Buckets that health checks find unwell: whoever needs them has failed without asking. */
  readonly sick: readonly BucketName[];
  readonly history: History;
  readonly vcl: View;
  readonly compute: View;
  readonly raw: { readonly vcl: Seen; readonly compute: Seen };
}

export function bothViews({ vcl, compute }: Pick<Scene, "vcl" | "compute">): readonly [View, View] {
  return [vcl, compute];
}

/** Cache key of what was asked of a bucket. */
export function keyAsked({ origins }: Setting, { bucket, path }: Asked): string {
  const prefix = origins.find(({ name }) => name === bucket)?.prefix ?? "";
  const url = path.slice(prefix.length);
  if (bucket.startsWith("hosting")) return shownKey(`hosting${url}`);
  return shownKey(url.includes("/_sites/") ? `rules${url}` : `config${url.slice(0, url.lastIndexOf("/"))}`);
}

/** Cache keys of all that was asked, in its order. */
export function keysAsked(setting: Setting, { asked }: Pick<Seen, "asked">): readonly string[] {
  return asked.map((one) => keyAsked(setting, one));
}

const BROTLI = new RegExp(CASELESS_PATTERNS.acceptsBrotli, "i");
const GZIP = new RegExp(CASELESS_PATTERNS.acceptsGzip, "i");

/** The coding that a request is answered in, where the answer is one that is compressed. */
export function codingOf({ headers }: CaseRequest): Coding {
  const accepted = headerOf({ headers }, "Accept-Encoding") ?? "";
  if (BROTLI.test(accepted)) return "br";
  return GZIP.test(accepted) ? "gzip" : "none";
}

/** A header of the visitor's, by the name that the search writes it with. */
export function headerOf({ headers }: Pick<CaseRequest, "headers">, wanted: string): string | undefined {
  return headers.find(([name]) => name === wanted)?.[1];
}

/**
 * What an allowance made of a scene: `no` = it is not for this one; `taken` = it took out of both views what may differ;
 * `divided` = that, and from here on the caches hold different things; `parted` = so do the answers themselves, in all that
 * the allowance excuses, and the caches too.
 */
export type Verdict = "no" | "taken" | "divided" | "parted";
