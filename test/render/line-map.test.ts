import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createEngine } from "../../src/render/engine.ts";
import { LineMarker, originOf } from "../../src/render/line-map.ts";
import { TEMPLATES, renderService } from "../../src/render/render.ts";
import { holdsMarks, withoutMarks } from "../../src/render/template-marks.ts";
import type { Environment } from "../../src/settings/environment.ts";
import { exampleEnvironment, exampleLocal } from "../support/environments.ts";

const environments: readonly Environment[] = [
  exampleLocal(),
  exampleEnvironment("test"),
  { ...exampleEnvironment("production"), segmented: { extensions: ["mp4"] }, rateLimiting: true },
];

/** What a template and one import of it render to: as they are, and with marks. */
function renderBoth(template: string): {
  readonly plain: string;
  readonly marked: string;
  readonly marker: LineMarker;
} {
  const lookup = (name: string) => (name === "a" ? { source: template, label: "a" } : undefined);
  const values = { yes: true, no: false, word: "word", lines: "one\ntwo", items: ["x", "y"], nothing: "" };
  const marker = new LineMarker();
  return {
    plain: createEngine(lookup).render("a", values),
    marked: createEngine(lookup, marker).render("a", values),
    marker,
  };
}

/** The line of the template for each line that is rendered. */
function linesOf(template: string): readonly (number | undefined)[] {
  const { plain, marked, marker } = renderBoth(template);
  const lines = marker.mapOf(plain, marked);
  return plain.split("\n").map((_, index) => originOf({ lines }, index + 1)?.line);
}

describe.each(environments.map((environment) => [environment.name, environment] as const))(
  "the line map of %s",
  (_name, environment) => {
    const [file] = renderService(environment).files;
    const rendered = file?.content.split("\n") ?? [];

    it("has one entry per line, with an origin wherever a line is not blank", () => {
      expect(file?.lines).toHaveLength(rendered.length);
      const wrong = rendered.filter((line, index) => (line === "") !== (file?.lines[index] === null));
      expect(wrong).toEqual([]);
    });

    it("names lines whose text is the rendered one, where they have no tags", () => {
      const texts = new Map<string, readonly string[]>();
      let compared = 0;
      for (const [index, line] of rendered.entries()) {
        const origin = file?.lines[index];
        if (!origin) continue;
        const text =
          texts.get(origin.template) ?? readFileSync(join(TEMPLATES, origin.template), "utf8").split("\n");
        texts.set(origin.template, text);
        const source = text[origin.line - 1] ?? "";
        if (/\{[{%#]|[#%}]\}/.test(source)) continue;
        compared += 1;
        expect(line.trim(), `${origin.template}:${origin.line}`).toBe(source.trim());
      }
      expect(compared).toBeGreaterThan(rendered.length / 2);
    });

    it("leaves no mark in the text", () => {
      expect(holdsMarks(file?.content ?? "")).toBe(false);
    });
  },
);

const piece = fc.oneof(
  fc.constantFrom(
    "text",
    " ",
    "  ",
    "\n",
    "\n\n",
    "\t",
    "{",
    "}",
    "%",
    "# note",
    "{{ word }}",
    "{{- word }}",
    "{{ word -}}",
    "{{- word -}}",
    "{{ '}} %}' }}",
    '{{ "a\\"}}" }}',
    "{{ lines | indent(2, true) }}",
    "{{ nothing }}",
    "{# a\ncomment {{ #}",
    "{% if yes %}",
    "{%- if no -%}",
    "{% for item in items %}{{ item }}\n{%- endfor %}",
    "{% raw %} {{ raw }}\n  {% if %}\n{% endraw %}",
    "{% set kept %}\n a \n{% endset %}{{ '<' + kept + '>' }}",
    "{% set one = 'x' %}{{ one }}",
    "{% macro m(a) %}\n  in {{ a }}\n{% endmacro %}{{ m('b') | trim }}",
    "{% filter upper %} up {{ word }} {% endfilter %}",
    "{{ 'a/b'.split(r/[}%]}/) | join('-') }}",
  ),
  fc.stringMatching(/^[a-z \n{}#%-]{0,6}$/).filter((text) => !/[{}#%]{2}|\{$|^[}#%]/.test(text)),
);

describe("a template with marks", () => {
  it("renders to the same bytes when they are taken out", () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
        const opened = pieces.filter((text) => /^\{%-? if/.test(text)).length;
        const template = `${pieces.join("")}${"{% endif %}".repeat(opened)}`;
        fc.pre(!/\{\{[{%#]|[%#]\}\}|\{[{%#]-?[{%#]|\{\{\}/.test(template.replace(/\{\{ '[^']*' \}\}/g, "")));
        let plain: string;
        try {
          plain = renderBoth(template).plain;
        } catch {
          return fc.pre(false);
        }
        expect(withoutMarks(renderBoth(template).marked)).toBe(plain);
        return undefined;
      }),
      { numRuns: 300 },
    );
  });

  it("tells the line of what a macro, a loop and a filter gave", () => {
    const template = [
      "{% macro m() %}",
      "  inner",
      "  {{ word }}",
      "{% endmacro %}",
      "before",
      "{{ m() | indent(4, true) }}",
      "{% for item in items %}",
      "  {{ item }};",
      "{% endfor %}",
      "after",
    ].join("\n");
    const { plain } = renderBoth(template);
    expect(plain.split("\n").filter((line) => line.trim() !== "")).toEqual([
      "before",
      "      inner",
      "      word",
      "  x;",
      "  y;",
      "after",
    ]);
    expect(linesOf(template).filter((line) => line !== undefined)).toEqual([5, 2, 3, 8, 8, 10]);
  });

  it("gives every line of a value the line that wrote it", () => {
    expect(linesOf("a\n{{ lines }}\nb")).toEqual([1, 2, 2, 3]);
  });

  it("gives a line that marks would change the origin of the one before it", () => {
    expect(linesOf("a\n{% macro m() %}xx{% endmacro %}{{ m() | length }}\nb")).toEqual([1, 1, 3]);
  });

  it("has no origin for lines that are not there", () => {
    expect(originOf({ lines: [{ template: "a", line: 1 }] }, 2)).toBeUndefined();
    expect(originOf({ lines: [] }, 0)).toBeUndefined();
  });
});
