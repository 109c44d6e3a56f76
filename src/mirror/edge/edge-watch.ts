import type { CachedObject, Transaction } from "../../vcl/runtime.ts";
import type { ActiveService, PurgeRequest } from "../service.ts";
import type { HopRequest, HopResponse, SentReport } from "./message.ts";
import type { TraceRecorder } from "./trace-recorder.ts";

/** A service as it is shown to people. */
export type WatchedService = Pick<ActiveService, "id" | "name" | "version" | "secrets">;

/** What became of a request inside: the delivery node as vcl_log left it, or what a program's run has of that. */
export interface WatchedDelivery extends Pick<Transaction, "originalHost" | "cacheState" | "restarts"> {
  /** What was delivered, where it was in a cache. */
  readonly obj: Pick<CachedObject, "headers"> | null;
}

/** A request that begins at a POP. */
export interface WatchStart {
  /** Code of the POP. */
  readonly pop: string;
  /** `null`: none has this Host. */
  readonly service: WatchedService | null;
  readonly request: HopRequest;
}

/** A request whose answer has gone out. */
export interface WatchEnd {
  readonly response: HopResponse;
  readonly sent: SentReport;
  /** `null` where no service has the Host. */
  readonly delivery: WatchedDelivery | null;
}

/** What somebody makes of one request. */
export interface RequestWatch {
  /** Where the trace is to be written; `null` when only the outcome is of interest. */
  readonly recorder: TraceRecorder | null;
  end(outcome: WatchEnd): void;
}

/** Somebody who looks on while the edge works. */
export interface EdgeWatch {
  begin(start: WatchStart): RequestWatch;
  /** A purge was asked for; it takes effect on every POP. `service`: missing where none of this id is active. */
  purged(request: PurgeRequest, service: Pick<ActiveService, "name"> | undefined): void;
}
