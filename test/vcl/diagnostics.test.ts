import { assert, nat, property, string } from "fast-check";
import { describe, expect, it } from "vitest";

import { formatDiagnostic, positionOf, VclError } from "../../src/vcl/diagnostics.ts";
import type { Diagnostic } from "../../src/vcl/diagnostics.ts";

function diagnostic(text: string, { start, end }: { start: number; end: number }): Diagnostic {
  return {
    severity: "error",
    rule: "name/unknown",
    message: "there is no x",
    span: { source: { name: "main.vcl", text }, start, end },
  };
}

describe("positionOf", () => {
  it("counts lines and columns from one", () => {
    const source = { name: "main.vcl", text: "ab\n\ncd" };
    expect([0, 1, 2, 3, 4, 5, 6, 99].map((offset) => positionOf(source, offset))).toEqual([
      { line: 1, column: 1 },
      { line: 1, column: 2 },
      { line: 1, column: 3 },
      { line: 2, column: 1 },
      { line: 3, column: 1 },
      { line: 3, column: 2 },
      { line: 3, column: 3 },
      { line: 3, column: 3 },
    ]);
  });

  it("agrees with splitting the text before the offset", () => {
    assert(
      property(string(), nat(20), (piece, offset) => {
        const text = piece.replaceAll("a", "\n");
        const lines = text.slice(0, offset).split("\n");
        expect(positionOf({ name: "", text }, offset)).toEqual({
          line: lines.length,
          column: (lines.at(-1)?.length ?? 0) + 1,
        });
      }),
    );
  });
});

describe("formatDiagnostic", () => {
  it("shows the line and a caret under the place, with tabs kept", () => {
    expect(formatDiagnostic(diagnostic("sub a {\n\tlog x;\n}", { start: 13, end: 14 }))).toBe(
      ["main.vcl:2:6: error[name/unknown]: there is no x", "  |", "2 | \tlog x;", "  | \t    ^"].join("\n"),
    );
  });

  it("ends the caret with the line when the place goes on", () => {
    expect(
      formatDiagnostic(diagnostic("log {\n}", { start: 4, end: 7 }))
        .split("\n")
        .at(-1),
    ).toBe("  |     ^");
  });

  it("points behind the last character at the end of a file", () => {
    expect(
      formatDiagnostic(diagnostic("log", { start: 3, end: 3 }))
        .split("\n")
        .slice(-2),
    ).toEqual(["1 | log", "  |    ^"]);
  });

  it("cuts a long line around the place", () => {
    const text = `${"a".repeat(100_000)}HERE${"b".repeat(100_000)}`;
    const [head, , line = "", caret = ""] = formatDiagnostic(
      diagnostic(text, { start: 100_000, end: 100_004 }),
    ).split("\n");
    expect(head).toContain("main.vcl:1:100001:");
    expect(line.length).toBeLessThan(180);
    expect(line.slice(caret.indexOf("^"), caret.lastIndexOf("^") + 1)).toBe("HERE");
  });

  it("puts the caret on the place, wherever it is in lines of any length", () => {
    assert(
      property(nat(400), nat(400), (before, after) => {
        const text = `first\n${"a".repeat(before)}X${"b".repeat(after)}\nlast`;
        const lines = formatDiagnostic(diagnostic(text, { start: 6 + before, end: 7 + before })).split("\n");
        const caret = lines[3] ?? "";
        expect(caret.match(/\^/g)).toHaveLength(1);
        expect(lines[2]?.[caret.indexOf("^")]).toBe("X");
      }),
    );
  });

  it("keeps the message of many errors in one long line short", () => {
    const text = "x".repeat(1_000_000);
    const error = new VclError(
      Array.from({ length: 200 }, (_, i) => diagnostic(text, { start: i * 5000, end: 1_000_000 })),
    );
    expect(error.message.length).toBeLessThan(200 * 700);
  });
});
