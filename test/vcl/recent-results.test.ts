import { fc, it as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { RecentResults } from "../../src/vcl/recent-results.ts";

const PLACES = 64;
const LONGEST = 2_048;

/** A function that counts how often it is run for each text. */
function counting(): { readonly results: RecentResults; readonly runs: Map<string, number> } {
  const runs = new Map<string, number>();
  const results = new RecentResults((text) => {
    runs.set(text, (runs.get(text) ?? 0) + 1);
    return `<${text}>`;
  });
  return { results, runs };
}

describe("recent results", () => {
  it("are computed once, also where the result is empty", () => {
    let runs = 0;
    const results = new RecentResults(() => ((runs += 1), ""));
    expect([results.of("a"), results.of("a"), runs]).toEqual(["", "", 1]);
  });

  it("are not kept of a text of more than 2,048 characters, and right all the same", () => {
    const { results, runs } = counting();
    for (const length of [LONGEST, LONGEST + 1]) {
      const text = "x".repeat(length);
      expect([results.of(text), results.of(text)]).toEqual([`<${text}>`, `<${text}>`]);
      expect(runs.get(text)).toBe(length > LONGEST ? 2 : 1);
    }
  });

  it("are none of a text whose computation failed", () => {
    let isBroken = true;
    const results = new RecentResults((text) => {
      if (isBroken) throw new Error("broken");
      return text;
    });
    expect(() => results.of("a")).toThrow("broken");
    isBroken = false;
    expect(results.of("a")).toBe("a");
  });

  property.prop([fc.array(fc.nat(PLACES + 10), { maxLength: 400 })])(
    "are always the function's own, and run anew only for what is not among the last 64 that were",
    (numbers) => {
      const { results, runs } = counting();
      let model: readonly string[] = [];
      const expected = new Map<string, number>();
      for (const text of numbers.map(String)) {
        if (!model.includes(text)) {
          model = [...model, text].slice(-PLACES);
          expected.set(text, (expected.get(text) ?? 0) + 1);
        }
        expect(results.of(text)).toBe(`<${text}>`);
      }
      expect(runs).toEqual(expected);
    },
  );
});
