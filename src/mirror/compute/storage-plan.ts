import { assertNever } from "../../lib/errors.ts";
import type { HeaderList } from "../../http/header-list.ts";
import type { CacheEntry } from "../edge/cache-entry.ts";
import { parseDirectives, planFreshness } from "../edge/freshness.ts";
import { readSurrogateKeys } from "../edge/surrogate-keys.ts";
import { varyNames } from "../edge/vary.ts";
import type { CachingPlan } from "./fetch-plan.ts";
import type { CachePlan } from "./candidate.ts";

/** Seconds where neither backend nor program says how long (js-compute's http-cache tests find 3600). */
const DEFAULT_TTL = 3600;

/** Headers by which an object is chosen (docs.fastly.com/products/compute-resource-limits, "Vary rules"). */
export const MAX_VARY_RULES = 8;

/** What is done with an answer, in the words of `http_storage_action`. */
export type StorageAction =
  | "insert"
  /** It says that what is stored is still good. */
  | "update"
  | "do-not-store"
  /** A note is stored that requests for the key do not wait for one another. */
  | "record-uncacheable";

/** An answer in the form in which it would be stored. */
export interface Storable {
  readonly status: number;
  readonly headers: HeaderList;
  /** What it says is unchanged. */
  readonly unchanged: CacheEntry | null;
}

/** How an answer is stored unless its program says otherwise. */
export interface StoragePlan {
  readonly action: StorageAction;
  readonly cache: CachePlan;
  /** Age on arrival, seconds. */
  readonly age: number;
}

/**
 * The rules of Fastly's read-through cache for Compute: freshness as for VCL but for the default; `private` and
 * `no-store` are heeded (RFC 9111 §3), and what sets cookies is not cached (js-compute, request-response.cpp). A
 * `CacheOverride` goes before what the backend says. `now` in seconds.
 */
export function planStorage(answer: Storable, { override, urlKey }: CachingPlan, now: number): StoragePlan {
  const { status, headers, unchanged } = answer;
  const fresh = planFreshness({ status, headers }, now, DEFAULT_TTL);
  const { ttl, swr, staleIfError, surrogateKey } = override.init;
  const directives = parseDirectives(headers.getAll("Cache-Control"));
  const isRevalidated = headers.has("Surrogate-Control") || !directives.has("no-cache");
  return {
    action: suggestedAction(answer, { isCacheable: fresh.cacheable, directives }),
    cache: {
      ttl: ttl ?? (isRevalidated ? fresh.ttl : 0),
      swr: swr ?? fresh.staleWhileRevalidate,
      staleIfError: staleIfError ?? fresh.staleIfError,
      surrogateKeys: [...keysOf(surrogateKey), ...readSurrogateKeys(headers), urlKey],
      vary: varyNames(headers),
    },
    age: unchanged === null ? fresh.age : 0,
  };
}

function suggestedAction(
  { headers, unchanged }: Storable,
  of: { readonly isCacheable: boolean; readonly directives: ReadonlyMap<string, string | null> },
): StorageAction {
  const { isCacheable, directives } = of;
  const isForbidden = directives.has("no-store") || directives.has("private");
  if (isForbidden || !isCacheable) return "do-not-store";
  if (headers.has("Set-Cookie")) return "record-uncacheable";
  return unchanged === null ? "insert" : "update";
}

/**
 * The same for a service without the HTTP cache, whose answers nobody looks at before they are stored: what a program
 * sets holds for every status, and nothing is kept for when the backend fails.
 */
export function planBlindStorage(answer: Storable, caching: CachingPlan, now: number): StoragePlan {
  const plan = planStorage(answer, caching, now);
  const isForced = (caching.override.init.ttl ?? 0) > 0;
  const action = isForced ? (answer.unchanged === null ? "insert" : "update") : plan.action;
  return { ...plan, action, cache: { ...plan.cache, staleIfError: 0 } };
}

/** What `afterSend` makes of the action (js-compute, `after_send_then`). */
export function chosenAction(
  suggested: StorageAction,
  cache: boolean | "uncacheable" | undefined,
): StorageAction {
  switch (cache) {
    case undefined:
      return suggested;
    case true:
      return suggested === "update" ? "update" : "insert";
    case false:
      return "do-not-store";
    case "uncacheable":
      return "record-uncacheable";
    default:
      return assertNever(cache);
  }
}

function keysOf(text: string | undefined): readonly string[] {
  return text === undefined ? [] : text.split(" ").filter((key) => key !== "");
}
