import { VclRuntimeError } from "../../vcl/diagnostics.ts";
import { checkHeaderCount } from "../../vcl/workspace.ts";
import type { HeaderList } from "../../http/header-list.ts";
import type { BackendResponse } from "../../vcl/runtime.ts";
import { assertDefined } from "../../lib/errors.ts";
import { BackendFailure } from "./backend-failure.ts";
import { BodyTooLargeError, discard, readBody } from "./body.ts";
import type { ResponseBody } from "./body.ts";
import { CacheEntry } from "./cache-entry.ts";
import type { EntryInit } from "./cache-entry.ts";
import { chooseStoredCoding, compressStored, compressStream, markEncoded } from "./compression.ts";
import { endTurn, failWith, markState, nowOf } from "./exchange.ts";
import type { Exchange, Step } from "./exchange.ts";
import { hasExplicitFreshness, planFreshness } from "./freshness.ts";
import type { Freshness } from "./freshness.ts";
import type { CacheStore } from "./cache-store.ts";
import { GrowingBody } from "./growing-body.ts";
import type { BackendReply } from "./origin.ts";
import { MAX_OBJECT } from "./parts.ts";
import { runState } from "./state-run.ts";
import { emptyObject } from "./step-request.ts";
import { productOf } from "./step-lookup.ts";
import { fillEntry, storedHeaders } from "./stored-body.ts";
import { readSurrogateKeys } from "./surrogate-keys.ts";
import { readPart, segmentTag } from "./segments.ts";
import { addVary, varySpec } from "./vary.ts";

/** Bytes of the headers of a response (reference/vcl/constraints-and-limitations). */
const MAX_RESPONSE_HEADER_BYTES = 69 * 1024;

/** Bounds of a hit-for-pass note, seconds (concepts/edge-state/cache/request-collapsing). */
const HIT_FOR_PASS = { min: 120, max: 3600 } as const;

/** vcl_fetch, then storing. */
export function fetchResponse(x: Exchange): Step | Promise<Step> {
  const { reply, node } = x;
  assertDefined(reply, "reply");
  checkHeaderCount(reply.headers, "response");
  if (reply.headers.bytes > MAX_RESPONSE_HEADER_BYTES) {
    discard(reply.body);
    return failWith(x, "backend read error");
  }
  const trouble = takePart(x, reply);
  if (trouble !== null) return failWith(x, trouble);
  const unchanged = x.revalidating && reply.status === 304 ? x.stale : null;
  const freshness = unchanged === null ? freshnessOf(reply, x) : refreshedFreshness(reply, unchanged, x);
  const beresp = backendResponse(reply, unchanged, freshness);
  node.beresp = beresp;
  const action = runState(x, node, "fetch");
  rememberSaint(x, beresp);
  refuseEncodedSegment(x, beresp);
  switch (action.do) {
    case "deliver":
      if (unchanged !== null) return refresh(x, unchanged, { beresp, age: freshness.age });
      return x.passed || !beresp.cacheable || isDead(beresp)
        ? deliverUnstored(x, beresp)
        : store(x, { beresp, age: freshness.age });
    case "pass":
    case "hit_for_pass":
      if (unchanged !== null) x.pop.store.remove(unchanged);
      if (!x.passed && beresp.cacheable) noteHitForPass(x, beresp);
      return unchanged === null ? deliverUnstored(x, beresp) : deliverUnchanged(x, unchanged);
    case "deliver_stale":
      return "stale";
    default:
      discard(reply.body);
      x.reply = null;
      endTurn(x, "private");
      return action.do === "restart" ? "restart" : "error";
  }
}

/** What a 206 is a part of, when a block was asked for; the text says why it cannot be used. */
function takePart(x: Exchange, reply: BackendReply): string | null {
  x.part = null;
  if (x.segments === null || reply.status !== 206) return null;
  const part = readPart(reply, x.segments.block);
  if (typeof part === "string") return part;
  x.part = part;
  return null;
}

/** Blocks of encoded forms do not fit together (guides/full-site-delivery/caching/segmented-caching). */
function refuseEncodedSegment(x: Exchange, beresp: BackendResponse): void {
  if (x.part === null || !(beresp.gzip || beresp.brotli)) return;
  throw new VclRuntimeError(
    "lifecycle/segmented",
    "segmented caching does not go together with beresp.gzip and beresp.brotli",
  );
}

/** A block is as cacheable as the 200 it is a part of. */
function freshnessOf(reply: BackendReply, x: Exchange): Freshness {
  const { status, headers } = reply;
  return planFreshness({ status: x.part === null ? status : 200, headers }, nowOf(x));
}

