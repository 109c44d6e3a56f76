import { fromByteString } from "../../http/byte-string.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Action, BackendRef, RequestMessage, Transaction } from "../../vcl/runtime.ts";
import type { Source, Span } from "../../vcl/source.ts";
import type { CacheEntry } from "./cache-entry.ts";
import type { HopRequest, HopResponse, SentReport } from "./message.ts";
import type { ShowText } from "./shown-text.ts";
import { plainKey } from "./surrogate-keys.ts";
import { changesBetween, fieldsOf, headersOf } from "./trace-fields.ts";
import type { OpenTrace, RequestTrace, TraceEvent, TraceLine, UntimedEvent } from "./trace.ts";

/** More than a request with all its restarts, blocks and shields makes; a bound against one that never ends. */
const MAX_EVENTS = 500;
const MAX_LINES = 2_000;

export interface RecorderInit {
  readonly id: number;
  /** Milliseconds since the epoch, of `clock`. */
  readonly at: number;
  readonly clock: Clock;
  readonly pop: string;
  readonly isShield: boolean;
  readonly service: RequestTrace["service"];
  readonly request: HopRequest;
  /** How bytes become text: covers what the service keeps private. */
  readonly show: ShowText;
}

/** How a request ended. */
export interface TraceEnd {
  readonly sent: SentReport;
  /** `null` where no service has the Host. */
  readonly delivery: Pick<Transaction, "cacheState" | "restarts"> | null;
  /** Since the request began. */
  readonly ms: number;
}

/** Where a subroutine runs. */
export interface StatePlace {
  readonly state: string;
  readonly node: "delivery" | "fetch";
  readonly background: boolean;
}

/** Writes down what one request does at one POP while it runs. */
export class TraceRecorder implements OpenTrace {
  /** VCL texts that the request ran through, by name: what the lines of its trace are lines of. */
  readonly #sources = new Map<string, Source>();
  /** How what this request holds becomes text. */
  readonly show: ShowText;
  readonly #init: RecorderInit;
  readonly #request: RequestTrace["request"];
  readonly #events: TraceEvent[] = [];
  readonly #shields: OpenTrace[] = [];
  readonly #parts: OpenTrace[] = [];
  /** Of events that tell of another request: its trace, which may still be written after the event. */
  readonly #inner = new Map<TraceEvent, OpenTrace>();
  #dropped = 0;
  #lines: Map<string, TraceLine> = new Map();
  #answer: RequestTrace["answer"] = null;

