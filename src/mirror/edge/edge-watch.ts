import type { PurgeRequest } from "../service.ts";
import type { HopRequest } from "./message.ts";
import type { Pop, ServiceRun } from "./parts.ts";
import type { TraceRecorder } from "./trace-recorder.ts";

/** Somebody who looks on: the inspector. */
export interface EdgeWatch {
  /** A request begins at a POP. Gives a recorder when its trace is wanted. */
  begin(start: {
    readonly pop: Pop;
    readonly service: ServiceRun | null;
    readonly request: HopRequest;
  }): TraceRecorder | null;
  /** A recorded request's answer has gone out. */
  end(recorder: TraceRecorder): void;
  /** A purge took effect on every POP. */
  purged(request: PurgeRequest): void;
}