/** A 304 speaks for the stored response: its own freshness counts, else what the stored headers say. */
function refreshedFreshness(reply: BackendReply, stored: CacheEntry, x: Exchange): Freshness {
  if (hasExplicitFreshness(reply.headers)) return { ...planFreshness(reply, nowOf(x)), cacheable: true };
  const headers = stored.headers.clone();
  headers.unset("Age");
  return { ...planFreshness({ status: stored.status, headers }, nowOf(x)), cacheable: true };
}

/** `beresp` before vcl_fetch. After a 304 it is the stored response, whose headers the 304 does not change. */
function backendResponse(
  reply: BackendReply,
  unchanged: CacheEntry | null,
  fresh: Freshness,
): BackendResponse {
  return {
    status: unchanged?.status ?? reply.status,
    reason: unchanged?.reason ?? reply.reason,
    proto: "HTTP/1.1",
    headers: unchanged?.headers.clone() ?? collected(reply.headers),
    ttl: fresh.ttl,
    staleIfError: fresh.staleIfError,
    staleWhileRevalidate: fresh.staleWhileRevalidate,
    cacheable: fresh.cacheable,
    gzip: false,
    brotli: false,
    esi: false,
    stream: false,
    pci: false,
    saintmode: 0,
    backend: reply.backend,
  };
}

/** Several lines of Cache-Control as one, so that VCL sees all of it. */
function collected(headers: HeaderList): HeaderList {
  const lines = headers.getAll("Cache-Control");
  if (lines.length > 1) headers.set("Cache-Control", lines.join(", "));
  return headers;
}

/** `beresp.saintmode`: this backend is not asked for this key for a while. */
function rememberSaint(x: Exchange, beresp: BackendResponse): void {
  if (beresp.saintmode <= 0) return;
  const { saints } = x.service;
  const [oldest] = saints.keys();
  if (saints.size >= 10_000 && oldest !== undefined) saints.delete(oldest);
  saints.set(`${beresp.backend.name}\0${x.key}`, x.parts.clock.now() + beresp.saintmode * 1000);
}

/**
 * Whether no lookup could ever deliver it. Such an object is not kept for a conditional fetch either: in the published
 * cache-tests results the real edge asks for it unconditionally (cc-resp-no-cache-revalidate).
 */
function isDead(beresp: BackendResponse): boolean {
  return beresp.ttl <= 0 && beresp.staleIfError <= 0 && beresp.staleWhileRevalidate <= 0;
}

/** A response for this client alone: it goes through as it comes. */
function deliverUnstored(x: Exchange, beresp: BackendResponse): Step {
  const { reply } = x;
  assertDefined(reply, "reply");
  endTurn(x, "private");
  takeReply(x, beresp, compressUnstored(x, beresp, reply.body));
  return "deliver";
}

/** `beresp.gzip` and `beresp.brotli` hold for what is not stored as well, while it goes through. */
function compressUnstored(x: Exchange, beresp: BackendResponse, body: ResponseBody): ResponseBody {
  const isPart = x.part !== null || beresp.status === 206;
  if (isPart || beresp.esi || beresp.status === 204 || beresp.status === 304) return body;
  if (beresp.gzip || beresp.brotli) addVary(beresp.headers, "Accept-Encoding");
  const coding = chooseStoredCoding(beresp, x.node.req.headers, beresp.headers);
  if (coding === null) return body;
  markEncoded(beresp.headers, coding);
  return compressStream(body, coding);
}

function takeReply(x: Exchange, beresp: BackendResponse, body: ResponseBody): void {
  x.reply = null;
  const object = { ...emptyObject(beresp.status, beresp.reason), ttl: beresp.ttl, headers: beresp.headers };
  x.product = {
    status: beresp.status,
    reason: beresp.reason,
    headers: beresp.headers,
    body,
    age: null,
    object,
    synthetic: false,
    esi: beresp.esi,
    segment: x.part,
  };
}

/** `return(pass)` on a cacheable response: everybody who waits, and who comes soon, fetches for himself. */
function noteHitForPass(x: Exchange, beresp: BackendResponse): void {
  const ttl = Math.min(HIT_FOR_PASS.max, Math.max(HIT_FOR_PASS.min, beresp.ttl));
  insert(x, {
    ...entryInit(x, { beresp, age: 0 }, Buffer.alloc(0)),
    ttl,
    staleIfError: 0,
    staleWhileRevalidate: 0,
    hitForPass: true,
  });
  endTurn(x, "shared");
}

interface Stored {
  readonly beresp: BackendResponse;
  /** Seconds the response had on arrival. */
  readonly age: number;
}

/** After a 304: the stored object lives on; only its freshness is renewed. */
function refresh(x: Exchange, entry: CacheEntry, { beresp, age }: Stored): Step {
  const now = x.parts.clock.now();
  const stillGood = x.mark === null || !x.pop.store.purgedSince(entry, x.mark);
  if (!beresp.cacheable) x.pop.store.remove(entry);
  else if (stillGood) {
    entry.expires = now + beresp.ttl * 1000;
    entry.staleIfError = beresp.staleIfError;
    entry.staleWhileRevalidate = beresp.staleWhileRevalidate;
    entry.entered = now;
    entry.baseAge = age;
    x.pop.store.touch(entry);
  }
  return deliverUnchanged(x, entry);
}

