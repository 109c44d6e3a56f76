import type { CacheEntry } from "./cache-entry.ts";

/** What a lookup made of an entry. */
export type LookupVerdict =
  /** Deliver it. */
  | "fresh"
  /** Deliver it and fetch a new one in the background. */
  | "revalidate"
  /** Deliver it: the backend is sick. */
  | "stale"
  /** Do not deliver; `deliver_stale` may ask for it. */
  | "usable"
  /** Only good for a conditional fetch. */
  | "expired";

export interface StaleLimits {
  /** `req.max_stale_while_revalidate`, `req.max_stale_if_error`: seconds, `null` = no bound. */
  readonly maxStaleWhileRevalidate: number | null;
  readonly maxStaleIfError: number | null;
  /** `req.hash_ignore_busy` switches both off (variables/client-request/req-hash-ignore-busy). */
  readonly hashIgnoreBusy: boolean;
  /** Whether the backend is sick; asked only when it matters. */
  sick(): boolean;
}

/**
 * Order of the staleness rules of guides/concepts/edge-state/cache/stale: fresh; sick backend within a stale window;
 * stale-while-revalidate; stale-if-error, which waits for VCL. `now` in milliseconds.
 */
export function judge(entry: CacheEntry, limits: StaleLimits, now: number): LookupVerdict {
  const over = -entry.ttl(now);
  if (over < 0) return "fresh";
  if (limits.hashIgnoreBusy) return "expired";
  const revalidate = over < bounded(entry.staleWhileRevalidate, limits.maxStaleWhileRevalidate);
  const onError = over < bounded(entry.staleIfError, limits.maxStaleIfError);
  if ((revalidate || onError) && limits.sick()) return "stale";
  if (revalidate) return "revalidate";
  return onError ? "usable" : "expired";
}

/** The smaller of the object's and the request's window wins (variables/backend-response/beresp-stale-if-error). */
function bounded(own: number, limit: number | null): number {
  return limit === null ? own : Math.min(own, limit);
}
