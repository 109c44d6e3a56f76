import { fromByteString } from "../../http/byte-string.ts";
import type { Clock } from "../../lib/clock.ts";
import { assertNever } from "../../lib/errors.ts";
import type { EdgeWatch, RequestWatch, WatchEnd, WatchStart } from "../edge/edge-watch.ts";
import type { HopRequest } from "../edge/message.ts";
import { readSurrogateKeys } from "../edge/surrogate-keys.ts";
import { TraceRecorder } from "../edge/trace-recorder.ts";
import type { PurgeRequest } from "../service.ts";

/** One request at one POP, as a row. Times are milliseconds. */
export interface RequestRow {
  readonly kind: "request";
  /** Grows by one with each row; a trace has the same. */
  readonly id: number;
  /** Since the Unix epoch. */
  readonly at: number;
  readonly pop: string;
  readonly isShield: boolean;
  /** Name of the service; `null`: none has this Host. */
  readonly service: string | null;
  readonly method: string;
  readonly host: string;
  readonly url: string;
  readonly status: number;
  /** `fastly_info.state`. */
  readonly state: string;
  readonly restarts: number;
  readonly bytes: number;
  readonly ms: number;
  /** Surrogate keys of what was delivered, the first eight. */
  readonly keys: readonly string[];
  /** Whether its trace can be had. */
  readonly traced: boolean;
}

/** One purge, as a row. */
export interface PurgeRow {
  readonly kind: "purge";
  readonly id: number;
  readonly at: number;
  readonly service: string;
  /** `all`, `url http://…`, or `key K`; long lists are cut. */
  readonly what: string;
  readonly soft: boolean;
}

export type Row = RequestRow | PurgeRow;

/** Rows and traces that are kept; older ones are forgotten. */
const MAX_ROWS = 500;
const MAX_TRACES = 200;
const MAX_KEYS = 8;

/**
 * Looks on while the edge works: keeps the last rows, and traces of what passes while somebody listens. Without
 * listeners a request costs one row.
 */
export class Observer implements EdgeWatch {
  readonly #clock: Clock;
  readonly #rows: Row[] = [];
  readonly #traces = new Map<number, TraceRecorder>();
  readonly #listeners = new Set<(row: Row) => void>();
  /** Requests whose trace is wanted whoever listens. */
  readonly #wanted = new WeakMap<HopRequest, (recorder: TraceRecorder) => void>();
  #next = 1;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  begin(start: WatchStart): RequestWatch {
    const id = this.#next++;
    const at = this.#clock.now();
    const isShield = isHop(start.request);
    const recorder = this.#wants(start.request) ? recorderOf(start, { id, at, isShield }) : null;
    return { recorder, end: (outcome) => this.#end(start, { id, at, isShield, recorder, outcome }) };
  }

  purged({ serviceId, scope, soft }: PurgeRequest): void {
    const what = purgeText(scope);
    this.#publish({ kind: "purge", id: this.#next++, at: this.#clock.now(), service: serviceId, what, soft });
  }

  /** Rows after this id, oldest first, as far back as they are kept. */
  rowsAfter(id: number): readonly Row[] {
    return this.#rows.filter((row) => row.id > id);
  }

  traceOf(id: number): TraceRecorder | undefined {
    return this.#traces.get(id);
  }

  /** Hears of every row from now on, until the function returned is called. */
  listen(listener: (row: Row) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Asks for the trace of a request that is about to be made. */
  want(request: HopRequest, take: (recorder: TraceRecorder) => void): void {
    this.#wanted.set(request, take);
  }

  #wants(request: HopRequest): boolean {
    return this.#listeners.size > 0 || request.tracedBy !== undefined || this.#wanted.has(request);
  }

  #end(
    start: WatchStart,
    of: {
      readonly id: number;
      readonly at: number;
      readonly isShield: boolean;
      readonly recorder: TraceRecorder | null;
      readonly outcome: WatchEnd;
    },
  ): void {
    const { id, at, isShield, recorder, outcome } = of;
    const ms = this.#clock.now() - at;
    if (recorder !== null) {
      recorder.finish(outcome.response, { sent: outcome.sent, delivery: outcome.delivery, ms });
      this.#traces.set(id, recorder);
      const [oldest] = this.#traces.keys();
      if (this.#traces.size > MAX_TRACES && oldest !== undefined) this.#traces.delete(oldest);
      this.#wanted.get(start.request)?.(recorder);
    }
    this.#publish(requestRow(start, { id, at, isShield, ms, traced: recorder !== null, outcome }));
  }

  #publish(row: Row): void {
    this.#rows.push(row);
    if (this.#rows.length > MAX_ROWS) this.#rows.shift();
    for (const listener of this.#listeners) listener(row);
  }
}

function recorderOf(
  start: WatchStart,
  row: { readonly id: number; readonly at: number; readonly isShield: boolean },
): TraceRecorder {
  const { pop, service, request } = start;
  return new TraceRecorder({
    ...row,
    pop,
    service: service === null ? null : { id: service.id, name: service.name, version: service.version },
    request,
  });
}

function requestRow(
  { pop, service, request }: WatchStart,
  of: {
    readonly id: number;
    readonly at: number;
    readonly isShield: boolean;
    readonly ms: number;
    readonly traced: boolean;
    readonly outcome: WatchEnd;
  },
): RequestRow {
  const { id, at, isShield, ms, traced, outcome } = of;
  const { response, sent, delivery } = outcome;
  const object = delivery?.obj?.headers;
  return {
    kind: "request",
    id,
    at,
    pop,
    isShield,
    service: service?.name ?? null,
    method: shownText(request.method),
    host: shownText(delivery?.originalHost ?? request.headers.get("Host") ?? ""),
    url: shownText(request.url),
    status: response.status,
    state: delivery?.cacheState ?? "NONE",
    restarts: delivery?.restarts ?? 0,
    bytes: sent.headerBytes + sent.bodyBytes,
    ms,
    keys: object === undefined ? [] : readSurrogateKeys(object).slice(0, MAX_KEYS).map(shownText),
    traced,
  };
}

/** Only another POP can say so: the front drops a client's own line. */
function isHop({ headers }: HopRequest): boolean {
  return headers.has("Fastly-FF");
}

const MAX_TEXT = 1_000;

function shownText(bytes: string): string {
  return fromByteString(bytes.slice(0, MAX_TEXT));
}

function purgeText(scope: PurgeRequest["scope"]): string {
  switch (scope.kind) {
    case "all":
      return "all";
    case "url":
      return `url ${scope.host}${scope.pathAndQuery}`.slice(0, MAX_TEXT);
    case "keys": {
      const more = scope.keys.length > MAX_KEYS ? ` and ${scope.keys.length - MAX_KEYS} more` : "";
      return `key ${scope.keys.slice(0, MAX_KEYS).join(" ")}${more}`.slice(0, MAX_TEXT);
    }
    default:
      return assertNever(scope);
  }
}
