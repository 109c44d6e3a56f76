import { test as property, fc } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { HeaderList } from "../../../src/http/header-list.ts";
import { bodyOf } from "../../../src/mirror/edge/body.ts";
import {
  blockOf,
  firstBlock,
  rangeOfBlock,
  readAskedRange,
  readPart,
  spanOf,
} from "../../../src/mirror/edge/segments.ts";

describe("readAskedRange", () => {
  test.each(["bytes=", "bytes=0-"])("reads blanks behind %j at once", (start) => {
    expect(readAskedRange(`${start}${" ".repeat(100_000)}x`).kind).toBe("whole");
  });

  test.each([
    [null, { kind: "whole" }],
    ["bytes=0-", { kind: "range", first: 0, last: null }],
    ["bytes=5-9", { kind: "range", first: 5, last: 9 }],
    [" Bytes = 5 - 9 ", { kind: "range", first: 5, last: 9 }],
    ["bytes=-5", { kind: "unsupported" }],
    ["bytes=9-5", { kind: "unsupported" }],
    ["bytes=0-1,3-4", { kind: "unsupported" }],
    ["bytes=0-1, -4", { kind: "unsupported" }],
    ["items=0-5", { kind: "whole" }],
    ["bytes=", { kind: "whole" }],
    ["bytes=-", { kind: "whole" }],
    ["bytes=a-b", { kind: "whole" }],
    ["bytes=0-1,x", { kind: "whole" }],
    ["bytes=0x1-5", { kind: "whole" }],
  ])("%j", (range, asked) => {
    expect(readAskedRange(range)).toEqual(asked);
  });

  property.prop([fc.bigInt({ min: 0n, max: 10n ** 40n }), fc.integer({ min: 1, max: 20 * 2 ** 20 })])(
    "whatever number a range begins with, its block can be written as a Range header",
    (first, size) => {
      const block = firstBlock(readAskedRange(`bytes=${first}-`), size);
      expect(rangeOfBlock(block)).toMatch(/^bytes=\d+-\d+$/);
      expect(block.end - block.start).toBe(size);
    },
  );
});

property.prop([
  fc.nat(1000),
  fc.option(fc.nat(1000)),
  fc.integer({ min: 1, max: 900 }),
  fc.integer({ min: 1, max: 99 }),
])(
  "a span lies in the object, begins in the first block, and is what the range asks for",
  (first, last, total, size) => {
    const asked = readAskedRange(`bytes=${first}-${last ?? ""}`);
    fc.pre(asked.kind === "range");
    const span = spanOf(asked, total);
    expect(span === null).toBe(first >= total);
    if (span === null) return;
    const block = firstBlock(asked, size);
    expect(span.start).toBe(first);
    expect(span.end).toBe(last === null ? total : Math.min(total, last + 1));
    expect(block.start <= span.start && span.start < block.end).toBe(true);
  },
);

describe("readPart", () => {
  const reply = (lines: readonly (readonly [string, string])[], bytes = 10) => ({
    headers: HeaderList.from(lines),
    body: bodyOf("x".repeat(bytes)),
  });

  test("reads the part of a block, also the short one at the end", () => {
    expect(readPart(reply([["Content-Range", "bytes 10-19/100"]]), blockOf(1, 10))).toMatchObject({
      start: 10,
      end: 20,
      total: 100,
    });
    expect(readPart(reply([["Content-Range", "bytes 10-13/14"]], 4), blockOf(1, 10))).toMatchObject({
      end: 14,
      total: 14,
    });
  });

  test.each([
    ["no Content-Range", []],
    ["an unknown size", [["Content-Range", "bytes 10-19/*"]]],
    ["another beginning", [["Content-Range", "bytes 0-9/100"]]],
    ["another end", [["Content-Range", "bytes 10-18/100"]]],
    ["an end behind the object", [["Content-Range", "bytes 10-19/15"]]],
    [
      "two of them",
      [
        ["Content-Range", "bytes 10-19/100"],
        ["Content-Range", "bytes 10-19/200"],
      ],
    ],
    ["another unit", [["Content-Range", "items 10-19/100"]]],
    ["a number that is none", [["Content-Range", "bytes 1e1-19/100"]]],
  ] as const)("refuses %s", (_what, lines) => {
    expect(readPart(reply(lines), blockOf(1, 10))).toBeTypeOf("string");
  });

  test("refuses a body of another length, and one without", () => {
    const lines = [["Content-Range", "bytes 10-19/100"]] as const;
    expect(readPart(reply(lines, 9), blockOf(1, 10))).toBeTypeOf("string");
    const stream = {
      ...reply(lines),
      body: { kind: "stream", length: null, chunks: none(), cancel: () => {} },
    } as const;
    expect(readPart(stream, blockOf(1, 10))).toBeTypeOf("string");
  });

  test("parts of one version agree, those of another ETag, date or size do not", () => {
    const version = (...lines: (readonly [string, string])[]) => {
      const part = readPart(reply([["Content-Range", "bytes 0-9/100"], ...lines]), blockOf(0, 10));
      return typeof part === "string" ? part : part.version;
    };
    expect(version(["ETag", '"a"'])).toBe(version(["ETag", '"a"']));
    const all = [
      version(),
      version(["ETag", '"a"']),
      version(["ETag", '"b"']),
      version(["Last-Modified", '"a"']),
    ];
    expect(new Set(all).size).toBe(4);
  });
});

async function* none(): AsyncGenerator<Uint8Array> {}
