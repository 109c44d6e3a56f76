import type { RequestLine } from "./request-line.ts";
import { readRequestLine } from "./request-line.ts";

/** Longest line that is read: headers of 69 KB fit, written as JSON. */
const MAX_LINE = 256 * 1024;
const LINE_FEED = 0x0a;

/** The lines of a file of requests as they come; empty ones count and are no requests. */
export async function* readRequestLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<RequestLine> {
  let line = 0;
  for await (const bytes of splitLines(chunks)) {
    line += 1;
    if (bytes === null) {
      yield { kind: "bad", line, reason: `is longer than ${MAX_LINE} bytes` };
      continue;
    }
    const text = bytes.toString("utf8").trim();
    if (text !== "") yield readRequestLine(text, line);
  }
}

/** Lines without their ends; `null` for one that is too long, of which nothing is kept. */
async function* splitLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer | null> {
  let parts: Uint8Array[] = [];
  let size = 0;
  const add = (part: Uint8Array): void => {
    size += part.length;
    if (size <= MAX_LINE) parts.push(part);
    else parts = [];
  };
  const end = (): Buffer | null => {
    const whole = size > MAX_LINE ? null : Buffer.concat(parts);
    parts = [];
    size = 0;
    return whole;
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (let at = chunk.indexOf(LINE_FEED); at !== -1; at = chunk.indexOf(LINE_FEED, from)) {
      add(chunk.subarray(from, at));
      from = at + 1;
      yield end();
    }
    if (from < chunk.length) add(chunk.subarray(from));
  }
  if (size > 0) yield end();
}
