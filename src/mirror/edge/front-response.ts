import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { discard, lengthOf, readBody } from "./body.ts";
import type { ResponseBody } from "./body.ts";
import type { HopResponse } from "./message.ts";

/** Writes a POP's answer to the client at the client's speed; the connection is cut where the body is. */
export async function writeResponse(response: HopResponse, out: ServerResponse): Promise<void> {
  const flat = cleanHeaders(response);
  const headerBytes = flat.reduce((sum, part) => sum + part.length + 2, 0);
  let bodyBytes = 0;
  try {
    if (out.destroyed) {
      discard(response.body);
      return;
    }
    out.sendDate = false;
    out.writeHead(wireStatus(response.status), wireReason(response.reason), flat);
    const { tarpit } = response;
    if (tarpit !== undefined && (lengthOf(response.body) ?? Infinity) <= TARPIT_LIMIT) {
      bodyBytes = await sendSlowly(out, response.body, tarpit);
      return;
    }
    if (response.body.kind === "bytes") {
      bodyBytes = response.body.bytes.length;
      sendBytes(out, response.body.bytes);
      return;
    }
    const { body } = response;
    // A client that leaves frees the origin's connection at once, not at its next byte.
    out.once("close", () => body.cancel());
    for await (const chunk of body.chunks) {
      // Leaving the loop ends the iterator, which frees the origin's connection.
      if (out.destroyed) return;
      bodyBytes += chunk.length;
      if (!out.write(chunk)) await drained(out);
    }
    out.end();
  } catch {
    // The status line is out: all that is left to say "incomplete" is to cut the connection.
    cut(out);
  } finally {
    response.sent({ headerBytes, bodyBytes });
  }
}

/** Larger answers are not slowed down (functions/miscellaneous/resp-tarpit). */
const TARPIT_LIMIT = 4000;

/** Chunk by chunk with a pause before each, for as long as the client stays. Bytes written. */
async function sendSlowly(
  out: ServerResponse,
  body: ResponseBody,
  tarpit: NonNullable<HopResponse["tarpit"]>,
): Promise<number> {
  const stop = new AbortController();
  out.once("close", () => stop.abort());
  const bytes = await readBody(body, TARPIT_LIMIT);
  // A timer holds no more than 2^31 ms.
  const pause = Math.min(tarpit.intervalSeconds * 1000, 2 ** 31 - 1);
  out.flushHeaders();
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
function cut(out: ServerResponse): void {
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

async function drained(out: ServerResponse): Promise<void> {
  const stop = new AbortController();
  const { signal } = stop;
  const ignore = (): undefined => undefined;
  await Promise.race([
    once(out, "drain", { signal }).catch(ignore),
    once(out, "close", { signal }).catch(ignore),
  ]);
  stop.abort();
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
function cleanHeaders(response: HopResponse): string[] {
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

function sendBytes(out: ServerResponse, bytes: Buffer): void {
  if (bytes.length <= JOINED_BODY) out.end(bytes.toString("latin1"), "latin1");
  else out.end(bytes);
}
