import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { ServerHttp2Stream } from "node:http2";
import type { Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { discard, lengthOf, readBody } from "./body.ts";
import type { ResponseBody } from "./body.ts";
import { http2ResponseHead } from "./front-http2-head.ts";
import type { FrontLimits } from "./front-limits.ts";
import type { HopResponse } from "./message.ts";

/** Where an answer goes: a message of HTTP/1.1 or a stream of HTTP/2. */
export interface ClientSink {
  readonly out: Writable;
  /** Sends the head. `false`: no body may follow it. */
  head(head: ResponseHead): boolean;
  /** Sends what has been written so far, the head among it. */
  flush(): void;
  /** Sends the rest and ends the message. */
  end(bytes: Buffer): void;
  /** Ends the message so that the client sees that it is incomplete. */
  cut(): void;
  /** Gives up on a client that takes nothing for the time, milliseconds; 0 = no longer. */
  giveUpAfter(time: number): void;
  readonly sendTimeout: number;
}

/** A status line and header lines, flat and safe on the wire. */
interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  readonly flat: readonly string[];
}

/** Writes a POP's answer to the client at the client's speed; the connection is cut where the body is. */
export async function writeResponse(response: HopResponse, sink: ClientSink): Promise<void> {
  const { out } = sink;
  const flat = cleanHeaders(response);
  const headerBytes = flat.reduce((sum, part) => sum + part.length + 2, 0);
  let bodyBytes = 0;
  try {
    if (out.destroyed) {
      discard(response.body);
      return;
    }
    const { status, reason } = response;
    if (!sink.head({ status: wireStatus(status), reason: wireReason(reason), flat })) {
      discard(response.body);
      return;
    }
    const { tarpit } = response;
    if (tarpit !== undefined && (lengthOf(response.body) ?? Infinity) <= TARPIT_LIMIT) {
      bodyBytes = await sendSlowly(sink, response.body, tarpit);
      return;
    }
    if (response.body.kind === "bytes") {
      bodyBytes = response.body.bytes.length;
      sink.end(response.body.bytes);
      if (out.writableLength > 0) sink.giveUpAfter(sink.sendTimeout);
      return;
    }
    const { body } = response;
    // A client that leaves frees the origin's connection at once, not at its next byte.
    out.once("close", () => body.cancel());
    for await (const chunk of body.chunks) {
      // Leaving the loop ends the iterator, which frees the origin's connection.
      if (out.destroyed) return;
      bodyBytes += chunk.length;
      if (!out.write(chunk)) await drained(sink);
    }
    out.end();
    if (out.writableLength > 0) sink.giveUpAfter(sink.sendTimeout);
  } catch {
    // The status line is out: all that is left to say "incomplete" is to cut the connection.
    sink.cut();
  } finally {
    response.sent({ headerBytes, bodyBytes });
  }
}

/** A message of HTTP/1.1. */
export function http1Sink(out: ServerResponse, limits: FrontLimits): ClientSink {
  return {
    out,
    sendTimeout: limits.sendTimeout,
    head({ status, reason, flat }) {
      out.sendDate = false;
      out.writeHead(status, reason, [...flat]);
      // Node itself sends no body where there may be none.
      return true;
    },
    flush: () => out.flushHeaders(),
    end(bytes) {
      if (bytes.length <= JOINED_BODY) out.end(bytes.toString("latin1"), "latin1");
      else out.end(bytes);
    },
    cut: () => cutHttp1(out),
    // Node destroys a connection that is idle for so long; bytes that leave count as activity.
    giveUpAfter: (time) => void out.socket?.setTimeout(time),
  };
}

/** Statuses without a body in HTTP/2 (RFC 9110 §15.3.5, §15.3.6, §15.4.5). */
const BODILESS: ReadonlySet<number> = new Set([204, 205, 304]);