  constructor(init: RecorderInit) {
    this.#init = init;
    this.show = init.show;
    const { request } = init;
    this.#request = {
      method: this.show(request.method),
      host: this.show(request.headers.get("Host") ?? ""),
      url: this.show(request.url),
      proto: request.proto,
      client: request.connection.ip,
      tls: request.connection.tls !== null,
      headers: headersOf(request.headers, this.show),
    };
  }

  /** The trace as it stands: final when it has an answer. */
  get trace(): RequestTrace {
    const { id, at, pop, isShield, service } = this.#init;
    const request = this.#request;
    const answer = this.#answer;
    const events = this.#events.map((event) => this.#asItIs(event));
    return { id, at, pop, isShield, service, request, events, dropped: this.#dropped, answer };
  }

  #asItIs(event: TraceEvent): TraceEvent {
    const inner = this.#inner.get(event);
    if (inner === undefined) return event;
    if (event.kind === "backend") return { ...event, shield: inner.trace };
    return event.kind === "part" ? { ...event, part: inner.trace } : event;
  }

  /** All VCL texts, those of its shields and parts included. */
  allSources(): ReadonlyMap<string, string> {
    const all = new Map([...this.#sources].map(([name, { text }]) => [name, fromByteString(text)]));
    for (const inner of [...this.#shields, ...this.#parts]) {
      for (const [name, text] of inner.allSources()) all.set(name, text);
    }
    return all;
  }

  /** A request to a shield POP on behalf of this one. */
  addShield(shield: OpenTrace): void {
    this.#shields.push(shield);
  }

  /** A request for a part of this one's page. */
  addPart(part: OpenTrace): void {
    this.#parts.push(part);
    this.#add({ kind: "part", part: part.trace }, { inner: part });
  }

  /** `EdgeHost.onStatement`: a statement runs, or a condition turned out like this. */
  readonly onStatement = (span: Span, held?: boolean): void => {
    if (this.#lines.size >= MAX_LINES) return;
    const { source } = span;
    if (!this.#sources.has(source.name)) this.#sources.set(source.name, source);
    const line = lineOf(span);
    const key = `${source.name}\0${line}\0${held === undefined ? "" : span.start}`;
    if (held !== undefined) {
      const text = this.show(source.text.slice(span.start, span.end).replace(/\s+/g, " "));
      this.#lines.set(key, { file: source.name, line, condition: { text, held } });
    } else if (!this.#lines.has(key)) {
      this.#lines.set(key, { file: source.name, line });
    }
  };

  /** Runs one subroutine and writes down which lines ran, what they changed and how it ended. */
  state(place: StatePlace, transaction: Transaction, run: () => Action): Action {
    this.#lines = new Map();
    const began = this.#init.clock.now();
    const before = fieldsOf(transaction);
    let ended = "stopped";
    try {
      const action = run();
      ended = actionText(action, this.show);
      return action;
    } finally {
      const lines = [...this.#lines.values()];
      const changes = changesBetween(before, fieldsOf(transaction), this.show);
      this.#add({ kind: "state", ...place, action: ended, lines, changes }, { began });
    }
  }

  lookup(found: {
    readonly key: string;
    readonly state: string;
    readonly waited: boolean;
    readonly entry: CacheEntry | null;
    /** When it began and ended, milliseconds since the epoch. */
    readonly began: number;
    readonly now: number;
  }): void {
    const { key, state, waited, entry, began, now } = found;
    const object =
      entry === null
        ? null
        : {
            ageSeconds: entry.age(now),
            ttlSeconds: entry.ttl(now),
            hits: entry.hits,
            surrogateKeys: entry.surrogateKeys.map((kept) => this.show(plainKey(kept))),
          };
    this.#add({ kind: "lookup", key: this.show(key), state, waited, object }, { began });
  }

  backend(asked: {
    readonly backend: BackendRef | null;
    readonly bereq: RequestMessage | null;
    readonly reply: {
      readonly status: number;
      readonly reason: string;
      readonly backend: { readonly name: string };
    } | null;
    readonly failure: string | null;
    /** When it was asked and when it had answered, milliseconds since the epoch. */
    readonly began: number;
    readonly now: number;
  }): void {
    const { backend, bereq, reply, failure, began, now } = asked;
    const shield =
      backend?.kind === "director" && backend.spec.type === "shield" ? this.#shields.at(-1) : null;
    const event: UntimedEvent = {
      kind: "backend",
      backend: reply?.backend.name ?? backend?.spec.name ?? "none",
      method: this.show(bereq?.method ?? ""),
      host: this.show(bereq?.headers.get("Host") ?? ""),
      url: this.show(bereq?.url ?? ""),
      status: reply?.status ?? null,
      reason: this.show(reply?.reason ?? failure ?? ""),
      ms: now - began,
      shield: shield?.trace ?? null,
    };
    this.#add(event, { began, inner: shield });
  }

  restart(count: number): void {
    this.#add({ kind: "restart", count });
  }

  stop(reason: string): void {
    this.#add({ kind: "stop", reason: this.show(reason) });
  }

  /** The answer has gone out. */
  finish(response: Pick<HopResponse, "status" | "reason" | "headers">, end: TraceEnd): void {
    const { sent, delivery, ms } = end;
    this.#answer = {
      status: response.status,
      reason: this.show(response.reason),
      headers: headersOf(response.headers, this.show),
      headerBytes: sent.headerBytes,
      bodyBytes: sent.bodyBytes,
      ms,
      state: delivery?.cacheState ?? "NONE",
      restarts: delivery?.restarts ?? 0,
    };
  }

  /** Keeps an event; what has no length of its own began now. */
  #add(
    untimed: UntimedEvent,
    of: { readonly began?: number; readonly inner?: OpenTrace | null | undefined } = {},
  ): void {
    if (this.#events.length === MAX_EVENTS) {
      this.#dropped += 1;
      return;
    }
    const { clock, at } = this.#init;
    const event: TraceEvent = { ...untimed, offset: (of.began ?? clock.now()) - at };
    this.#events.push(event);
    if (of.inner) this.#inner.set(event, of.inner);
  }
}

const LINE_STARTS = new WeakMap<Source, readonly number[]>();

/** 1-based line of a span's beginning; a text is searched for its lines once. */
function lineOf({ source, start }: Span): number {
  let starts = LINE_STARTS.get(source);
  if (starts === undefined) {
    starts = [0, ...[...source.text.matchAll(/\n/g)].map((match) => match.index + 1)];
    LINE_STARTS.set(source, starts);
  }
  let [low, high] = [0, starts.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((starts[middle] ?? 0) <= start) low = middle;
    else high = middle;
  }
  return low + 1;
}

function actionText(action: Action, show: ShowText): string {
  if (action.do !== "error") return action.do;
  return `error ${action.status}${action.reason === null ? "" : ` ${show(action.reason)}`}`;
}
