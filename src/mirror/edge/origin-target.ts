import { request as httpRequest } from "node:http";
import type { ClientRequest, IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { pipeline, Readable } from "node:stream";
import { HeaderList } from "../../http/header-list.ts";
import type { BackendSpec, RequestMessage } from "../../vcl/runtime.ts";
import { BackendFailure, toBackendFailure } from "./backend-failure.ts";
import type { RequestBody } from "./message.ts";
import { http1TlsOptions, requestHeaders } from "./origin-request.ts";

/** A backend, and in seconds how long the whole exchange may take where VCL bounds it. */
export interface TimedBackend extends BackendSpec {
  readonly fetchTimeout?: number;
}

/** A body as it comes from an origin. */
export interface OriginBody extends AsyncIterable<Uint8Array> {
  destroy(error?: Error): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
}

/** The head of an origin's answer as it came, and its body. */
export interface OriginAnswer {
  readonly status: number;
  /** Empty where the origin gave none. */
  readonly reason: string;
  readonly headers: HeaderList;
  readonly body: OriginBody;
}

/** Whether a target has a form that undici sends: a path, or a whole URL. */
export function isUsualTarget(url: string): boolean {
  return url.startsWith("/") || url.startsWith("http://") || url.startsWith("https://");
}

/** What can stand between the two blanks of a request line: one or more bytes, none of which ends it or begins the next part. */
const TARGET = /^[\u0021-\u007e\u0080-\u00ff]+$/;

/** Methods of which a request without a body says nothing of its length (RFC 9110 §8.6). */
const BODILESS = new Set(["GET", "HEAD", "OPTIONS", "DELETE", "TRACE"]);

/**
 * Sends a request whose target undici refuses, such as `*` of OPTIONS or what VCL made of `bereq.url`, on a connection of
 * its own. Varnish, of which Fastly's is a kind, writes the URL into the request line as it finds it; only what would
 * make another line of it is not sent. Rejects with what `toBackendFailure` understands.
 */
export function askVerbatim(
  spec: TimedBackend,
  bereq: RequestMessage,
  payload: RequestBody | null,
): Promise<OriginAnswer> {
  if (!TARGET.test(bereq.url)) return Promise.reject(new BackendFailure("backend write error"));
  return new Promise((resolve, reject) => {
    const sent = open(spec, bereq, payload);
    limitTime(sent, spec);
    const fail = (error: unknown): void => reject(toBackendFailure(error));
    sent.on("error", fail);
    // An answer that ends the connection without being one, such as a change of protocol that nobody asked for.
    sent.on("close", () => fail(new BackendFailure("backend read error")));
    sent.on("response", (response: IncomingMessage) => {
      resolve({
        status: response.statusCode ?? 0,
        reason: response.statusMessage ?? "",
        headers: HeaderList.fromFlat(response.rawHeaders),
        body: bodyOf(response, spec.betweenBytesTimeout * 1000),
      });
    });
    if (payload?.kind === "stream")
      pipeline(Readable.from(payload.chunks), sent, (error) => error && fail(error));
    else sent.end(payload?.bytes);
  });
}

function open(spec: BackendSpec, bereq: RequestMessage, payload: RequestBody | null): ClientRequest {
  const options = {
    host: spec.host,
    port: spec.port,
    method: bereq.method,
    path: bereq.url,
    headers: framedHeaders(spec, bereq, payload).toFlat(),
    agent: false,
    maxHeaderSize: 256 * 1024,
  } as const;
  if (!spec.ssl) return httpRequest(options);
  return httpsRequest({ ...options, ...http1TlsOptions(spec) });
}

/** Header lines with the body's own length: node takes lines that are given as a list for framed already. */
function framedHeaders(spec: BackendSpec, bereq: RequestMessage, payload: RequestBody | null): HeaderList {
  const headers = requestHeaders(spec, bereq.headers);
  headers.unset("Content-Length");
  if (!headers.has("Host")) headers.set("Host", `${spec.host}:${spec.port}`);
  const length = payload === null ? null : payload.kind === "bytes" ? payload.bytes.length : payload.length;
  if (length !== null) headers.set("Content-Length", String(length));
  else if (payload !== null) headers.set("Transfer-Encoding", "chunked");
  else if (!BODILESS.has(bereq.method)) headers.set("Content-Length", "0");
  return headers;
}

/** Ends the exchange when the connection, the head of the answer or the whole takes too long. */
function limitTime(sent: ClientRequest, spec: TimedBackend): void {
  const end = (reason: "Connection timed out" | "first byte timeout") => () =>
    void sent.destroy(new BackendFailure(reason));
  let timer = setTimeout(end("Connection timed out"), spec.connectTimeout * 1000);
  const whole =
    spec.fetchTimeout === undefined
      ? undefined
      : setTimeout(end("first byte timeout"), spec.fetchTimeout * 1000);
  sent.on("socket", (socket) => {
    socket.once(spec.ssl ? "secureConnect" : "connect", () => {
      clearTimeout(timer);
      timer = setTimeout(end("first byte timeout"), spec.firstByteTimeout * 1000);
    });
  });
  sent.on("response", () => clearTimeout(timer));
  sent.on("close", () => {
    clearTimeout(timer);
    clearTimeout(whole);
  });
}

/** A body of which no two chunks are further apart than this, in milliseconds. */
function bodyOf(response: IncomingMessage, betweenBytes: number): OriginBody {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    const source: AsyncIterator<Uint8Array> = response[Symbol.asyncIterator]();
    try {
      for (;;) {
        // A reader that takes its time is not the origin's fault: the time runs while something is waited for.
        const late = new BackendFailure("backend read error");
        const timer = setTimeout(() => response.destroy(late), betweenBytes);
        const next = await source.next().finally(() => clearTimeout(timer));
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      response.destroy();
    }
  }
  return {
    [Symbol.asyncIterator]: chunks,
    destroy: (error) => response.destroy(error),
    on: (event, listener) => response.on(event, listener),
  };
}
