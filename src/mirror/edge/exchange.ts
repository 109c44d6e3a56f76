import type { HeaderList } from "../../http/header-list.ts";
import type { BackendReply } from "./origin.ts";
import type { ResponseBody } from "./body.ts";
import type { CacheEntry } from "./cache-entry.ts";
import type { FetchTurn } from "./collapsing.ts";
import { discard } from "./body.ts";
import type { CachedObject, Transaction } from "../../vcl/runtime.ts";
import type { HopChain } from "./hop-chain.ts";
import type { HopRequest, HopResponse } from "./message.ts";
import type { EdgeParts, Pop, ServiceRun } from "./parts.ts";
import type { FetchMark } from "./purge-log.ts";
import type { AskedRange, Block, SegmentPart } from "./segments.ts";
import type { TraceRecorder } from "./trace-recorder.ts";

/** A transaction as the edge keeps it: what VCL may only read, the edge changes between states. */
export type NodeTransaction = { -readonly [K in keyof Transaction]: Transaction[K] };

/** Where a request is in its life (reference/vcl/request-lifecycle). */
export type Step =
  | "recv"
  | "upgrade"
  | "hash"
  | "segments"
  | "lookup"
  | "purge"
  | "hit"
  | "miss"
  | "pass"
  | "backend"
  | "fetch"
  | "stale"
  | "error"
  | "restart"
  | "deliver"
  | "end";

/** What vcl_deliver gets to deliver. */
export interface Product {
  readonly status: number;
  readonly reason: string;
  readonly headers: HeaderList;
  readonly body: ResponseBody;
  /** Seconds; `null` where nothing is cached, so that `Age` is the origin's own business. */
  readonly age: number | null;
  /** `obj` in deliver and log. */
  readonly object: CachedObject;
  readonly synthetic: boolean;
  /** Whether the body may have edge side includes. */
  readonly esi: boolean;
  /** Which bytes of a larger object the body is; `null` = it is all there is. */
  readonly segment: SegmentPart | null;
}

/** Segmented caching at work: which block of which object an exchange is about. */
export interface SegmentRun {
  /** The outer request answers the client and brings the first block; an inner one brings one of the others. */
  readonly role: "outer" | "inner";
  /** The object's own cache key. */
  readonly plainKey: string;
  readonly blockSize: number;
  readonly asked: AskedRange;
  readonly block: Block;
  /** The request as vcl_recv and vcl_hash left it: what every inner request begins with. */
  readonly snapshot: NodeTransaction;
}

/** One request at one POP, with everything the states hand on to each other. */
export interface Exchange {
  readonly parts: EdgeParts;
  readonly pop: Pop;
  readonly service: ServiceRun;
  readonly request: HopRequest;
  readonly chain: HopChain;
  /** Where the trace is written; `null` when nobody wants one. */
  readonly recorder: TraceRecorder | null;
  /** A fetch that nobody waits for (stale-while-revalidate). */
  readonly background: boolean;
  /** Delivery node: recv, hash, deliver, log. */
  readonly delivery: NodeTransaction;
  /** The node that runs hit, miss, pass, fetch and error: another one when clustering is on. */
  node: NodeTransaction;
  /** What vcl_recv decided; it happens after vcl_hash. */
  decided: "lookup" | "pass" | "error" | "purge";
  /** What vcl_error is to be told. */
  failure: { readonly status: number; readonly reason: string | null } | null;
  key: string;
  entry: CacheEntry | null;
  /** A stale object that `deliver_stale` or a revalidation may use. */
  stale: CacheEntry | null;
  /** The stale object being delivered, to be fetched anew in the background. */
  refresh: CacheEntry | null;
  turn: FetchTurn | null;
  mark: FetchMark | null;
  /** Whether this request waited for another one's fetch. */
  waited: boolean;
  /** The response may not be stored. */
  passed: boolean;
  reply: BackendReply | null;
  /** `null` unless segmented caching is on. */
  segments: SegmentRun | null;
  /** What the reply to a block's request brought; of an inner request, what it delivers. */
  part: SegmentPart | null;
  /** The fetch asks only whether `stale` has changed. */
  revalidating: boolean;
  product: Product | null;
  response: HopResponse | null;
  /** X-Served-By and its like of the passes before a restart. */
  carried: ReadonlyMap<string, string>;
  /** The request body went to a backend and cannot be sent again. */
  bodySent: boolean;
}

/** The state of an exchange that has not looked anything up yet. */
export const UNANSWERED = {
  failure: null,
  entry: null,
  stale: null,
  refresh: null,
  turn: null,
  mark: null,
  waited: false,
  passed: false,
  reply: null,
  part: null,
  revalidating: false,
  product: null,
  response: null,
} as const satisfies Partial<Exchange>;

/** Seconds since the epoch. */
export function nowOf(x: Exchange): number {
  return x.parts.clock.now() / 1000;
}

/** Gives the right to fetch back to those who wait for it. */
export function endTurn(x: Exchange, outcome: "shared" | "private"): void {
  if (x.turn !== null) x.pop.busy.release(x.turn, outcome);
  x.turn = null;
  if (x.mark !== null) x.pop.store.endFetch(x.mark);
  x.mark = null;
}

/** Frees what an exchange holds: its turn, and bodies that nobody will read. */
export function abandon(x: Exchange): void {
  endTurn(x, "private");
  if (x.reply !== null) discard(x.reply.body);
  x.reply = null;
  if (x.product !== null) discard(x.product.body);
  x.product = null;
}

/** Ends in vcl_error with 503 and this text. */
export function failWith(x: Exchange, reason: string): Step {
  x.failure = { status: 503, reason };
  return "error";
}

/** `HIT-STALE` and the like, with the suffixes of variables/miscellaneous/fastly-info-state. */
export function markState(x: Exchange, state: string): void {
  const cluster = x.node === x.delivery ? "" : "-CLUSTER";
  x.node.cacheState = `${state}${cluster}${x.waited ? "-WAIT" : ""}`;
  delete x.delivery.staleReason;
}

/** A stale object is delivered, and why (variables/client-response/resp-stale). */
export function markStale(x: Exchange, reason: "error" | "revalidating"): void {
  markState(x, "HIT-STALE");
  x.delivery.staleReason = reason;
}
