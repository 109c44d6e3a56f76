import { randomUUID } from "node:crypto";
import { setMaxListeners } from "node:events";
import { z } from "zod";
import { errnoOf } from "../lib/caught.ts";
import type { Clock } from "../lib/clock.ts";
import { ExchangeError, HttpConnections } from "../lib/http-exchange.ts";
import type { Secret } from "../lib/secret.ts";
import { RemoteError, refusedError } from "./remote-error.ts";
import { planRetry } from "./retry.ts";
import type { Effect, Failure, RetryLimits } from "./retry.ts";
import { encodeBody } from "./request-body.ts";
import type { FileField, FormValue } from "./request-body.ts";

export interface TransportOptions {
  /** Base URL of the API, e.g. `https://api.fastly.com`; a path in it is kept as prefix. */
  readonly apiUrl: string;
  readonly token: Secret;
  readonly clock: Clock;
  /** Ends every call and every wait between tries. */
  readonly signal?: AbortSignal;
  /** Default `sitefleet`; the program passes `sitefleet/<version>`. */
  readonly userAgent?: string;
  readonly limits?: Partial<TransportLimits>;
  /** Told before each wait of a second or more. */
  readonly onWait?: (line: string) => void;
}

export interface TransportLimits extends RetryLimits {
  /** Largest answer that is read, in bytes. */
  readonly answerBytes: number;
  readonly connectTimeoutMs: number;
  /** Until the answer's headers are there; activating may take this long. */
  readonly headersTimeoutMs: number;
  /** Between two pieces of an answer's body. */
  readonly bodyTimeoutMs: number;
}

const DEFAULT_LIMITS: TransportLimits = {
  attempts: 5,
  longestWaitMs: 300_000,
  answerBytes: 16 * 1024 * 1024,
  connectTimeoutMs: 10_000,
  headersTimeoutMs: 120_000,
  bodyTimeoutMs: 30_000,
};

const PARALLEL_CALLS = 8;
/**
 * Shorter than any server keeps an idle connection: a request on one that was closed meanwhile would fail, and nobody
 * could tell whether a call that must land once has landed.
 */
const KEPT_MS = 4_000;

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

export interface Call<T> {
  readonly method: Method;
  /** Segments of the path, not yet encoded. */
  readonly path: readonly string[];
  readonly query?: Readonly<Record<string, string>>;
  readonly form?: Readonly<Record<string, FormValue>>;
  readonly json?: unknown;
  readonly file?: FileField;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: `read` for GET, `once` for POST, else `idempotent`. */
  readonly effect?: Effect;
  /** Calls that share a queue run one after the other: Fastly does not merge concurrent edits of one service. */
  readonly queue?: string;
  readonly answer: z.ZodType<T>;
  /** Answers that are no JSON. */
  readonly plain?: boolean;
  /** Values in the body that must not turn up in an error. */
  readonly secrets?: readonly Secret[];
}

/** One page of a list. */
export interface Page<T> {
  readonly answer: T;
  /** Whether a further page follows: the `Link` header says so, and the last page has none. */
  readonly hasNext: boolean;
}

interface Attempt {
  readonly method: Method;
  /** `METHOD /path`, for messages. */
  readonly name: string;
  readonly requestId: string;
  readonly url: URL;
  readonly effect: Effect;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
}

interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** How many writes the token may still make, and when the count begins anew. */
export interface WriteBudget {
  readonly remaining: number;
  /** Milliseconds since the Unix epoch. */
  readonly resetAt: number;
}

