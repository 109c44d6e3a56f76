import type { Clock } from "../../lib/clock.ts";
import type { BackendSpec } from "../../vcl/runtime.ts";
import type { ActiveComputeService, ActiveService } from "../service.ts";
import type { CacheStore } from "./cache-store.ts";
import type { EdgeWatch, WatchedDelivery } from "./edge-watch.ts";
import type { BusyKeys } from "./collapsing.ts";
import type { HealthBoard } from "./health.ts";
import type { HopRequest, HopResponse } from "./message.ts";
import type { Origins } from "./origin.ts";
import type { PurgeGenerations } from "./purge-generations.ts";
import type { PopRates } from "./rate-limits.ts";
import type { TraceRecorder } from "./trace-recorder.ts";

/** A line that a service logged. `at` in milliseconds since the epoch. */
export interface LogLine {
  readonly service: string;
  readonly pop: string;
  readonly line: string;
  readonly at: number;
}

/** One activated version as it runs; requests under way keep theirs when the next one comes. */
export type AnyRun = ServiceRun | ComputeRun;

/** A version that is VCL. */
export interface ServiceRun {
  readonly kind: "vcl";
  readonly active: ActiveService;
  readonly health: HealthBoard;
  /** `beresp.saintmode`: until when (ms) a backend is not asked for a key. */
  readonly saints: Map<string, number>;
  readonly backends: readonly BackendSpec[];
}

/** A version that is a program. */
export interface ComputeRun {
  readonly kind: "compute";
  readonly active: ActiveComputeService;
  readonly health: HealthBoard;
  readonly backends: readonly BackendSpec[];
  /** Answers a request at a POP; never rejects. */
  answer(visit: ComputeVisit): Promise<ComputeAnswer>;
}

/** A request that has come to a program. */
export interface ComputeVisit {
  readonly parts: EdgeParts;
  readonly pop: Pop;
  readonly run: ComputeRun;
  readonly request: HopRequest;
  /** Where the trace is written; `null` when nobody wants one. */
  readonly recorder: TraceRecorder | null;
}

export interface ComputeAnswer {
  readonly response: HopResponse;
  /** What is told of it to who looks on. */
  readonly delivery: WatchedDelivery;
}

/** One point of presence: a cache of its own and a place in the chain of hops. */
export interface Pop {
  /** Code such as `LHR`. */
  readonly name: string;
  /** `server.identity`. */
  readonly identity: string;
  readonly ip: string;
  readonly store: CacheStore;
  readonly busy: BusyKeys;
  /** Ratecounters and penalty boxes by service; made when the service first asks. */
  readonly rates: Map<string, PopRates>;
}

/** What all POPs of one edge share. */
export interface EdgeParts {
  readonly clock: Clock;
  readonly pools: Origins;
  /** Uniform in [0, 1). */
  random(): number;
  /** `req.xid` of the next request. */
  nextXid(): string;
  /** The present second as an HTTP date. */
  httpDate(): string;
  onLog(line: LogLine): void;
  /** The service that a Host belongs to. */
  serviceOf(host: string): AnyRun | null;
  /** The edge's TLS port that stands beside its plain one; `null` where it listens on no such port. */
  tlsPortOf(port: number): number | null;
  /** The POP of a shield director's code, made when first named. */
  shieldPop(code: string): Pop;
  /** Runs a request at a POP. */
  handleAt(pop: Pop, request: HopRequest): Promise<HopResponse>;
  /** Proves that a Fastly-FF entry is ours. */
  signHop(text: string): string;
  readonly geo: ReadonlyMap<string, string | number>;
  /** Whether a token may purge this service by URL (`Fastly-Purge-Requires-Auth`). */
  mayPurge(token: string, serviceId: string): boolean;
  readonly generations: PurgeGenerations;
  /** Purges a cache key on every POP. */
  purgeObject(key: string, soft: boolean): void;
  /** Purges something on every POP, when word of it gets there. */
  purgePops(purge: (pop: Pop) => void): void;
  /** Who looks on, if anybody. */
  readonly watch: EdgeWatch | null;
  /** Keeps track of work that outlives its request. */
  background(task: Promise<void>): void;
}

/** Largest object without segmented caching (network-services-resource-limits: 20 MB). */
export const MAX_OBJECT = 20 * 1024 * 1024;
