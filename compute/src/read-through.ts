import type { EdgeOrigin } from "../../src/site/edge-settings.ts";
import { ownStatusOf } from "./alias-pages.ts";
import { alarm } from "./log.ts";
import { siteOf } from "./metadata.ts";
import { keepOwnHeaders } from "./origin-headers.ts";
import { isFault } from "./origin-trouble.ts";
import type { Arrival } from "./origin-trouble.ts";
import type { Candidate, OriginInit, OriginResponse, ReadThroughInit, Storing } from "./platform.ts";
import { cappedTtl, chooseOrigin, hasSecondChance } from "./second-region.ts";
import { messageOf } from "./settings.ts";
import { originPath, signedHeaders } from "./s3-signing.ts";
import { surrogateKeys } from "./surrogate-keys.ts";
import type { CacheState, Place, Visit } from "./visit.ts";

/** What the cache or a bucket has in a place. Status 200 or 404, or 503 where neither has anything to show. */
export interface Stored {
  readonly place: Place;
  readonly status: number;
  readonly headers: Headers;
  readonly body: ReadableStream<Uint8Array> | null;
  readonly state: CacheState;
  /** Gives the body up: for what is not shown. */
  discard(): Promise<void>;
}

/** How something is read besides where. */
export interface Reading {
  /** Whether the second region is asked where the first one fails. */
  readonly mayRetry: boolean;
  /** Where only some bytes are read, kept under a key of their own: segmented-caching. */
  readonly part?: {
    readonly key: string;
    readonly range: string;
    /** Makes of S3's answer what is kept, and tells with which status. */
    adapt(candidate: Candidate): Pick<Arrival, "status">;
  };
}

/** Reads a place through Fastly's cache: stale where S3 is in trouble, then from the second region once, then 503. */
export async function readThrough(visit: Visit, place: Place, reading: Reading): Promise<Stored> {
  const origin = chooseOrigin(visit, place.bucket);
  const mayRetry = reading.mayRetry && hasSecondChance(visit, origin);
  const isBlind = !visit.settings.httpCache;
  const stored = await readFrom(visit, { place, origin, ...reading, mayRetry, isPassed: false });
  // Without the HTTP cache a failure may be stored like anything else: it is no reason to fail as long as that lasts.
  const isRemembered = isBlind && stored.status >= 500 && stored.state === "HIT";
  const first = isRemembered
    ? await readInstead(stored, visit, { place, origin, ...reading, mayRetry, isPassed: true })
    : stored;
  if (first.status < 500 || !mayRetry) return first;
  visit.region = "second";
  const second = { place, origin: chooseOrigin(visit, place.bucket), ...reading, mayRetry: false };
  return readInstead(first, visit, { ...second, isPassed: isBlind });
}

async function readInstead(failed: Stored, visit: Visit, lookup: Lookup): Promise<Stored> {
  await failed.discard();
  return readFrom(visit, lookup);
}

interface Lookup extends Reading {
  readonly place: Place;
  readonly origin: EdgeOrigin;
  /** Past the cache. */
  readonly isPassed: boolean;
}

async function readFrom(visit: Visit, lookup: Lookup): Promise<Stored> {
  const { place, origin } = lookup;
  try {
    const response = await visit.platform.fetch(
      `${origin.tls ? "https" : "http"}://${origin.host}${originPath(visit, origin, place)}`,
      await initFor(visit, lookup),
    );
    const isFailure = visit.settings.httpCache ? response.status >= 500 : isFault(visit, place, response);
    const state = lookup.isPassed ? "PASS" : stateOf(response);
    return storedOf(place, isFailure ? { ...plain(response), status: 503 } : plain(response), state);
  } catch (error) {
    // Thrown where nothing answers, or where the fault was not to be stored; what is stale has been looked for.
    if (!(error instanceof OriginFault)) {
      alarm(visit, { alarm: "origin", bucket: place.bucket, status: 0, reason: messageOf(error) });
    }
    return storedOf(place, { status: 503, headers: new Headers(), body: null }, "ERROR");
  }
}

/** With the HTTP cache only what really goes to S3 is signed. */
async function initFor(visit: Visit, lookup: Lookup): Promise<OriginInit> {
  const { platform, settings } = visit;
  const { place, origin, isPassed, part } = lookup;
  const init = {
    method: "GET",
    backend: origin.backend,
    cacheKey: part?.key ?? `${place.bucket}${place.url}`,
  } as const;
  if (settings.httpCache) {
    const cacheOverride = new platform.CacheOverride("override", hooksFor(visit, lookup));
    return { ...init, headers: new Headers(), cacheOverride };
  }
  const headers = await originHeaders(visit, lookup);
  if (isPassed) return { ...init, headers, cacheOverride: "pass" };
  const cacheOverride = new platform.CacheOverride("override", await withoutHooks(visit, place));
  return { ...init, headers, cacheOverride };
}

type Plain = Pick<OriginResponse, "status" | "headers" | "body">;

function plain({ status, headers, body }: OriginResponse): Plain {
  return { status, headers, body };
}

