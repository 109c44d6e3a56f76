import { Agent as HttpAgent, request as httpRequest } from "node:http";
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";

/** How many connections to a host there are, and how long each step may take, in milliseconds. */
export interface ConnectionLimits {
  /** Requests under way at a time; more wait for their turn. */
  readonly connections: number;
  readonly connectMs: number;
  /** Without a byte in either direction, until the answer's head is there. */
  readonly headMs: number;
  /** Between two pieces of an answer's body. */
  readonly bodyMs: number;
  /** How long a connection is kept that nothing is sent on. */
  readonly keptMs: number;
}

/** Writes a body to a request, all but `end()`; rejects when the body turns out to be another. */
export type BodyWriter = (request: ClientRequest) => Promise<void>;

export interface Exchange {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  /** Names and values in turn, `host` among them, and `content-length` where there is a body. */
  readonly headers: readonly string[];
  readonly body: Uint8Array | BodyWriter | undefined;
  /** Bytes of an answer's body that are taken at most. */
  readonly readLimit: number;
  readonly signal: AbortSignal | undefined;
}

/** A whole answer. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
}

/** A timeout or a broken answer, with a system code as Node's own network errors have one. */
export class ExchangeError extends Error {
  readonly code: "ETIMEDOUT" | "ECONNRESET" | "EMSGSIZE";
  /** What was under way, by the name that Node's own errors have for it. */
  readonly syscall: "connect" | "read";

  constructor(code: ExchangeError["code"], message: string, syscall: ExchangeError["syscall"] = "read") {
    super(message);
    this.code = code;
    this.syscall = syscall;
  }
}

type Fail = (error: unknown) => void;

/**
 * What one signal ends, behind one listener. Node's removed listeners go on pointing to those that were added after them,
 * and V8's outgrown sets to those that replaced them: with either, one request that outlived a young collection kept all
 * later ones from being freed until a full one. A slot forgets what was in it.
 */
class AbortSlots {
  readonly #fails: (Fail | undefined)[] = [];
  readonly #free: number[] = [];
  readonly #signal: AbortSignal;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  add(fail: Fail): number {
    if (this.#free.length === this.#fails.length) this.#signal.addEventListener("abort", this.#onAbort);
    const slot = this.#free.pop() ?? this.#fails.length;
    this.#fails[slot] = fail;
    return slot;
  }

  /** Does nothing once it was done: the slot may be another's by then. */
  remove(slot: number, fail: Fail): void {
    if (this.#fails[slot] !== fail) return;
    this.#fails[slot] = undefined;
    this.#free.push(slot);
    if (this.#free.length === this.#fails.length) this.#signal.removeEventListener("abort", this.#onAbort);
  }

  readonly #onAbort = (): void => {
    for (const fail of this.#fails) fail?.(this.#signal.reason);
  };
}

/** Connections to one host, kept open from request to request. Close it when done. */
export class HttpConnections {
  readonly #agent: HttpAgent;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #request: typeof httpRequest;
  readonly #limits: ConnectionLimits;
  readonly #aborts = new WeakMap<AbortSignal, AbortSlots>();
  /** Tells that a new connection can be used. */
  readonly #connected: "connect" | "secureConnect";

  constructor(origin: URL, limits: ConnectionLimits) {
    this.#limits = limits;
    const isTls = origin.protocol === "https:";
    const options = {
      keepAlive: true,
      maxSockets: limits.connections,
      maxFreeSockets: limits.connections,
      scheduling: "lifo" as const,
      timeout: limits.keptMs,
    };
    this.#agent = isTls ? new HttpsAgent(options) : new HttpAgent(options);
    this.#request = isTls ? httpsRequest : httpRequest;
    this.#connected = isTls ? "secureConnect" : "connect";
    const port = origin.port === "" ? (isTls ? 443 : 80) : Number(origin.port);
    this.#target = { host: origin.hostname.replace(/^\[|\]$/g, ""), port };
  }

  close(): void {
    this.#agent.destroy();
  }

  /** One request and its whole answer; rejects with the signal's reason, a network error or what the body's writer says. */
  send(exchange: Exchange): Promise<HttpAnswer> {
    const { method, path, headers, body, readLimit, signal } = exchange;
    const { headMs, bodyMs } = this.#limits;
    // A signal that has told its listeners already tells no new one.
    if (signal?.aborted === true) return Promise.reject(errorOf(signal.reason));
    return new Promise((resolve, reject) => {
      const request = this.#request({
        ...this.#target,
        method,
        path,
        headers,
        agent: this.#agent,
        timeout: headMs,
      });
      const aborts = signal && this.#abortsOf(signal);
      const fail = (error: unknown): void => {
        aborts?.remove(slot, fail);
        reject(errorOf(error));
        request.destroy();
      };
      const slot = aborts?.add(fail) ?? 0;
      request.on("error", fail);
      request.on("timeout", () => fail(new ExchangeError("ETIMEDOUT", "nothing came in time")));
      request.on("socket", (socket) => {
        if (socket.connecting) this.#limitConnecting(request, fail);
      });
      request.on("response", (response) => {
        if (bodyMs !== headMs) response.setTimeout(bodyMs);
        readAnswer(response, readLimit, (answer) => {
          aborts?.remove(slot, fail);
          // An answer that came before the whole body was sent leaves a connection that cannot be used again.
          if (!request.writableFinished) request.destroy();
          if (answer instanceof Error) fail(answer);
          else resolve(answer);
        });
      });
      if (typeof body === "function") body(request).then(() => request.end(), fail);
      else request.end(body);
    });
  }

  #abortsOf(signal: AbortSignal): AbortSlots {
    const known = this.#aborts.get(signal);
    if (known) return known;
    const made = new AbortSlots(signal);
    this.#aborts.set(signal, made);
    return made;
  }

  #limitConnecting(request: ClientRequest, fail: (error: Error) => void): void {
    const { connectMs } = this.#limits;
    const timer = setTimeout(
      () => fail(new ExchangeError("ETIMEDOUT", `no connection within ${connectMs} ms`, "connect")),
      connectMs,
    );
    const stop = (): void => clearTimeout(timer);
    request.socket?.once(this.#connected, stop);
    request.once("close", stop);
  }
}

function errorOf(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}

function readAnswer(
  response: IncomingMessage,
  limit: number,
  done: (answer: HttpAnswer | Error) => void,
): void {
  const chunks: Uint8Array[] = [];
  let length = 0;
  response.on("data", (chunk: Uint8Array) => {
    length += chunk.length;
    chunks.push(chunk);
    if (length > limit) done(new ExchangeError("EMSGSIZE", `the answer has more than ${limit} bytes`));
  });
  response.on("error", done);
  response.on("end", () => {
    if (!response.complete) return done(new ExchangeError("ECONNRESET", "the answer broke off"));
    const { statusCode: status = 0, headers } = response;
    done({ status, headers, body: chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks) });
  });
}
