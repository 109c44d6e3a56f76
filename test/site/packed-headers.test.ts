import { test } from "@fast-check/vitest";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { metadataProblem } from "../../src/site/object-metadata.ts";
import { packHeaders, packedHeaderProblem, unpackHeaders } from "../../src/site/packed-headers.ts";
import type { PackedHeader } from "../../src/site/packed-headers.ts";

const arbitraryHeader: fc.Arbitrary<PackedHeader> = fc.oneof(
  fc.record({
    kind: fc.constant("set" as const),
    name: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,20}$/),
    value: fc.stringMatching(/^[!-~](?:[ -~]{0,30}[!-~])?$/),
  }),
  fc.record({
    kind: fc.constant("remove" as const),
    name: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,20}$/),
  }),
);
const arbitraryHeaders = fc.uniqueArray(arbitraryHeader, {
  maxLength: 16,
  selector: ({ name }) => name.toLowerCase(),
});

/** What the edge does with one slot: cut at `|`, then decode as Fastly's `urldecode` does. */
function atTheEdge(packed: string, slot: string): string | undefined {
  const part = packed.split("|").find((text) => text.startsWith(`${slot}=`));
  return part === undefined ? undefined : decodeURIComponent(part.slice(2).replaceAll("+", " "));
}

describe("packHeaders", () => {
  it("writes one slot per header and escapes what cuts or changes the text", () => {
    expect(
      packHeaders([
        { kind: "set", name: "X-A", value: '1|2 + 100%  "x"' },
        { kind: "remove", name: "Referrer-Policy" },
      ]),
    ).toBe("0=X-A:1%7C2 %2B 100%25 %20%22x%22|1=!Referrer-Policy");
  });

  test.prop([arbitraryHeaders])("is undone by unpackHeaders and by the edge", (headers) => {
    const packed = packHeaders(headers);
    expect(unpackHeaders(packed)).toEqual({ kind: "ok", headers });
    for (const [index, header] of headers.entries()) {
      const text = header.kind === "set" ? `${header.name}:${header.value}` : `!${header.name}`;
      expect(atTheEdge(packed, index.toString(16))).toBe(text);
    }
  });

  test.prop([arbitraryHeaders])("gives what S3 stores unchanged, if it fits", (headers) => {
    expect(metadataProblem({ h: packHeaders(headers) })).toBeUndefined();
  });

  it.each([
    "1=A:b",
    "0=A:b|2=C:d",
    "0=A",
    "0=:b",
    "0=A:",
    "0=A: b",
    "0=A:b ",
    "0=A:b  c",
    "0=A:b+c",
    "0=A:%41",
    "0=A:%0A",
    "0=A:%",
    "0=A:b\r\nC: d",
    "0=A:ä",
    "0=!",
    "0=!A:b",
    "0=A:b|1=a:c",
    "0=A:b|",
    Array.from({ length: 17 }, (_, index) => `${index.toString(16)}=A${index}:b`).join("|"),
  ])("never wrote %j", (text) => {
    expect(unpackHeaders(text).kind).toBe("refused");
  });

  test.prop([fc.string()])("output is all that unpackHeaders accepts", (text) => {
    const unpacked = unpackHeaders(text);
    if (unpacked.kind === "ok") expect(packHeaders(unpacked.headers)).toBe(text);
  });

  test.prop([fc.string({ unit: "binary", maxLength: 12 }), fc.string({ unit: "binary", maxLength: 12 })], {
    numRuns: 10_000,
  })("makes no second header of any name and value that it accepts", (name, value) => {
    const header = { kind: "set" as const, name, value };
    if (packedHeaderProblem(header) !== undefined) return;
    expect(`${name}: ${value}`).toMatch(/^[A-Za-z0-9_-]+: [ -~]+$/);
    expect(unpackHeaders(packHeaders([header]))).toEqual({ kind: "ok", headers: [header] });
  });
});
