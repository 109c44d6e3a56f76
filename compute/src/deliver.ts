import { codingFor, weaken } from "./compression.ts";
import { letOut } from "./edge-gate.ts";
import { pageAnswer } from "./error-page.ts";
import { addHsts } from "./hsts.ts";
import { isRangeWanted } from "./lib/conditional.ts";
import { chooseRange, sliceStream } from "./lib/ranges.ts";
import { logVisit } from "./log.ts";
import { addNoindex } from "./noindex.ts";
import { tellProbe } from "./probe.ts";
import { addDefaults } from "./response-headers.ts";
import { isInBlocks, plainRange, readPart } from "./segmented-caching.ts";
import { markVersion } from "./version-marker.ts";
import type { Answer, Body, ByteRange, Visit } from "./visit.ts";

/** What goes out: all that a `Response` is made of. */
export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Bytes;
}

/** Makes the answer that goes out: what every answer gets, and of the body what was asked for. Writes the log. */
export async function deliver(visit: Visit, decided: Answer): Promise<Reply> {
  const { answer, range, length } = await frame(visit, decided);
  const { status, headers, isEncoded } = answer;
  const isHead = visit.visitor.method === "HEAD";
  const body = isHead || status === 304 ? await giveUp(answer) : await bytesOf(visit, answer, range);
  addDefaults(visit, answer);
  addHsts(visit, answer);
  addNoindex(visit, answer);
  letOut(headers);
  headers.set("Date", new Date(visit.platform.now()).toUTCString());
  if (status !== 304) {
    headers.set("Accept-Ranges", "bytes");
    // Of what the platform compresses nobody knows the length.
    if (!isEncoded && length !== undefined) headers.set("Content-Length", String(length));
    if (isEncoded) headers.set("X-Compress-Hint", codingFor(visit));
  }
  markVersion(visit, headers);
  await tellProbe(visit, answer, headers);
  logVisit(visit, answer, { status, bytes: body === null ? 0 : (length ?? 0) });
  return { status, headers, body };
}

/** An answer with the status that a range gives it, and the bytes of it that go out. */
interface Framed {
  readonly answer: Answer;
  readonly range: ByteRange | undefined;
  /** Bytes that go out, before compression. */
  readonly length: number | undefined;
}

/** Answers a range out of the whole (RFC 9110 section 14.2). Of what would go out encoded a range is of the plain bytes. */
async function frame(visit: Visit, answer: Answer): Promise<Framed> {
  const size = lengthOf(answer.body);
  const { headers } = answer;
  const choice = size === undefined ? undefined : chooseRange(rangeFor(visit, answer), size);
  if (size === undefined || choice === undefined || choice.kind === "whole") {
    if (answer.isEncoded) weaken(headers);
    return { answer, range: undefined, length: size };
  }
  if (choice.kind === "part") {
    const { start, end } = choice.range;
    headers.set("Content-Range", `bytes ${start}-${end - 1}/${size}`);
    return {
      answer: { ...answer, status: 206, isEncoded: false },
      range: choice.range,
      length: end - start,
    };
  }
  await giveUp(answer);
  headers.set("Content-Range", `bytes */${size}`);
  if (isInBlocks(visit) && size > WHOLE_LIMIT) {
    const page = pageAnswer(visit, "rangeNotSatisfiable", { status: 416 });
    page.headers.set("Content-Range", `bytes */${size}`);
    return { answer: page, range: undefined, length: lengthOf(page.body) };
  }
  const nothing = { kind: "text", text: "" } as const;
  return { answer: { ...answer, status: 416, isEncoded: false, body: nothing }, range: undefined, length: 0 };
}

/** Bytes up to which VCL reads a file in blocks as a whole where a range is not in it. */
const WHOLE_LIMIT = 999_999;

/** The visitor's range, where one applies. */
function rangeFor(visit: Visit, { status, headers, place }: Answer): string | undefined {
  if (visit.visitor.method !== "GET" || status !== 200 || !visit.isConditional || !place) return undefined;
  if (!isRangeWanted(visit.headers, headers)) return undefined;
  const range = visit.headers.get("range");
  return isInBlocks(visit) ? plainRange(range) : range;
}

/** Every character of a text of ours is one byte. */
function lengthOf(body: Body): number | undefined {
  return body.kind === "text" ? body.text.length : body.length;
}

type Bytes = string | ReadableStream<Uint8Array> | null;

async function bytesOf(
  visit: Visit,
  { body, headers, place }: Answer,
  range: ByteRange | undefined,
): Promise<Bytes> {
  if (body.kind === "text") return body.text === "" ? null : body.text;
  if (body.kind === "remote") return body.open(range);
  const { stream, length } = body;
  // What goes out as it is the platform moves by itself; players ask so for the whole.
  if (stream === null || range === undefined || (range.start === 0 && range.end === length)) return stream;
  const etag = headers.get("etag");
  if (range.end <= SLICED_LIMIT || etag === null || !place) return sliceStream(stream, range);
  const part = await readPart(visit, place, { range, etag });
  if (part === undefined) return sliceStream(stream, range);
  await stream.cancel();
  return part;
}

/**
 * Bytes that a range is cut out of. The program reads all that lie before a range's end, 1 MB in some 9 ms of the 50 that a
 * request has (docs.fastly.com: /products/compute-resource-limits); S3 begins where the range does.
 */
const SLICED_LIMIT = 2_000_000;

/** Lets go of a body that does not go out. */
async function giveUp({ body }: Answer): Promise<null> {
  if (body.kind === "stream") await body.stream?.cancel();
  return null;
}
