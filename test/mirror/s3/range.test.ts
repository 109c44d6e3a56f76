import { fc, test } from "@fast-check/vitest";
import { expect } from "vitest";
import { parseRange } from "../../../src/mirror/s3/range.ts";

const number = fc.integer({ min: 0, max: 30 });

test.prop([number, number, number])("selects the bytes that the two ends name", (first, last, size) => {
  const selected = Array.from({ length: size }, (_, index) => index).filter(
    (index) => index >= first && index <= last,
  );
  const range = parseRange(`bytes=${first}-${last}`, size);
  if (last < first) expect(range).toBeUndefined();
  else if (selected.length === 0) expect(range).toBe("unsatisfiable");
  else expect(range).toEqual({ start: selected[0], end: (selected.at(-1) ?? 0) + 1 });
});

test.prop([number, number])("selects the last bytes", (count, size) => {
  const range = parseRange(`bytes=-${count}`, size);
  if (count === 0 || size === 0) expect(range).toBe("unsatisfiable");
  else expect(range).toEqual({ start: Math.max(0, size - count), end: size });
});

test.prop([fc.oneof(fc.string(), fc.stringMatching(/^bytes=[-0-9, ]{0,12}$/)), number])(
  "never selects bytes that are not there",
  (header, size) => {
    const range = parseRange(header, size);
    if (range === undefined || range === "unsatisfiable") return;
    expect(range.start >= 0 && range.start < range.end && range.end <= size).toBe(true);
  },
);
