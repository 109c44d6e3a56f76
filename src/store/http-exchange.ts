import { Agent as HttpAgent, request as httpRequest } from "node:http";
import type { ClientRequest, IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";

import type { S3Answer } from "./s3-answer.ts";

/** Requests to a store under way at a time. */
export const STORE_CONNECTIONS = 64;
export const CONNECT_TIMEOUT_MS = 5_000;
/** A request on which nothing moves for this long is given up. */
export const IDLE_TIMEOUT_MS = 60_000;

/** Writes a body to a request, all but `end()`; rejects when the body turns out to be another. */
export type BodyWriter = (request: ClientRequest) => Promise<void>;

export interface Exchange {
  readonly method: "GET" | "HEAD" | "PUT" | "DELETE";
  readonly path: string;
  /** Names and values in turn, `host` among them. */
  readonly headers: readonly string[];
  readonly body: Uint8Array | BodyWriter | undefined;
  /** Bytes of an answer's body that are taken at most. */
  readonly readLimit: number;
  readonly signal: AbortSignal;
}

/** A timeout or a broken answer, with a system code as Node's own network errors have one. */
class ExchangeError extends Error {
  readonly code: string;

  constructor(code: "ETIMEDOUT" | "ECONNRESET" | "EMSGSIZE", message: string) {
    super(message);
    this.code = code;
  }
}

/** Connections to one host, kept open from request to request. Close it when done. */
export class HttpConnections {
  readonly #agent: HttpAgent;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #request: typeof httpRequest;

  constructor(origin: URL) {
    const isTls = origin.protocol === "https:";
    const options = {
      keepAlive: true,
      maxSockets: STORE_CONNECTIONS,
      maxFreeSockets: STORE_CONNECTIONS,
      scheduling: "lifo" as const,
      timeout: IDLE_TIMEOUT_MS,
    };
    this.#agent = isTls ? new HttpsAgent(options) : new HttpAgent(options);
    this.#request = isTls ? httpsRequest : httpRequest;
    const port = origin.port === "" ? (isTls ? 443 : 80) : Number(origin.port);
    this.#target = { host: origin.hostname.replace(/^\[|\]$/g, ""), port };
  }

  close(): void {
    this.#agent.destroy();
  }

  /** One request and its whole answer; rejects with the signal's reason, a network error or what the body's writer says. */
  send(exchange: Exchange): Promise<S3Answer> {
    const { method, path, headers, body, readLimit, signal } = exchange;
    return new Promise((resolve, reject) => {
      const request = this.#request({
        ...this.#target,
        method,
        path,
        headers,
        agent: this.#agent,
        timeout: IDLE_TIMEOUT_MS,
      });
      const fail = (error: unknown): void => {
        signal.removeEventListener("abort", onAbort);
        reject(error instanceof Error ? error : new Error(String(error)));
        request.destroy();
      };
      const onAbort = (): void => fail(signal.reason);
      signal.addEventListener("abort", onAbort);
      request.on("error", fail);
      request.on("timeout", () => fail(new ExchangeError("ETIMEDOUT", "nothing came for a minute")));
      request.on("socket", (socket) => {
        if (socket.connecting) limitConnecting(request, fail);
      });
      request.on("response", (response) => {
        readAnswer(response, readLimit, (answer) => {
          signal.removeEventListener("abort", onAbort);
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
}

function limitConnecting(request: ClientRequest, fail: (error: Error) => void): void {
  const timer = setTimeout(
    () => fail(new ExchangeError("ETIMEDOUT", `no connection within ${CONNECT_TIMEOUT_MS} ms`)),
    CONNECT_TIMEOUT_MS,
  );
  const stop = (): void => clearTimeout(timer);
  request.socket?.once("connect", stop);
  request.once("close", stop);
}

function readAnswer(
  response: IncomingMessage,
  limit: number,
  done: (answer: S3Answer | Error) => void,
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