/** Sends calls to the Fastly API over kept-alive connections, with retries; no answer gets out unchecked. */
export class FastlyTransport {
  readonly #options: TransportOptions;
  readonly #limits: TransportLimits;
  readonly #base: URL;
  readonly #connections: HttpConnections;
  readonly #queues = new Map<string, Promise<unknown>>();
  readonly #underWay = new Set<Promise<unknown>>();
  #sheltering = 0;
  #serverOffset: number | undefined;
  #writeBudget: WriteBudget | undefined;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#base = new URL(options.apiUrl);
    this.#connections = new HttpConnections(this.#base, {
      connections: PARALLEL_CALLS,
      connectMs: this.#limits.connectTimeoutMs,
      headMs: this.#limits.headersTimeoutMs,
      bodyMs: this.#limits.bodyTimeoutMs,
      keptMs: KEPT_MS,
    });
    // Every call under way listens for Ctrl-C; Node takes more than ten listeners for a leak.
    if (options.signal) setMaxListeners(0, options.signal);
  }

  /** Fastly's clock less ours in milliseconds by its last answer, to the second; `undefined` until one told. */
  get serverOffset(): number | undefined {
    return this.#serverOffset;
  }

  /** What Fastly's last answer to a write said of the limit; `undefined` until one did, for reads say nothing. */
  get writeBudget(): WriteBudget | undefined {
    return this.#writeBudget;
  }

  /**
   * Runs work whose calls the signal does not end: what is begun in it comes to its end, and whoever does the work looks
   * at the signal between its calls.
   */
  async sheltered<T>(work: () => Promise<T>): Promise<T> {
    this.#sheltering += 1;
    try {
      return await work();
    } finally {
      this.#sheltering -= 1;
    }
  }

  get #signal(): AbortSignal | undefined {
    return this.#sheltering > 0 ? undefined : this.#options.signal;
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#underWay);
    this.#connections.close();
  }

  /**
   * Resolves to the checked answer.
   * @throws RemoteError `fastly/…`
   */
  async send<T>(call: Call<T>): Promise<T> {
    const { answer } = await this.sendForPage(call);
    return answer;
  }

  /**
   * The same for a part of a list, with whether there is more of it (RFC 8288).
   * @throws RemoteError `fastly/…`
   */
  sendForPage<T>(call: Call<T>): Promise<Page<T>> {
    const sent = this.#inTurn(call);
    this.#underWay.add(sent);
    const forget = (): void => void this.#underWay.delete(sent);
    sent.then(forget, forget);
    return sent;
  }

  #inTurn<T>(call: Call<T>): Promise<Page<T>> {
    if (call.queue === undefined) return this.#sendWithRetries(call);
    const before = this.#queues.get(call.queue) ?? Promise.resolve();
    const sent = before.then(() => this.#sendWithRetries(call));
    const settled = sent.catch(() => undefined); // the caller gets the failure; the queue only waits for the end
    this.#queues.set(call.queue, settled);
    return sent;
  }

  async #sendWithRetries<T>(call: Call<T>): Promise<Page<T>> {
    const secrets = [this.#options.token, ...(call.secrets ?? [])];
    const attempt = this.#prepare(call);
    let landed: "no" | "unknown" = "no";
    for (let count = 1; ; count += 1) {
      const outcome = await this.#try(attempt);
      if ("body" in outcome && outcome.status >= 200 && outcome.status < 300) {
        return { answer: readAnswer(call, attempt, outcome), hasNext: hasNextPage(outcome.headers) };
      }
      // A DELETE whose first try was lost on the way back finds nothing left to delete.
      if ("body" in outcome && outcome.status === 404 && call.method === "DELETE" && landed === "unknown") {
        return { answer: call.answer.parse({ status: "ok" }), hasNext: false };
      }
      const failure = toFailure(outcome);
      if (mayHaveLanded(failure)) landed = "unknown";
      const { effect } = attempt;
      const now = this.#options.clock.now();
      const verdict = planRetry({ attempt: count, effect, failure, now, limits: this.#limits });
      if (verdict.do === "stop") {
        throw "body" in outcome
          ? refusedError({ ...outcome, call: attempt.name, requestId: attempt.requestId, secrets, landed })
          : unreachableError(attempt, outcome.cause, landed);
      }
      await this.#wait(attempt, { ms: verdict.ms, why: "body" in outcome ? outcome.status : undefined });
    }
  }

  #prepare(call: Call<unknown>): Attempt {
    const path = call.path.map(encodeSegment).join("/");
    const base = this.#options.apiUrl.replace(/\/+$/, "");
    const url = new URL(`${base}/${path}`);
    for (const [name, value] of Object.entries(call.query ?? {})) url.searchParams.set(name, value);
    const requestId = randomUUID();
    const body = encodeBody(call);
    return {
      method: call.method,
      name: `${call.method} /${path}`,
      requestId,
      url,
      effect: call.effect ?? defaultEffect(call.method),
      headers: {
        host: this.#base.host,
        accept: call.plain ? "text/plain, application/json" : "application/json",
        "fastly-key": this.#options.token.reveal(),
        "user-agent": this.#options.userAgent ?? "sitefleet",
        "x-request-id": requestId,
        ...(body === undefined ? {} : { "content-type": body.type }),
        ...(call.method === "GET" ? {} : { "content-length": String(body?.bytes.length ?? 0) }),
        ...call.headers,
      },
      body: body?.bytes,
    };
  }

  async #try(attempt: Attempt): Promise<RawAnswer | { readonly cause: unknown }> {
    const signal = this.#signal;
    signal?.throwIfAborted();
    const { method, url, headers, body } = attempt;
    try {
      const answer = await this.#connections.send({
        method,
        path: `${url.pathname}${url.search}`,
        headers: Object.entries(headers).flat(),
        body,
        readLimit: this.#limits.answerBytes,
        signal,
      });
      this.#writeBudget = readWriteBudget(answer.headers) ?? this.#writeBudget;
      const date = Date.parse(answer.headers.date ?? "");
      if (!Number.isNaN(date)) this.#serverOffset = date - this.#options.clock.now();
      return { ...answer, body: Buffer.from(answer.body).toString("utf8") };
    } catch (cause) {
      signal?.throwIfAborted();
      if (cause instanceof ExchangeError && cause.code === "EMSGSIZE")
        throw tooLong(this.#limits.answerBytes);
      return { cause };
    }
  }

  async #wait(attempt: Attempt, { ms, why }: { ms: number; why: number | undefined }): Promise<void> {
    if (ms >= 1_000) {
      const said = why === undefined ? "Fastly does not answer" : `Fastly answered ${why}`;
      this.#options.onWait?.(`${said}: ${attempt.name} again in ${Math.ceil(ms / 1000)} s`);
    }
    await this.#options.clock.sleep(ms, this.#signal);
  }
}

