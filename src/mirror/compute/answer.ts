import { reasonOf } from "../../http/status-reasons.ts";
import type { HeaderList } from "../../http/header-list.ts";
import { discard, EMPTY_BODY, lengthOf } from "../edge/body.ts";
import type { ResponseBody } from "../edge/body.ts";
import { applyCompressHint } from "../edge/compression.ts";
import { endToEndResponseHeaders } from "../edge/hop-by-hop.ts";
import type { HopResponse } from "../edge/message.ts";
import type { ComputeVisit } from "../edge/parts.ts";
import { COMPUTE_LIMITS } from "./fetch-plan.ts";
import { toHeaderList } from "./messages.ts";
import { bodyFrom } from "./streams.ts";

/**
 * A program's answer as it goes out: what belongs to the connection is the platform's business, and so is the length,
 * which is that of the body wherever it is known (framing headers, automatic mode).
 * @throws Error for what is no answer
 */
export async function answerOf(response: Response, visit: ComputeVisit): Promise<Omit<HopResponse, "sent">> {
  const { status } = response;
  if (status < 200 || status > 599) throw new Error(`the program answered with status ${status}`);
  if (response.bodyUsed) throw new Error("the program read the body of its own answer");
  const given = toHeaderList(response.headers);
  const declared = lengthIn(given);
  const headers = outgoingHeaders(given, visit);
  const out = { status, headers, body: await bodyFrom(response.body) };
  const { method } = visit.request;
  if (status === 204 || status === 304) {
    discard(out.body);
    return { ...out, body: EMPTY_BODY, reason: reasonOf(status) };
  }
  const arrived = visit.request.arrived ?? visit.request.headers;
  const isEncoded = headers.has("Content-Encoding");
  applyCompressHint(out, arrived.getAll("Accept-Encoding").join(", "));
  const isCompressed = !isEncoded && headers.has("Content-Encoding");
  if (method === "HEAD") return headAnswer(out, isCompressed ? null : (declared ?? lengthOf(out.body)));
  if (!isCompressed && declared !== null) out.body = framed(out.body, declared);
  const length = lengthOf(out.body);
  if (length !== null) headers.set("Content-Length", String(length));
  return { ...out, reason: reasonOf(status) };
}

function headAnswer(
  out: Pick<HopResponse, "status" | "headers" | "body">,
  length: number | null,
): Omit<HopResponse, "sent"> {
  discard(out.body);
  if (length !== null) out.headers.set("Content-Length", String(length));
  return { ...out, body: EMPTY_BODY, reason: reasonOf(out.status) };
}

/** The program's header lines, and those that Fastly sets on everything (http-headers/X-Served-By). */
function outgoingHeaders(given: HeaderList, { parts, pop }: ComputeVisit): HeaderList {
  for (const [name, value] of given) {
    if (name.length + value.length > COMPUTE_LIMITS.headerBytes) {
      throw new Error(`the program's ${name} has more than ${COMPUTE_LIMITS.headerBytes} bytes`);
    }
  }
  const headers = endToEndResponseHeaders(given);
  headers.unset("Content-Length");
  if (!headers.has("Date")) headers.set("Date", parts.httpDate());
  headers.set("X-Served-By", pop.identity);
  return headers;
}

function lengthIn(headers: HeaderList): number | null {
  const value = headers.get("Content-Length");
  return value !== null && /^\d{1,15}$/.test(value) ? Number(value) : null;
}

/** A body of a length that only the program knows; one that keeps it not breaks off, as a framed message must. */
function framed(body: ResponseBody, length: number): ResponseBody {
  if (lengthOf(body) !== null || body.kind !== "stream") return body;
  return { ...body, length, chunks: countedChunks(body.chunks, length) };
}

async function* countedChunks(chunks: AsyncIterable<Uint8Array>, length: number): AsyncGenerator<Uint8Array> {
  let left = length;
  for await (const chunk of chunks) {
    left -= chunk.length;
    if (left < 0) break;
    yield chunk;
  }
  if (left !== 0) throw new Error(`the program's answer is not of the ${length} bytes that it declares`);
}