function storedOf(place: Place, { status, headers, body }: Plain, state: CacheState): Stored {
  return {
    place,
    status,
    headers,
    body,
    state,
    async discard() {
      await body?.cancel();
    },
  };
}

/** Whether the cache had it. Without the HTTP cache only the header that Fastly adds tells. */
function stateOf({ cached, stale, headers }: OriginResponse): CacheState {
  if (stale === true) return "HIT-STALE";
  return (cached ?? /\bHIT\b/.test(headers.get("x-cache") ?? "")) ? "HIT" : "MISS";
}

/** Headers of the request that leaves for S3, which has no condition of a visitor. */
async function originHeaders(visit: Visit, { origin, place, part }: Lookup): Promise<Headers> {
  const path = originPath(visit, origin, place);
  const keys = place.bucket === "hosting" ? visit.secrets.hosting : visit.secrets.config;
  const headers = await signedHeaders({ origin, path, keys, now: visit.platform.now() });
  if (part) headers.set("Range", part.range);
  return headers;
}

// ---- with the HTTP cache -------------------------------------------------------------------------------------

/** A fault of an origin that is not to be stored. */
class OriginFault extends Error {}

/** Signs what really goes to S3, and decides by the answer how it is kept. */
function hooksFor(visit: Visit, lookup: Lookup): ReadThroughInit {
  return {
    async beforeSend({ headers }) {
      const signed = await originHeaders(visit, lookup);
      // A 304 would not refresh metadata.
      for (const name of ["If-None-Match", "If-Modified-Since"]) headers.delete(name);
      for (const [name, value] of signed) headers.set(name, value);
    },
    afterSend: (candidate) => settle(visit, lookup, candidate),
  };
}

/**
 * Throws a fault before it returns anything: the runtime shows what is stale for what a hook throws, but takes a promise that
 * is rejected for an answer to be stored and breaks down over it (js-compute, `after_send_catch` and
 * `stream_back_then_handler`).
 */
function settle(visit: Visit, lookup: Lookup, candidate: Candidate): Promise<Storing> {
  // Read before it is set: what is set goes into the cache, and the candidate still says what S3 did (js-compute, `status_set`).
  const { status } = lookup.part?.adapt(candidate) ?? candidate;
  const arrival = { status, headers: candidate.headers };
  const hasFailed = isFault(visit, lookup.place, arrival);
  // What is stale keeps its time to live; and the second region's answer is to be stored under this key.
  if (hasFailed && (lookup.mayRetry || candidate.staleIfErrorAvailable())) {
    throw new OriginFault("S3 is in trouble");
  }
  return hasFailed ? keepFault(lookup, candidate) : keepAnswer(visit, lookup, { candidate, status });
}

async function keepAnswer(
  visit: Visit,
  { place, origin }: Lookup,
  { candidate, status }: { readonly candidate: Candidate; readonly status: number },
): Promise<Storing> {
  const { headers } = candidate;
  const ttl = ttlOf(visit, place, status);
  candidate.surrogateKeys = (await surrogateKeys(place, siteOf(headers))).split(" ");
  keepOwnHeaders(headers);
  if (place.bucket !== "hosting") dropValidators(headers);
  // An alias page may be one of a miss.
  candidate.ttl = cappedTtl(ttl, { origin, place, status: ownStatusOf(headers) ?? status });
  candidate.swr = 0;
  candidate.staleIfError = visit.settings.ttl.staleIfError;
  candidate.vary = [];
  return { cache: true };
}

/** Kept for a moment, so that a crowd does not queue up for one failing request each. */
async function keepFault({ place }: Lookup, candidate: Candidate): Promise<Storing> {
  candidate.surrogateKeys = (await surrogateKeys(place, siteOf(candidate.headers))).split(" ");
  candidate.status = 503;
  keepOwnHeaders(candidate.headers);
  candidate.ttl = 1;
  candidate.swr = 0;
  candidate.staleIfError = 0;
  candidate.vary = [];
  return { cache: true };
}

/** Seconds that an answer is kept, by what it is. */
function ttlOf(visit: Visit, { bucket }: Place, status: number): number {
  const { ttl } = visit.settings;
  if (bucket === "config") return status === 404 ? ttl.unknownDomain : ttl.config;
  return status === 404 ? ttl.notFound : ttl.page;
}

/** Configs and rules are nothing but metadata, which a 304 would not refresh. */
function dropValidators(headers: Headers): void {
  headers.delete("ETag");
  headers.delete("Last-Modified");
}

// ---- without it ----------------------------------------------------------------------------------------------

/**
 * One time to live for all statuses, nothing stale on error, and no key that the answer would have to tell: a publish purges
 * configs by their domains too. They are kept no longer than an unknown host, because a failure is kept for as long.
 */
async function withoutHooks(visit: Visit, place: Place): Promise<ReadThroughInit> {
  const { ttl } = visit.settings;
  return {
    ttl: place.bucket === "config" ? Math.min(ttl.config, ttl.unknownDomain) : ttl.page,
    surrogateKey: await surrogateKeys(place, undefined),
  };
}
