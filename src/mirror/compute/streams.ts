import { EMPTY_BODY } from "../edge/body.ts";
import type { ResponseBody } from "../edge/body.ts";

/** Bodies that programs get, by the streams made of them. */
const BODIES = new WeakMap<object, ResponseBody>();

/**
 * A body as a stream that reads on only when it is read from. A program that hands it on as its answer's body gives the
 * body itself back, with the length that is known of it, as on Compute, where only a handle changes hands.
 */
export function readableOf(body: ResponseBody): ReadableStream<Uint8Array> {
  let chunks: AsyncIterator<Uint8Array> | null = null;
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        chunks ??= chunksOf(body);
        const next = await chunks.next();
        if (next.done === true) controller.close();
        else controller.enqueue(next.value);
      },
      async cancel() {
        if (body.kind === "stream") body.cancel();
        await chunks?.return?.();
      },
    },
    { highWaterMark: 0 },
  );
  BODIES.set(stream, body);
  return stream;
}

/** Lets go of a stream that nobody reads. */
export async function cancelUnread(stream: ReadableStream<Uint8Array>): Promise<void> {
  // What is locked is being read to its end by somebody, and what cannot be cancelled has ended.
  if (!stream.locked) await stream.cancel().catch(() => undefined);
}

async function* chunksOf(body: ResponseBody): AsyncGenerator<Uint8Array> {
  if (body.kind === "stream") yield* body.chunks;
  else if (body.bytes.length > 0) yield body.bytes;
}

/**
 * The body of a program's answer. What is all there within a turn of the event loop, such as a text, is sent with its
 * length.
 */
export async function bodyFrom(stream: ReadableStream<Uint8Array> | null): Promise<ResponseBody> {
  if (stream === null) return EMPTY_BODY;
  const known = BODIES.get(stream);
  if (known !== undefined && !stream.locked) return known;
  const reader = stream.getReader();
  const read: Uint8Array[] = [];
  for (;;) {
    const pending = reader.read();
    const next = await Promise.race([pending, turn()]);
    if (next === undefined) return rest(reader, { read, pending });
    if (next.done) return { kind: "bytes", bytes: Buffer.concat(read) };
    read.push(next.value);
    // A stream without end is never all there.
    if (read.length === MAX_READ_AHEAD) return rest(reader, { read, pending: reader.read() });
  }
}

/** Chunks that are looked at for the end of a body before it goes out as a stream. */
const MAX_READ_AHEAD = 4;

type Reading = Awaited<ReturnType<ReadableStreamDefaultReader<Uint8Array>["read"]>>;

function turn(): Promise<undefined> {
  return new Promise((resolve) => setImmediate(() => resolve(undefined)));
}

function rest(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  begun: { readonly read: readonly Uint8Array[]; readonly pending: Promise<Reading> },
): ResponseBody {
  let cancelled = false;
  // Whoever cancels instead of reading does not hear how the pending read ends.
  begun.pending.catch(() => undefined);
  const cancel = (): void => {
    if (cancelled) return;
    cancelled = true;
    // The program's own trouble with a reader that has left.
    reader.cancel().catch(() => undefined);
  };
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      yield* begun.read;
      for (let next = await begun.pending; !next.done; next = await reader.read()) yield next.value;
    } finally {
      cancel();
    }
  }
  return { kind: "stream", length: null, chunks: chunks(), cancel };
}
