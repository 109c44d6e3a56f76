import type { ByteRange } from "../visit.ts";

/** What a Range header asks of a body of known size. */
export type RangeChoice =
  | { readonly kind: "whole" }
  | { readonly kind: "part"; readonly range: ByteRange }
  | { readonly kind: "unsatisfiable" };

const WHOLE: RangeChoice = { kind: "whole" };

/**
 * A range of one part (RFC 9110 section 14.1.2). Anything else than `bytes`, a bad range and several of them get the whole
 * body, which section 14.2 allows.
 */
export function chooseRange(header: string | undefined, size: number): RangeChoice {
  // No two runs of blanks side by side: reading a header of nothing else would take their product.
  const match = /^\s*bytes\s*=\s*(?:(\d+)\s*)?-\s*(?:(\d+)\s*)?$/i.exec(header ?? "");
  const [first, last] = [match?.[1] ?? "", match?.[2] ?? ""];
  if (first === "" && last === "") return WHOLE;
  if (first === "") return chooseEnd(Number(last), size);
  const start = Number(first);
  if (last !== "" && Number(last) < start) return WHOLE;
  if (start >= size) return { kind: "unsatisfiable" };
  return { kind: "part", range: { start, end: last === "" ? size : Math.min(Number(last) + 1, size) } };
}

function chooseEnd(count: number, size: number): RangeChoice {
  if (count === 0 || size === 0) return { kind: "unsatisfiable" };
  return { kind: "part", range: { start: Math.max(0, size - count), end: size } };
}

/** The bytes of a range out of a whole body, chunk by chunk: what lies before it is read and dropped, nothing is kept. */
export function sliceStream(
  stream: ReadableStream<Uint8Array>,
  { start, end }: ByteRange,
): ReadableStream<Uint8Array> {
  const reader = stream.getReader();
  let at = 0;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (;;) {
          const { done, value } = await reader.read();
          if (done) {
            // A length was promised: an answer that is cut must not look whole.
            controller.error(new Error("the stored body ends before the range does"));
            return;
          }
          const part = value.subarray(Math.max(0, start - at), Math.max(0, end - at));
          at += value.length;
          if (part.length > 0) controller.enqueue(part);
          if (at >= end) {
            controller.close();
            await reader.cancel();
            return;
          }
          if (part.length > 0) return;
        }
      },
      async cancel(reason) {
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