function deliverUnchanged(x: Exchange, entry: CacheEntry): Step {
  if (x.reply !== null) discard(x.reply.body);
  x.reply = null;
  endTurn(x, "shared");
  markState(x, "MISS-REFRESH");
  x.product = productOf(entry, x.parts.clock.now());
  return "deliver";
}

/**
 * Stores a response. Only `beresp.do_stream` lets it go out while it arrives; else it is read whole first, so that a
 * body cut short becomes an error that vcl_error can handle (guides/full-site-delivery/performance/streaming-miss).
 */
async function store(x: Exchange, stored: Stored): Promise<Step> {
  const { reply } = x;
  assertDefined(reply, "reply");
  const { beresp } = stored;
  const length = reply.body.kind === "stream" ? reply.body.length : reply.body.bytes.length;
  if (length !== null && length > MAX_OBJECT) {
    discard(reply.body);
    return failWith(x, "Response object too large");
  }
  // What has includes is compressed on its way out or not at all.
  const coding = beresp.esi ? null : chooseStoredCoding(beresp, x.node.req.headers, beresp.headers);
  if (beresp.gzip || beresp.brotli) addVary(beresp.headers, "Accept-Encoding");
  if (beresp.stream && coding === null && reply.body.kind === "stream")
    return storeStreaming(x, stored, reply.body);
  const bytes = await readWhole(reply.body, x.pop.store);
  if (bytes instanceof BackendFailure) return failWith(x, bytes.reason);
  if (coding !== null) markEncoded(beresp.headers, coding);
  const body = coding === null ? bytes : await compressStored(bytes, coding);
  const entry = insert(x, entryInit(x, stored, body));
  endTurn(x, "shared");
  x.reply = null;
  x.product = productOf(entry, x.parts.clock.now());
  return "deliver";
}

/** The whole body, its bytes counted against the cache's memory while they arrive. */
async function readWhole(body: ResponseBody, store: CacheStore): Promise<Buffer | BackendFailure> {
  let reserved = 0;
  try {
    return await readBody(body, MAX_OBJECT, (bytes) => {
      if (!store.reserve(bytes)) throw new BackendFailure("Could not get storage");
      reserved += bytes;
    });
  } catch (error) {
    if (error instanceof BackendFailure) return error;
    if (error instanceof BodyTooLargeError) return new BackendFailure("Response object too large", error);
    return new BackendFailure("backend read error", error);
  } finally {
    store.arrived(reserved);
  }
}

/** Stores the object at once and lets every reader follow the body as it arrives. */
function storeStreaming(x: Exchange, stored: Stored, body: Extract<ResponseBody, { kind: "stream" }>): Step {
  const growing = new GrowingBody(body.length);
  const entry = insert(x, entryInit(x, stored, growing));
  x.parts.background(fillEntry({ body, growing, entry, store: x.pop.store, limit: MAX_OBJECT }));
  endTurn(x, "shared");
  x.reply = null;
  x.product = productOf(entry, x.parts.clock.now());
  return "deliver";
}

function insert(x: Exchange, init: EntryInit): CacheEntry {
  const now = x.parts.clock.now();
  const entry = new CacheEntry(init, now);
  // Without a mark the fetch was a pass or ignored others: it counts as begun now.
  const mark = x.mark ?? x.pop.store.beginFetch();
  x.pop.store.insert(entry, x.delivery.req.headers, { mark, now });
  if (x.mark === null) x.pop.store.endFetch(mark);
  return entry;
}

function entryInit(x: Exchange, { beresp, age }: Stored, body: Buffer | GrowingBody): EntryInit {
  const headers = storedHeaders(beresp.headers);
  // What is stored is whole (cache-tests results: headers-store-Content-Range); a 416 tells the size by it.
  if (beresp.status === 200 && x.part === null) headers.unset("Content-Range");
  const service = x.service.active.id;
  const keys = readSurrogateKeys(headers).map((key) => `${service} ${key}`);
  return {
    key: x.key,
    vary: varySpec(headers, x.delivery.req.headers),
    status: beresp.status,
    reason: beresp.reason,
    headers,
    body,
    ttl: beresp.ttl,
    staleWhileRevalidate: beresp.staleWhileRevalidate,
    staleIfError: beresp.staleIfError,
    age,
    surrogateKeys: x.segments === null ? keys : [...keys, segmentTag(x.segments.plainKey)],
    hitForPass: false,
    esi: beresp.esi,
    segment: x.part,
  };
}
