import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  formatVclMessage,
  parseVclMessages,
  placeVclMessages,
} from "../../../src/deploy/apply/vcl-message.ts";
import type { SentFile } from "../../../src/deploy/apply/vcl-message.ts";
import { renderService } from "../../../src/render/render.ts";
import { exampleEnvironment } from "../../support/environments.ts";

const EXCERPT = [
  "Syntax error: Expected `STRING` expression",
  "at: (input Line 1635 Pos 38)",
  "        !req.http.Fastly-Client-Ip ~ maint_allowlist &&",
  "-------------------------------------###############---",
].join("\n");

const files: readonly SentFile[] = [
  {
    name: "main.vcl",
    content: "sub vcl_recv {\n  set req.http.A = 1;\n  call b;\n  set req.http.A = 1;\n}\n",
    lines: [
      { template: "main.vcl.njk", line: 7 },
      { template: "a.vcl.njk", line: 2 },
      { template: "b.vcl.njk", line: 3 },
      { template: "a.vcl.njk", line: 4 },
      { template: "main.vcl.njk", line: 9 },
      null,
    ],
  },
  { name: "extra", content: "# one\n  unset req.http.B;\n", lines: [] },
];

describe("a message of Fastly's compiler", () => {
  it("is read with its place and the line that is shown", () => {
    expect(parseVclMessages(EXCERPT)).toEqual([
      {
        severity: "error",
        text: "Syntax error: Expected `STRING` expression",
        reported: { file: "input", line: 1635, column: 38 },
        excerpt: "        !req.http.Fastly-Client-Ip ~ maint_allowlist &&",
      },
    ]);
  });

  it.each([
    ["Warning: No default director found\nat: (default Line 174 Pos 1)", "default", 174, 1, "warning"],
    ["Unknown variable 'x'\nat: 'main.vcl' Line 12 Pos 3", "main.vcl", 12, 3, "error"],
    ["Unknown variable 'x' at: (main.vcl Line 12 Pos 3)", "main.vcl", 12, 3, "error"],
    ["Found: 'x' at\n('input' Line 8 Pos 1)\nvcl_recv {\n########--", "input", 8, 1, "error"],
    ['Error: no such thing\r\nat: ("two words.vcl" Line 3 Pos 2)\r\n', "two words.vcl", 3, 2, "error"],
  ])("is read in the form %j", (text, file, line, column, severity) => {
    const [message, ...others] = parseVclMessages(text);
    expect(others).toEqual([]);
    expect(message).toMatchObject({ severity, reported: { file, line, column } });
    expect(message?.text).not.toMatch(/\bat:?$|Line|^(?:Warning|Error):/);
  });

  it("without a place is a sentence alone, one for each paragraph", () => {
    expect(parseVclMessages("Version has no associated domains\n\nno\nbackends")).toEqual([
      { severity: "error", text: "Version has no associated domains" },
      { severity: "error", text: "no backends" },
    ]);
    expect(parseVclMessages("")).toEqual([]);
  });

  it("may be one of several in a text", () => {
    const texts = parseVclMessages(`${EXCERPT}\nWarning: unused table\nat: (input Line 3 Pos 7)\ndone`);
    expect(texts.map(({ severity, text }) => [severity, text])).toEqual([
      ["error", "Syntax error: Expected `STRING` expression"],
      ["warning", "unused table"],
      ["error", "done"],
    ]);
  });

  it("never fails to be read, and loses no word", () => {
    const word = fc.constantFrom(
      "a",
      "at:",
      "Line",
      "12",
      "Pos",
      "(input",
      "3)",
      "\n",
      "---#--",
      "'x'",
      "Warning:",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(word).map((words) => words.join(" ")),
        ),
        (text) => {
          const messages = parseVclMessages(text);
          expect(messages.length > 0).toBe(text.trim() !== "");
        },
      ),
    );
  });
});

describe("the place of a message", () => {
  it("is the template's line where the file is one of ours", () => {
    const [message] = placeVclMessages("No such sub\nat: (main.vcl Line 3 Pos 3)\n  call b;\n--####", files);
    expect(message?.place).toEqual({
      file: "main.vcl",
      line: 3,
      origin: { template: "b.vcl.njk", line: 3 },
      candidates: 1,
    });
    expect(message && formatVclMessage(message)).toBe("b.vcl.njk:3 (main.vcl:3): No such sub\n    call b;");
  });

  it("is found by what is shown where Fastly counts lines of its own text", () => {
    const [message] = placeVclMessages("Bad\nat: (input Line 812 Pos 3)\n\tcall   b;\n--####", files);
    expect(message?.place).toMatchObject({ file: "main.vcl", line: 3, candidates: 1 });
    const [other] = placeVclMessages("Bad\nat: (main.vcl Line 900 Pos 3)\n  call b;\n--####", files);
    expect(other?.place).toMatchObject({ file: "main.vcl", line: 3 });
  });

  it("is the nearest of the lines that read so, and says that there are others", () => {
    const [message] = placeVclMessages(
      "Bad\nat: (input Line 40 Pos 3)\n  set req.http.A = 1;\n--####",
      files,
    );
    expect(message?.place).toMatchObject({
      line: 4,
      candidates: 2,
      origin: { template: "a.vcl.njk", line: 4 },
    });
    expect(message && formatVclMessage(message)).toContain("the nearest of 2 lines");
  });

  it("is not guessed from a number alone", () => {
    const [message] = placeVclMessages("Bad\nat: (input Line 3 Pos 3)", files);
    expect(message?.place).toBeUndefined();
    expect(message && formatVclMessage(message)).toBe("input:3:3: Bad");
  });

  it("has no template in a file that none was rendered to", () => {
    const [message] = placeVclMessages("Warning: odd\nat: (extra.vcl Line 2 Pos 3)", files);
    expect(message && formatVclMessage(message)).toBe("extra:2: warning: odd");
  });

  it("is right for every line of the rendered service that is there once", () => {
    const rendered = renderService(exampleEnvironment("production")).files;
    const [main] = rendered;
    const lines = main?.content.split("\n") ?? [];
    const single = lines.flatMap((line, index) =>
      line.trim().length > 3 && lines.filter((other) => other.trim() === line.trim()).length === 1
        ? [[line, index] as const]
        : [],
    );
    expect(single.length).toBeGreaterThan(500);
    for (const [line, index] of single.filter((_, at) => at % 10 === 0)) {
      const text = `Bad\nat: (input Line ${index + 400} Pos 1)\n${line}\n#-`;
      expect(placeVclMessages(text, rendered)[0]?.place).toEqual({
        file: "main.vcl",
        line: index + 1,
        origin: main?.lines[index],
        candidates: 1,
      });
    }
  });
});
