/** A response body on its way out. A stream that will not be read must be cancelled. */
export type ResponseBody =
  | { readonly kind: "bytes"; readonly bytes: Buffer }
  | {
      readonly kind: "stream";
      /** Bytes, when known beforehand. */
      readonly length: number | null;
      /** May be iterated once; throws when the body is cut short. */
      readonly chunks: AsyncIterable<Uint8Array>;
      cancel(): void;
    };

export const EMPTY_BODY: ResponseBody = { kind: "bytes", bytes: Buffer.alloc(0) };

/** A body from a byte string (char codes 0-255). */
export function bodyOf(text: string): ResponseBody {
  return { kind: "bytes", bytes: Buffer.from(text, "latin1") };
}

/** Bytes of the body when known, else `null`. */
export function lengthOf(body: ResponseBody): number | null {
  return body.kind === "bytes" ? body.bytes.length : body.length;
}

/** Gives up a body nobody will read, so that its connection is freed. */
export function discard(body: ResponseBody): void {
  if (body.kind === "stream") body.cancel();
}

/** The body was longer than the reader allows. */
export class BodyTooLargeError extends Error {
  override readonly name = "BodyTooLargeError";
}

/** Reads a whole body; `BodyTooLargeError` beyond `limit` bytes. `onChunk` may throw to stop the reading. */
export async function readBody(
  body: ResponseBody,
  limit: number,
  onChunk: (bytes: number) => void = () => undefined,
): Promise<Buffer> {
  if (body.kind === "bytes") {
    if (body.bytes.length > limit) throw new BodyTooLargeError(`body of ${body.bytes.length} bytes`);
    return body.bytes;
  }
  if (body.length !== null && body.length > limit) {
    body.cancel();
    throw new BodyTooLargeError(`body of ${body.length} bytes`);
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body.chunks) {
    size += chunk.length;
    if (size > limit) throw new BodyTooLargeError(`body of more than ${limit} bytes`);
    onChunk(chunk.length);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

/** The same bytes alone in their memory: a small buffer is mostly a piece of a larger one, all of which it keeps. */
export function alone(bytes: Buffer): Buffer {
  if (bytes.buffer.byteLength === bytes.length) return bytes;
  const own = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(own);
  return own;
}

/** The part `[start, end)` of a body as a new body. */
export function sliceBody(body: ResponseBody, start: number, end: number): ResponseBody {
  if (body.kind === "bytes") return { kind: "bytes", bytes: body.bytes.subarray(start, end) };
  return {
    kind: "stream",
    length: end - start,
    chunks: slicedChunks(body.chunks, start, end),
    cancel: () => body.cancel(),
  };
}

async function* slicedChunks(
  chunks: AsyncIterable<Uint8Array>,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array> {
  let at = 0;
  for await (const chunk of chunks) {
    const from = Math.max(start - at, 0);
    const to = Math.min(end - at, chunk.length);
    if (from < to) yield chunk.subarray(from, to);
    at += chunk.length;
    if (at >= end) return;
  }
}
