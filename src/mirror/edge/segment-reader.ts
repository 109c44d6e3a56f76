import type { SegmentReport } from "../../vcl/runtime.ts";
import { messageOf } from "../../lib/caught.ts";
import { discard, sliceBody } from "./body.ts";
import type { ResponseBody } from "./body.ts";
import type { SentReport } from "./message.ts";
import type { SegmentPart } from "./segments.ts";

/** Cuts an answer short whose headers have gone out. */
class SegmentError extends Error {
  override readonly name = "SegmentError";
}

/** A block that an inner request brought. `sent` runs its vcl_log and must be called once. */
export interface FetchedSegment {
  readonly part: SegmentPart;
  readonly body: ResponseBody;
  sent(report: SentReport): void;
}

/** How an assembled answer ended. */
export type SegmentEnd = Pick<SegmentReport, "outcome" | "error" | "autopurged">;

/** What an answer is assembled from. */
export interface SegmentSource {
  /** Holds the first byte of the span, and says which version of the object the answer is. */
  readonly first: FetchedSegment;
  /** Bytes of the object that the answer has, the end exclusive. */
  readonly span: { readonly start: number; readonly end: number };
  /** Brings the block that begins here, or says why it cannot be had. */
  fetch(start: number): Promise<FetchedSegment | string>;
  /** The blocks are not of one version. */
  autopurge(): void;
  /** Called once; not when the client leaves before the end. */
  finished(end: SegmentEnd): void;
}

/**
 * The blocks of an answer as one body: the next is fetched when the reader has taken the one before, so that no more
 * than one is held. Bytes of two versions of an object are never mixed: the body is cut short instead.
 */
export function readSegments(source: SegmentSource): ResponseBody {
  const { first, span } = source;
  const held = { current: first };
  const release = (bodyBytes: number): void => held.current.sent({ headerBytes: 0, bodyBytes });
  let begun = false;
  async function* chunks(): AsyncGenerator<Uint8Array> {
    begun = true;
    for (let at = span.start; ;) {
      const { part, body } = held.current;
      const end = Math.min(span.end, part.end);
      let sent = 0;
      try {
        for await (const chunk of chunksOf(sliceBody(body, at - part.start, end - part.start))) {
          sent += chunk.length;
          yield chunk;
        }
        if (sent !== end - at) throw new SegmentError("segment ended early");
      } catch (error) {
        source.finished({ outcome: "failed", error: messageOf(error), autopurged: false });
        throw error;
      } finally {
        discard(body);
        release(sent);
      }
      if (end === span.end) break;
      held.current = await nextSegment(source, end);
      at = end;
    }
    source.finished({ outcome: "completed", error: null, autopurged: false });
  }
  return {
    kind: "stream",
    length: span.end - span.start,
    chunks: chunks(),
    cancel: () => {
      discard(held.current.body);
      if (!begun) release(0);
      begun = true;
    },
  };
}

async function nextSegment(source: SegmentSource, start: number): Promise<FetchedSegment> {
  const next = await source.fetch(start);
  if (typeof next === "string") {
    source.finished({ outcome: "failed", error: next, autopurged: false });
    throw new SegmentError(next);
  }
  if (next.part.version === source.first.part.version) return next;
  discard(next.body);
  next.sent({ headerBytes: 0, bodyBytes: 0 });
  source.autopurge();
  const error = "the object changed between segments";
  source.finished({ outcome: "failed", error, autopurged: true });
  throw new SegmentError(error);
}

async function* chunksOf(body: ResponseBody): AsyncGenerator<Uint8Array> {
  if (body.kind === "bytes") yield body.bytes;
  else yield* body.chunks;
}
