import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { lineDifferences } from "../../../src/deploy/alike/line-causes.ts";
import type { LineDifference } from "../../../src/deploy/alike/line-causes.ts";

const texts = fc.array(fc.constantFrom("a", "b", "c", "d"), { maxLength: 12 });

/** The first text with every difference put in its place. */
function patched(first: readonly string[], differences: readonly LineDifference[]): readonly string[] {
  const lines = [...first];
  for (const { at, from, to } of differences.toReversed()) lines.splice(at[0] - 1, from.length, ...to);
  return lines;
}

describe("lines that are followed through steps", () => {
  it("owes a line to every step that had a part in it", () => {
    const steps = [
      { lines: ["x", "one", "z"], causes: ["first"] },
      { lines: ["x", "two", "z"], causes: ["second"] },
      { lines: ["x", "two", "z", "end"], causes: ["third"] },
    ];
    expect(lineDifferences(["x", "y", "z"], steps)).toEqual([
      { at: [2, 2], from: ["y"], to: ["two"], causes: ["first", "second"] },
      { at: [4, 4], from: [], to: ["end"], causes: ["third"] },
    ]);
  });

  it("says nothing of what a later step took back", () => {
    const steps = [
      { lines: ["x", "one"], causes: ["first"] },
      { lines: ["x", "y"], causes: ["second"] },
    ];
    expect(lineDifferences(["x", "y"], steps)).toEqual([]);
  });

  test.prop([texts, fc.array(texts, { minLength: 1, maxLength: 5 })])(
    "leads from the first text to the last, and leaves no difference without a cause",
    (first, later) => {
      const steps = later.map((lines, index) => ({ lines, causes: [`step ${index}`] }));
      const differences = lineDifferences(first, steps);
      expect(patched(first, differences)).toEqual(later.at(-1));
      for (const { causes, at, to } of differences) {
        expect(causes.length).toBeGreaterThan(0);
        expect(later.at(-1)?.slice(at[1] - 1, at[1] - 1 + to.length)).toEqual(to);
      }
    },
  );
});
