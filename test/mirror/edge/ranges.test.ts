import { fc, test as property } from "@fast-check/vitest";
import { expect, test } from "vitest";
import { HeaderList } from "../../../src/http/header-list.ts";
import { readBody, sliceBody } from "../../../src/mirror/edge/body.ts";
import { chooseRange, ifRangeHolds } from "../../../src/mirror/edge/ranges.ts";

test.each([
  ["bytes=0-0", 10, { kind: "part", start: 0, end: 1 }],
  ["bytes=5-", 10, { kind: "part", start: 5, end: 10 }],
  ["bytes=-3", 10, { kind: "part", start: 7, end: 10 }],
  ["bytes=-30", 10, { kind: "part", start: 0, end: 10 }],
  ["bytes=2-99", 10, { kind: "part", start: 2, end: 10 }],
  ["bytes=10-", 10, { kind: "unsatisfiable" }],
  ["bytes=-0", 10, { kind: "unsatisfiable" }],
  ["bytes=0-", 0, { kind: "unsatisfiable" }],
  ["bytes=5-2", 10, { kind: "whole" }],
  ["bytes=-", 10, { kind: "whole" }],
  ["bytes=0-1,4-5", 10, { kind: "whole" }],
  ["items=0-1", 10, { kind: "whole" }],
  [" bytes = 2 - 3 ", 10, { kind: "part", start: 2, end: 4 }],
  [null, 10, { kind: "whole" }],
])("%s of %i bytes", (range, size, choice) => {
  expect(chooseRange(range, size)).toEqual(choice);
});

test.each(["bytes=", "bytes=0-"])("blanks behind %j are read at once", (start) => {
  expect(chooseRange(`${start}${" ".repeat(100_000)}x`, 10)).toEqual({ kind: "whole" });
});

property.prop([fc.nat(200), fc.option(fc.nat(220)), fc.option(fc.nat(220))])(
  "a part lies within the body and is what the header asks for",
  (size, first, last) => {
    const choice = chooseRange(`bytes=${first ?? ""}-${last ?? ""}`, size);
    if (choice.kind !== "part") return;
    expect(choice.start).toBeGreaterThanOrEqual(0);
    expect(choice.end).toBeLessThanOrEqual(size);
    expect(choice.start).toBeLessThan(choice.end);
    if (first !== null) expect(choice.start).toBe(first);
    else expect(choice.end - choice.start).toBe(Math.min(last ?? 0, size));
  },
);

property.prop([fc.array(fc.uint8Array({ maxLength: 9 })), fc.nat(60), fc.nat(60)])(
  "a slice of a stream holds the same bytes as a slice of the whole, however it is cut into chunks",
  async (chunks, a, b) => {
    const whole = Buffer.concat(chunks);
    const start = Math.min(a, b, whole.length);
    const end = Math.min(Math.max(a, b), whole.length);
    async function* source(): AsyncGenerator<Uint8Array> {
      yield* chunks;
    }
    const stream = {
      kind: "stream",
      length: whole.length,
      chunks: source(),
      cancel: () => undefined,
    } as const;
    expect(await readBody(sliceBody(stream, start, end), 1000)).toEqual(whole.subarray(start, end));
  },
);

test("If-Range lets a range through for the strong tag or the exact date only", () => {
  const stored = HeaderList.from([
    ["ETag", '"a"'],
    ["Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT"],
  ]);
  const holds = (value: string): boolean => ifRangeHolds(HeaderList.from([["If-Range", value]]), stored);
  expect([holds('"a"'), holds('"b"'), holds('W/"a"')]).toEqual([true, false, false]);
  expect(holds("Thu, 01 Jan 2026 00:00:00 GMT")).toBe(true);
  expect(holds("Thu, 01 Jan 2026 00:00:01 GMT")).toBe(false);
  expect(ifRangeHolds(new HeaderList(), stored)).toBe(true);
});
