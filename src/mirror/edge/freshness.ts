import type { HeaderList } from "../../http/header-list.ts";

/** What the edge makes of a response before vcl_fetch runs. Seconds. */
export interface Freshness {
  readonly ttl: number;
  readonly staleWhileRevalidate: number;
  readonly staleIfError: number;
  readonly cacheable: boolean;
  /** Age the object has on arrival. */
  readonly age: number;
}

/** Statuses cacheable by default (guides/concepts/edge-state/cache/cache-freshness). */
const CACHEABLE = new Set([200, 203, 300, 301, 302, 404, 410]);

/** When the origin says nothing (reference/vcl/subroutines/fetch: "beresp.ttl will be 2 minutes"). */
const DEFAULT_TTL = 120;

/**
 * Initial `beresp.*` by Surrogate-Control, s-maxage, max-age, Expires, 2 minutes, in this order. `private`,
 * `no-store` and `no-cache` play no part here (reference/vcl/subroutines/fetch). `Age` shortens the ttl except where
 * it comes from Expires (reference/http/http-headers/Age). `now` is seconds since the epoch.
 */
export function planFreshness(response: { status: number; headers: HeaderList }, now: number): Freshness {
  const { headers } = response;
  const surrogate = parseDirectives(headers.getAll("Surrogate-Control"));
  const control = parseDirectives(headers.getAll("Cache-Control"));
  const lifetime =
    seconds(surrogate, "max-age") ?? seconds(control, "s-maxage") ?? seconds(control, "max-age");
  const expires = lifetime === null ? expiresIn(headers, now) : null;
  const age = expires === null ? ageOf(headers) : 0;
  const stale = (name: string): number => seconds(surrogate, name) ?? seconds(control, name) ?? 0;
  return {
    ttl: lifetime === null ? (expires ?? DEFAULT_TTL) : Math.max(0, lifetime - age),
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
 * Directives of Cache-Control and its like; the first of a name counts, names without case, quotes around a value
 * dropped. Lenient, as the published cache-tests results show Fastly to be: what cannot be read is skipped.
 */
export function parseDirectives(values: readonly string[]): ReadonlyMap<string, string> {
  const directives = new Map<string, string>();
  for (const part of values.join(",").split(",")) {
    const [name = "", ...rest] = part.split("=");
    const key = name.trim().toLowerCase();
    if (key === "" || directives.has(key)) continue;
    directives.set(key, rest.join("=").trim().replace(/^"|"$/g, ""));
  }
  return directives;
}

/** Leading digits count, as atoi reads them; more than 31 bits is "for ever" (RFC 9111 §1.2.2). */
function seconds(directives: ReadonlyMap<string, string>, name: string): number | null {
  const digits = /^\s*(\d+)/.exec(directives.get(name) ?? "")?.[1];
  return digits === undefined ? null : Math.min(Number(digits), 2 ** 31);
}

function ageOf(headers: HeaderList): number {
  const digits = /^\s*(\d+)\s*$/.exec(headers.get("Age") ?? "")?.[1];
  return digits === undefined ? 0 : Math.min(Number(digits), 2 ** 31);
}

/** Seconds that Expires leaves, measured from the response's own Date where it has one; a bad date is "now". */
function expiresIn(headers: HeaderList, now: number): number | null {
  const expires = headers.get("Expires");
  if (expires === null) return null;
  const at = parseHttpDate(expires);
  if (at === null) return 0;
  const date = parseHttpDate(headers.get("Date") ?? "") ?? now;
  return Math.max(0, at - date);
}

/** An HTTP date (RFC 9110 §5.6.7) in seconds since the epoch; `null` when it is none. */
export function parseHttpDate(text: string): number | null {
  if (!/^[A-Za-z]{3,9},? /.test(text)) return null;
  const ms = Date.parse(/GMT|UTC|[+-]\d{4}$/.test(text) ? text : `${text} GMT`);
  return Number.isNaN(ms) ? null : Math.floor(ms / 1000);
}
