import { fromByteString } from "../../http/byte-string.ts";
import type { HeaderList } from "../../http/header-list.ts";
import type { Action, BackendRef, RequestMessage, ResponseMessage, Transaction } from "../../vcl/runtime.ts";
import type { Source, Span } from "../../vcl/source.ts";
import type { CacheEntry } from "./cache-entry.ts";
import type { HopRequest, HopResponse, SentReport } from "./message.ts";
import { plainKey } from "./surrogate-keys.ts";
import type {
  HeaderText,
  OpenTrace,
  RequestTrace,
  StateEvent,
  TraceChange,
  TraceEvent,
  TraceLine,
} from "./trace.ts";

/** More than a request with all its restarts, blocks and shields makes; a bound against one that never ends. */
const MAX_EVENTS = 500;
const MAX_LINES = 2_000;
const MAX_TEXT = 2_000;

/** Their values open something for whoever reads them. */
const SECRET_HEADERS: ReadonlySet<string> = new Set([
  "authorization",
  "cookie",
  "fastly-key",
  "proxy-authorization",
  "set-cookie",
  "x-amz-security-token",
]);

export interface RecorderInit {
  readonly id: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly pop: string;
  readonly isShield: boolean;
  readonly service: RequestTrace["service"];
  readonly request: HopRequest;
}

/** How a request ended. */
export interface TraceEnd {
  readonly sent: SentReport;
  /** The delivery node as vcl_log left it; `null` where no service has the Host. */
  readonly delivery: Transaction | null;
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
  readonly #init: RecorderInit;
  readonly #request: RequestTrace["request"];
  readonly #events: TraceEvent[] = [];
  readonly #shields: OpenTrace[] = [];
  #dropped = 0;
  #lines: Map<string, TraceLine> = new Map();
  #answer: RequestTrace["answer"] = null;

  constructor(init: RecorderInit) {
    this.#init = init;
    const { request } = init;
    this.#request = {
      method: shown(request.method),
      host: shown(request.headers.get("Host") ?? ""),
      url: shown(request.url),
      proto: request.proto,
      client: request.connection.ip,
      tls: request.connection.tls !== null,
      headers: headersOf(request.headers),
    };
  }

  /** The trace as it stands: final when it has an answer. */
  get trace(): RequestTrace {
    const { id, at, pop, isShield, service } = this.#init;
    const request = this.#request;
    const answer = this.#answer;
    return { id, at, pop, isShield, service, request, events: this.#events, dropped: this.#dropped, answer };
  }

  /** All VCL texts, those of the shields it went through included. */
  allSources(): ReadonlyMap<string, string> {
    const all = new Map([...this.#sources].map(([name, { text }]) => [name, fromByteString(text)]));
    for (const shield of this.#shields) for (const [name, text] of shield.allSources()) all.set(name, text);
    return all;
  }

  /** A request to a shield POP on behalf of this one. */
  addShield(shield: OpenTrace): void {
    this.#shields.push(shield);
  }

  /** `EdgeHost.onStatement`: a statement runs, or a condition turned out like this. */
  readonly onStatement = (span: Span, held?: boolean): void => {
    if (this.#lines.size >= MAX_LINES) return;
    const { source } = span;
    if (!this.#sources.has(source.name)) this.#sources.set(source.name, source);
    const line = lineOf(span);
    const key = `${source.name}\0${line}\0${held === undefined ? "" : span.start}`;
    if (held !== undefined) {
      const text = shown(source.text.slice(span.start, span.end).replace(/\s+/g, " "));
      this.#lines.set(key, { file: source.name, line, condition: { text, held } });
    } else if (!this.#lines.has(key)) {
      this.#lines.set(key, { file: source.name, line });
    }
  };

  /** Runs one subroutine and writes down which lines ran, what they changed and how it ended. */
  state(place: StatePlace, transaction: Transaction, run: () => Action): Action {
    this.#lines = new Map();
    const before = fieldsOf(transaction);
    let ended = "stopped";
    try {
      const action = run();
      ended = actionText(action);
      return action;
    } finally {
      const event: StateEvent = {
        kind: "state",
        ...place,
        action: ended,
        lines: [...this.#lines.values()],
        changes: changesBetween(before, fieldsOf(transaction)),
      };
      this.#add(event);
    }
  }

  lookup(found: {
    readonly key: string;
    readonly state: string;
    readonly waited: boolean;
    readonly entry: CacheEntry | null;
    /** Milliseconds since the epoch. */
    readonly now: number;
  }): void {
    const { key, state, waited, entry, now } = found;
    this.#add({
      kind: "lookup",
      key: shown(key),
      state,
      waited,
      object:
        entry === null
          ? null
          : {
              ageSeconds: entry.age(now),
              ttlSeconds: entry.ttl(now),
              hits: entry.hits,
              surrogateKeys: entry.surrogateKeys.map((kept) => shown(plainKey(kept))),
            },
    });
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
    readonly ms: number;
  }): void {
    const { backend, bereq, reply, failure, ms } = asked;
    const shield =
      backend?.kind === "director" && backend.spec.type === "shield" ? this.#shields.at(-1) : null;
    this.#add({
      kind: "backend",
      backend: reply?.backend.name ?? backend?.spec.name ?? "none",
      method: shown(bereq?.method ?? ""),
      host: shown(bereq?.headers.get("Host") ?? ""),
      url: shown(bereq?.url ?? ""),
      status: reply?.status ?? null,
      reason: shown(reply?.reason ?? failure ?? ""),
      ms,
      shield: shield?.trace ?? null,
    });
  }

  restart(count: number): void {
    this.#add({ kind: "restart", count });
  }

  stop(reason: string): void {
    this.#add({ kind: "stop", reason: shown(reason) });
  }

  /** The answer has gone out. */
  finish(response: Pick<HopResponse, "status" | "reason" | "headers">, end: TraceEnd): void {
    const { sent, delivery, ms } = end;
    this.#answer = {
      status: response.status,
      reason: shown(response.reason),
      headers: headersOf(response.headers),
      headerBytes: sent.headerBytes,
      bodyBytes: sent.bodyBytes,
      ms,
      state: delivery?.cacheState ?? "NONE",
      restarts: delivery?.restarts ?? 0,
    };
  }

  #add(event: TraceEvent): void {
    if (this.#events.length < MAX_EVENTS) this.#events.push(event);
    else this.#dropped += 1;
  }
}

