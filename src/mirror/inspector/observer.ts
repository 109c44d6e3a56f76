import { fromByteString } from "../../http/byte-string.ts";
import type { Clock } from "../../lib/clock.ts";
import type { EdgeWatch, RequestWatch, WatchedService, WatchEnd, WatchStart } from "../edge/edge-watch.ts";
import type { HopRequest } from "../edge/message.ts";
import { textShower } from "../edge/shown-text.ts";
import { TraceRecorder } from "../edge/trace-recorder.ts";
import type { PurgeRequest } from "../service.ts";
import { purgeRow, requestRow } from "./row.ts";
import type { KeptRow, Row } from "./row.ts";

/** Rows and traces that are kept; older ones are forgotten. */
const MAX_ROWS = 500;
const MAX_TRACES = 200;
/** More than an edge serves in a millisecond: ids of a mirror that was started anew go on behind those before. */
const IDS_PER_MS = 1_000;

/**
 * Looks on while the edge works: keeps what the last requests were, and traces of what passes while somebody listens.
 * Without listeners a request costs one small object; it becomes a row when somebody asks for it.
 */
export class Observer implements EdgeWatch {
  readonly #clock: Clock;
  /** A ring: the row of number `n` is at `n % MAX_ROWS`. */
  readonly #kept: KeptRow[] = [];
  #count = 0;
  readonly #traces = new Map<number, TraceRecorder>();
  readonly #listeners = new Set<(row: Row) => void>();
  /** Requests whose trace is wanted whoever listens. */
  readonly #wanted = new WeakMap<HopRequest, (recorder: TraceRecorder) => void>();
  #next: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#next = clock.now() * IDS_PER_MS;
  }

  begin(start: WatchStart): RequestWatch {
    const id = this.#next++;
    const at = this.#clock.now();
    const recorder = this.#wants(start.request) ? this.#recorderOf(start, { id, at }) : null;
    return { recorder, end: (outcome) => this.#end(start, { id, at, recorder, outcome }) };
  }

  purged(request: PurgeRequest, service: Pick<WatchedService, "name"> | undefined): void {
    const serviceName = service?.name ?? null;
    this.#keep({ kind: "purge", id: this.#next++, at: this.#clock.now(), serviceName, request });
  }

  /** Rows after this id, oldest first, as far back as they are kept. */
  rowsAfter(id: number): readonly Row[] {
    const first = Math.max(0, this.#count - MAX_ROWS);
    const rows: Row[] = [];
    for (let n = first; n < this.#count; n += 1) {
      const kept = this.#kept[n % MAX_ROWS];
      if (kept !== undefined && kept.id > id) rows.push(rowOf(kept));
    }
    return rows;
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

  #recorderOf(start: WatchStart, row: { readonly id: number; readonly at: number }): TraceRecorder {
    const { pop, service, request } = start;
    return new TraceRecorder({
      ...row,
      clock: this.#clock,
      pop,
      isShield: isHop(request),
      service: service === null ? null : { id: service.id, name: service.name, version: service.version },
      request,
      show: textShower(service?.secrets?.() ?? []),
    });
  }

  #end(
    start: WatchStart,
    of: {
      readonly id: number;
      readonly at: number;
      readonly recorder: TraceRecorder | null;
      readonly outcome: WatchEnd;
    },
  ): void {
    const { id, at, recorder, outcome } = of;
    const { pop, service, request } = start;
    const { response, sent, delivery } = outcome;
    const ms = this.#clock.now() - at;
    if (recorder !== null) {
      recorder.finish(response, { sent, delivery, ms });
      this.#traces.set(id, recorder);
      const [oldest] = this.#traces.keys();
      if (this.#traces.size > MAX_TRACES && oldest !== undefined) this.#traces.delete(oldest);
      this.#wanted.get(request)?.(recorder);
    }
    // Only strings and numbers: what the request held else (bodies, transactions) is let go.
    this.#keep({
      kind: "request",
      id,
      at,
      pop,
      isShield: isHop(request),
      service,
      method: request.method,
      host: delivery?.originalHost ?? request.headers.get("Host") ?? "",
      url: request.url,
      status: response.status,
      state: delivery?.cacheState ?? "NONE",
      restarts: delivery?.restarts ?? 0,
      bytes: sent.headerBytes + sent.bodyBytes,
      ms,
      surrogateKeys: delivery?.obj?.headers.get("Surrogate-Key") ?? "",
      traced: recorder !== null,
    });
    if (service !== null && isClientPurge(request) && response.status === 200)
      this.#clientPurge(service, request);
  }

  /** A purge that a client asked for with the PURGE method: the control plane knows nothing of it. */
  #clientPurge(service: WatchedService, { headers, url }: HopRequest): void {
    const scope = {
      kind: "url",
      host: headers.get("Host") ?? "",
      pathAndQuery: fromByteString(url),
    } as const;
    const soft = headers.get("Fastly-Soft-Purge") === "1";
    this.purged({ serviceId: service.id, scope, soft }, service);
  }

  #keep(kept: KeptRow): void {
    this.#kept[this.#count % MAX_ROWS] = kept;
    this.#count += 1;
    if (this.#listeners.size === 0) return;
    const row = rowOf(kept);
    for (const listener of this.#listeners) listener(row);
  }
}

function rowOf(kept: KeptRow): Row {
  return kept.kind === "purge" ? purgeRow(kept) : requestRow(kept);
}

/** Only another POP can say so: the front drops a client's own line. */
function isHop({ headers }: HopRequest): boolean {
  return headers.has("Fastly-FF");
}

function isClientPurge({ method, trustedPurge }: HopRequest): boolean {
  return method === "FASTLYPURGE" && !trustedPurge;
}
