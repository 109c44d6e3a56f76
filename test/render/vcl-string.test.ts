import { describe, expect, it } from "vitest";
import { toVclString } from "../../src/render/vcl-string.ts";

describe("VCL string literals", () => {
  it("are short strings when nothing in them is live there", () => {
    expect(toVclString("/local/")).toBe('"/local/"');
  });

  it("are long strings for percent signs and quotes", () => {
    expect(toVclString("100%")).toBe('{"100%"}');
    expect(toVclString('say "hi"')).toBe('{"say "hi""}');
  });

  it.each(['end"}here', "line\nbreak", "grün"])("do not exist for %j", (text) => {
    expect(() => toVclString(text)).toThrow("no VCL literal");
  });
});