/** Bytes as text for people, cut to a size that a page can show. */
function shown(bytes: string): string {
  return fromByteString(bytes.length > MAX_TEXT ? `${bytes.slice(0, MAX_TEXT)}...` : bytes);
}

function headersOf(headers: HeaderList): HeaderText[] {
  return [...headers].map(([name, value]) => [name, headerText(name, value)]);
}

function headerText(name: string, value: string): string {
  return SECRET_HEADERS.has(name.toLowerCase()) ? `(${value.length} bytes)` : shown(value);
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

function actionText(action: Action): string {
  if (action.do !== "error") return action.do;
  return `error ${action.status}${action.reason === null ? "" : ` ${shown(action.reason)}`}`;
}

/** What VCL can change, by the name it has there. */
function fieldsOf(t: Transaction): Map<string, string> {
  const fields = new Map<string, string>();
  addRequest(fields, "req", t.req);
  if (t.backend !== null) fields.set("req.backend", t.backend.spec.name);
  if (t.hash !== "") fields.set("req.hash", shown(t.hash));
  if (t.bereq !== null) addRequest(fields, "bereq", t.bereq);
  if (t.beresp !== null) {
    addResponse(fields, "beresp", t.beresp);
    const { ttl, staleIfError, staleWhileRevalidate, cacheable, gzip, brotli, stream } = t.beresp;
    fields.set("beresp.ttl", `${ttl}s`);
    fields.set("beresp.stale_if_error", `${staleIfError}s`);
    fields.set("beresp.stale_while_revalidate", `${staleWhileRevalidate}s`);
    for (const [name, value] of Object.entries({ cacheable, gzip, brotli, do_stream: stream })) {
      fields.set(`beresp.${name}`, String(value));
    }
  }
  if (t.obj !== null) {
    addResponse(fields, "obj", t.obj);
    fields.set("obj.ttl", `${t.obj.ttl}s`);
  }
  if (t.resp !== null) addResponse(fields, "resp", t.resp);
  if (t.synthetic !== null) fields.set("synthetic", `${t.synthetic.content.length} bytes`);
  return fields;
}

function addRequest(fields: Map<string, string>, scope: string, message: RequestMessage): void {
  fields.set(`${scope}.method`, shown(message.method));
  fields.set(`${scope}.url`, shown(message.url));
  addHeaders(fields, scope, message.headers);
}

function addResponse(fields: Map<string, string>, scope: string, message: ResponseMessage): void {
  fields.set(`${scope}.status`, String(message.status));
  fields.set(`${scope}.response`, shown(message.reason));
  addHeaders(fields, scope, message.headers);
}

function addHeaders(fields: Map<string, string>, scope: string, headers: HeaderList): void {
  for (const [name, value] of headers) {
    const field = `${scope}.http.${name}`;
    const former = fields.get(field);
    const text = headerText(name, value);
    fields.set(field, former === undefined ? text : `${former}, ${text}`);
  }
}

function changesBetween(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): TraceChange[] {
  const changes: TraceChange[] = [];
  for (const [name, value] of after) {
    const former = before.get(name) ?? null;
    if (former !== value) changes.push({ name, before: former, after: value });
  }
  for (const [name, value] of before) {
    if (!after.has(name)) changes.push({ name, before: value, after: null });
  }
  return changes;
}