/** reference/api, "Rate limiting": both headers come with answers to writes that count. */
function readWriteBudget(headers: RawAnswer["headers"]): WriteBudget | undefined {
  const remaining = headerText(headers["fastly-ratelimit-remaining"]) ?? "";
  const reset = headerText(headers["fastly-ratelimit-reset"]) ?? "";
  if (!/^[0-9]{1,9}$/.test(remaining) || !/^[0-9]{1,11}$/.test(reset)) return undefined;
  return { remaining: Number(remaining), resetAt: Number(reset) * 1_000 };
}

function hasNextPage(headers: RawAnswer["headers"]): boolean {
  return /;\s*rel="?next"?\s*(?:[,;]|$)/i.test(headerText(headers["link"]) ?? "");
}

function defaultEffect(method: Method): Effect {
  if (method === "GET") return "read";
  return method === "POST" ? "once" : "idempotent";
}

/** Percent-encodes one segment; dots that a URL parser would resolve away are refused. */
function encodeSegment(segment: string): string {
  if (segment === "" || segment === "." || segment === "..") {
    throw new RemoteError("fastly/refused", `"${segment}" cannot be a name in an API path`, { landed: "no" });
  }
  return encodeURIComponent(segment);
}

function tooLong(limit: number): RemoteError {
  return new RemoteError("fastly/bad-answer", `Fastly's answer is longer than ${limit} bytes`, {
    landed: "unknown",
    hint: "check that `fastly.apiUrl` points at the Fastly API",
  });
}

function readAnswer<T>(call: Call<T>, attempt: Attempt, raw: RawAnswer): T {
  const value = call.plain ? raw.body : parseJson(attempt, raw.body);
  const parsed = call.answer.safeParse(value);
  if (parsed.success) return parsed.data;
  throw badAnswer(
    attempt,
    "does not have the documented form",
    parsed.error.issues.map((issue) => `${issue.path.join(".") || "answer"}: ${issue.message}`),
  );
}

function parseJson(attempt: Attempt, body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    // The parser's own message would quote the body; what matters is that it is no JSON.
    throw badAnswer(attempt, "is not JSON", []);
  }
}

function badAnswer(attempt: Attempt, what: string, details: readonly string[]): RemoteError {
  return new RemoteError("fastly/bad-answer", `Fastly's answer to ${attempt.name} ${what}`, {
    landed: "unknown",
    hint: "check that `fastly.apiUrl` points at the Fastly API and that no proxy changes its answers",
    details: [...details, `request id ${attempt.requestId}`],
  });
}

function toFailure(outcome: RawAnswer | { readonly cause: unknown }): Failure {
  if (!("body" in outcome)) return { kind: "network", landed: landedAfter(outcome.cause) };
  return {
    kind: "response",
    status: outcome.status,
    retryAfter: headerText(outcome.headers["retry-after"]),
    rateLimitReset: headerText(outcome.headers["fastly-ratelimit-reset"]),
  };
}

function headerText(value: string | string[] | undefined): string | undefined {
  return typeof value === "string" ? value : value?.[0];
}

function mayHaveLanded(failure: Failure): boolean {
  return failure.kind === "network"
    ? failure.landed === "unknown"
    : failure.status >= 500 || failure.status === 408;
}

/** Failures that happen before a byte of the request is sent. */
const BEFORE_SENDING: ReadonlySet<string> = new Set([
  "EAI_AGAIN",
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
]);

/** Calls of the system that a request waits for before it is sent. */
const CALLS_BEFORE_SENDING: ReadonlySet<string> = new Set(["connect", "getaddrinfo"]);

function landedAfter(cause: unknown): "no" | "unknown" {
  if (BEFORE_SENDING.has(errnoOf(cause) ?? "")) return "no";
  // Node groups the tries of several addresses into one AggregateError.
  const first: unknown = cause instanceof AggregateError ? cause.errors[0] : cause;
  const parsed = withSyscall.safeParse(first);
  return parsed.success && CALLS_BEFORE_SENDING.has(parsed.data.syscall) ? "no" : "unknown";
}

const withSyscall = z.object({ syscall: z.string() });

function unreachableError(attempt: Attempt, cause: unknown, landed: "no" | "unknown"): RemoteError {
  const why = errnoOf(cause) ?? (cause instanceof Error ? cause.name : "no reason given");
  return new RemoteError(
    "fastly/unreachable",
    `no answer from ${attempt.url.host} to ${attempt.name} (${why})`,
    {
      landed,
      cause,
      hint: "check the network and `fastly.apiUrl`, then run the command again: it goes on where it stopped",
      details: [`request id ${attempt.requestId}`],
    },
  );
}
