import { describe, expect, it } from "vitest";
import { forTerminal } from "../../src/lib/terminal-text.ts";

describe("forTerminal", () => {
  it("leaves plain text, line ends, tabs and letters of any script alone", () => {
    const text = "plan:\n\t+ Bäckerei 面包 🥐\n";
    expect(forTerminal(text)).toBe(text);
  });

  it.each([
    ["an escape sequence", "a\u001b[2Jb"],
    ["a carriage return that overwrites the line", "a\rb"],
    ["a C1 control", "a\u009bb"],
    ["a right-to-left override", "a\u202eb"],
    ["NUL", "a\0b"],
  ])("shows %s as a replacement character", (_, text) => {
    expect(forTerminal(text)).toMatch(/^a\u{fffd}(\[2J)?b$/u);
  });
});
