import type { HeaderList } from "../../http/header-list.ts";
import { parseHttpDate } from "./http-dates.ts";

/** What the edge makes of a response before vcl_fetch runs. Seconds. */
export interface Freshness {
  readonly ttl: number;
  readonly staleWhileRevalidate: number;
  readonly staleIfError: number;
  readonly cacheable: boolean;
  /** Age the object has on arrival. */
  readonly age: number;
}

/** Statuses cacheable by default (guides/concepts/edge-state/cache/cache-freshness), for VCL and Compute alike. */
const CACHEABLE = new Set([200, 203, 300, 301, 302, 404, 410]);

/** When the origin says nothing (reference/vcl/subroutines/fetch: "beresp.ttl will be 2 minutes"). */
const DEFAULT_TTL = 120;

/**
 * Initial `beresp.*` by Surrogate-Control, s-maxage, max-age, Expires, 2 minutes, in this order. `private`,
 * `no-store` and `no-cache` play no part here (reference/vcl/subroutines/fetch). `Age` shortens the ttl except where
 * it comes from Expires (reference/http/http-headers/Age). `now` is seconds since the epoch; `defaultTtl` takes the
 * place of the 2 minutes.
 */
export function planFreshness(
  response: { status: number; headers: HeaderList },
  now: number,
  defaultTtl = DEFAULT_TTL,
): Freshness {
  const { headers } = response;
  const surrogate = parseDirectives(headers.getAll("Surrogate-Control"));
  const control = parseDirectives(headers.getAll("Cache-Control"));
  const lifetime =
    seconds(surrogate, "max-age") ?? seconds(control, "s-maxage") ?? seconds(control, "max-age");
  const expires = lifetime === null ? expiresIn(headers, now) : null;
  const age = expires === null ? ageOf(headers) : 0;
  const stale = (name: string): number => seconds(surrogate, name) ?? seconds(control, name) ?? 0;
  return {
    ttl: lifetime === null ? (expires ?? defaultTtl) : Math.max(0, lifetime - age),
    staleWhileRevalidate: stale("stale-while-revalidate"),
    staleIfError: stale("stale-if-error"),
    cacheable: CACHEABLE.has(response.status),
    age,
  };
}

/** Whether the response itself says how long it lives. */
export function hasExplicitFreshness(headers: HeaderList): boolean {
  const control = parseDirectives(headers.getAll("Cache-Control"));
  const surrogate = parseDirectives(headers.getAll("Surrogate-Control"));
  return (
    seconds(surrogate, "max-age") !== null ||
    seconds(control, "s-maxage") !== null ||
    seconds(control, "max-age") !== null ||
    headers.has("Expires")
  );
}

/**
 * Directives of Cache-Control and its like; the first of a name counts, names without case; `null` for one without
 * `=`. A quote ends a directive as a comma does: `x="max-age=3600"` sets max-age and `max-age="3600"` is empty, as the
 * published cache-tests results show of Fastly (docs/decisions/0018-what-published-results-say.md).
 */
export function parseDirectives(values: readonly string[]): ReadonlyMap<string, string | null> {
  const directives = new Map<string, string | null>();
  for (const part of values.join(",").split(/[,"]/)) {
    const at = part.indexOf("=");
    const key = (at === -1 ? part : part.slice(0, at)).trim().toLowerCase();
    if (key === "" || directives.has(key)) continue;
    directives.set(key, at === -1 ? null : part.slice(at + 1).trim());
  }
  return directives;
}

/** Seconds of a directive that has a value; what is no number is 0, more than 31 bits is "for ever" (RFC 9111 §1.2.2). */
function seconds(directives: ReadonlyMap<string, string | null>, name: string): number | null {
  const value = directives.get(name) ?? null;
  return value === null ? null : leadingSeconds(value);
}

/** Leading digits as atoi reads them, but nothing of a decimal fraction. */
function leadingSeconds(text: string): number {
  const digits = /^\s*(\d+)(?![\d.])/.exec(text)?.[1];
  return digits === undefined ? 0 : Math.min(Number(digits), 2 ** 31);
}

function ageOf(headers: HeaderList): number {
  return leadingSeconds(headers.get("Age") ?? "");
}

/**
 * Seconds that Expires leaves, measured from the response's own Date where it has one; a Date that is still to come is
 * none. A bad Expires is "now".
 */
function expiresIn(headers: HeaderList, now: number): number | null {
  const expires = headers.get("Expires");
  if (expires === null) return null;
  const at = parseHttpDate(expires);
  if (at === null) return 0;
  const date = parseHttpDate(headers.get("Date") ?? "") ?? now;
  return Math.max(0, at - Math.min(date, now));
}
