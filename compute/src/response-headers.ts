import { CASELESS_PATTERNS } from "../../src/site/edge-patterns.ts";
import type { Answer, CacheState, Visit } from "./visit.ts";

const NO_STORE = new RegExp(CASELESS_PATTERNS.noStore, "i");
const SHARED = new RegExp(CASELESS_PATTERNS.sharedCaching, "gi");

const DEFAULTS = [
  ["X-Content-Type-Options", "nosniff"],
  ["Referrer-Policy", "strict-origin-when-cross-origin"],
  // Without it browsers would guess how long to keep a file (RFC 9111 section 4.2.2).
  ["Cache-Control", "public, max-age=0, must-revalidate"],
] as const;

/** Defaults that a site may override or switch off, and one readable line about the cache (RFC 9211). */
export function addDefaults(visit: Visit, answer: Answer): void {
  const { headers, without, status } = answer;
  // A 304 has lost the page's own headers, and what it does have replaces what browsers keep (RFC 9111 section 3.2).
  if (status !== 304) {
    for (const [name, value] of DEFAULTS) {
      if (!headers.has(name) && !without.has(name.toLowerCase())) headers.set(name, value);
    }
  }
  if (visit.isPrivate) keepPrivate(answer);
  const told = CACHE_STATUS[answer.state];
  if (told !== undefined) headers.set("Cache-Status", `sitefleet; ${told}`);
}

/** What is told of where an answer comes from; nothing of what the edge made itself. */
const CACHE_STATUS = {
  HIT: "hit",
  "HIT-STALE": "hit; detail=stale",
  MISS: "fwd=uri-miss",
  PASS: "fwd=bypass",
  "HIT-SYNTH": undefined,
  ERROR: undefined,
} as const satisfies Record<CacheState, string | undefined>;

/** Behind a password: for the visitor's own browser, not for caches that others share (RFC 9111 section 5.2.2.7). */
function keepPrivate({ headers, status }: Answer): void {
  const policy = headers.get("cache-control");
  if (policy === null) {
    if (status !== 304) headers.set("Cache-Control", "private");
  } else if (!NO_STORE.test(policy)) {
    headers.set("Cache-Control", `private${`,${policy}`.replaceAll(SHARED, "")}`);
  }
}
