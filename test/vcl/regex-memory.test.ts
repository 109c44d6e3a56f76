import { fc, it as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { RegexMemory } from "../../src/vcl/regex-memory.ts";
import type { PastMatch } from "../../src/vcl/regex-memory.ts";

const PLACES = 4;
const LONGEST = 1_024;

function past(text: string): PastMatch {
  return { text, result: { kind: "no-match" }, cost: text.length, texts: null };
}

describe("what a regex remembers", () => {
  it("is nothing at first, and then what was kept, the very thing", () => {
    const memory = new RegexMemory();
    expect(memory.find("")).toBeUndefined();
    const kept = past("");
    memory.keep(kept);
    expect(memory.find("")).toBe(kept);
    expect(memory.find("other")).toBeUndefined();
  });

  it("is no text of more than 1,024 characters, which pushes no other out either", () => {
    const memory = new RegexMemory();
    const short = past("a");
    memory.keep(short);
    for (let count = 0; count < PLACES; count += 1) memory.keep(past("x".repeat(LONGEST + 1 + count)));
    expect(memory.find("x".repeat(LONGEST + 1))).toBeUndefined();
    expect(memory.find("a")).toBe(short);
    const longest = past("x".repeat(LONGEST));
    memory.keep(longest);
    expect(memory.find(longest.text)).toBe(longest);
  });

  // As a regex does: what is found is not kept again.
  property.prop([fc.array(fc.constantFrom("a", "b", "c", "d", "e", "f", "g"), { maxLength: 60 })])(
    "is exactly the last four texts that were new",
    (texts) => {
      const memory = new RegexMemory();
      let model: readonly PastMatch[] = [];
      for (const text of texts) {
        const known = model.find((one) => one.text === text);
        expect(memory.find(text)).toBe(known);
        if (known !== undefined) continue;
        const made = past(text);
        memory.keep(made);
        model = [...model, made].slice(-PLACES);
      }
    },
  );
});