/** A stream of HTTP/2. Statuses from 600 on, which VCL uses for itself, cannot be sent in it and go out as 503. */
export function http2Sink(
  stream: ServerHttp2Stream,
  asked: { readonly method: string; readonly limits: FrontLimits },
): ClientSink {
  const { method, limits } = asked;
  stream.on("timeout", () => stream.destroy(new Error("the client takes nothing")));
  return {
    out: stream,
    sendTimeout: limits.sendTimeout,
    head({ status, flat }) {
      const wire = status > 599 ? 503 : status;
      const endStream = method === "HEAD" || BODILESS.has(wire);
      const options = { endStream, sendDate: false };
      stream.respond(http2ResponseHead(wire, flat), options);
      return !endStream;
    },
    flush: () => undefined,
    end: (bytes) => void stream.end(bytes),
    // `close` with an error code would end the message first, and a body without a length would look whole.
    cut: () => stream.destroy(new Error("the body ends before its time")),
    giveUpAfter: (time) => stream.setTimeout(time),
  };
}

/** Larger answers are not slowed down (functions/miscellaneous/resp-tarpit). */
const TARPIT_LIMIT = 4000;

/** Chunk by chunk with a pause before each, for as long as the client stays. Bytes written. */
async function sendSlowly(
  sink: ClientSink,
  body: ResponseBody,
  tarpit: NonNullable<HopResponse["tarpit"]>,
): Promise<number> {
  const { out } = sink;
  const stop = new AbortController();
  out.once("close", () => stop.abort());
  const bytes = await readBody(body, TARPIT_LIMIT);
  // A timer holds no more than 2^31 ms.
  const pause = Math.min(tarpit.intervalSeconds * 1000, 2 ** 31 - 1);
  sink.flush();
  for (let at = 0; at < bytes.length; at += tarpit.chunkBytes) {
    const left = await sleep(pause, false, { signal: stop.signal }).catch(() => true);
    if (left) return at;
    out.write(bytes.subarray(at, at + tarpit.chunkBytes));
  }
  out.end();
  return bytes.length;
}

/** How long a client may take to read what was written before the cut, milliseconds. */
const CUT_GRACE = 2_000;

/** Ends the connection without ending the message; what was written before still goes out. */
function cutHttp1(out: ServerResponse): void {
  const { socket } = out;
  if (socket === null || out.destroyed) {
    out.destroy();
    return;
  }
  out.flushHeaders();
  socket.destroySoon();
  const timer = setTimeout(() => socket.destroy(), CUT_GRACE);
  socket.once("close", () => clearTimeout(timer));
}

async function drained(sink: ClientSink): Promise<void> {
  const { out } = sink;
  sink.giveUpAfter(sink.sendTimeout);
  const stop = new AbortController();
  const { signal } = stop;
  const ignore = (): undefined => undefined;
  await Promise.race([
    once(out, "drain", { signal }).catch(ignore),
    once(out, "close", { signal }).catch(ignore),
  ]);
  stop.abort();
  sink.giveUpAfter(0);
}

/** Three digits are all that HTTP/1.1 has room for. */
function wireStatus(status: number): number {
  return Number.isInteger(status) && status >= 200 && status <= 999 ? status : 503;
}

const BAD_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

function wireReason(reason: string): string {
  const at = reason.search(BAD_VALUE);
  return at === -1 ? reason : reason.slice(0, at);
}

/** Header lines that are safe on the wire: a value ends before the first control character, a bad name goes. */
export function cleanHeaders(response: Pick<HopResponse, "headers">): string[] {
  const flat: string[] = [];
  for (const [name, value] of response.headers) {
    if (!TOKEN.test(name)) continue;
    const at = value.search(BAD_VALUE);
    flat.push(name, at === -1 ? value : value.slice(0, at));
  }
  return flat;
}

/** Up to here a body costs less joined with its head into one write than sent as a second buffer. */
const JOINED_BODY = 16 * 1024;
