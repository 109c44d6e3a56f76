import {
  array,
  assert,
  bigInt,
  boolean,
  constantFrom,
  double,
  integer,
  nat,
  oneof,
  pre,
  property,
  tuple,
} from "fast-check";
import { describe, expect, it } from "vitest";

import type { VclProgram } from "../../src/vcl/ast-declarations.ts";
import { VclError } from "../../src/vcl/diagnostics.ts";
import { printProgram } from "../../src/vcl/printer.ts";
import { parseService, parseVcl } from "../../src/vcl/service.ts";
import { KITCHEN_SINK } from "./kitchen-sink.ts";

/** The tree without places, comparable. */
function shape(program: VclProgram): string {
  return JSON.stringify(program.declarations, (key, value: unknown) => {
    if (key === "span") return undefined;
    return typeof value === "bigint" ? `${value}n` : value;
  });
}

function parse(text: string): VclProgram {
  return parseVcl({ name: "main.vcl", text });
}

function parseOrError(text: string): VclProgram | VclError {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof VclError) return error;
    throw error;
  }
}

/** Pieces that programs are made of, joined at random: most fail to parse, many do not. */
const token = constantFrom(
  ...`set unset req.http.A req.http.B:c var.i = += rol= "a" "%41" {"b"} {X"c"X} 1 -2 0xff 1.5 1e3 5m 5 m + - ! ( ) { } ; ,
  == ~ && || if else elsif return lookup error restart synthetic log goto l: switch case default: break; fallthrough; call
  f f() f(1, "a") now if(a, b, c) true LF sub acl table backend director . : / %`.split(/\s+/),
);
const statement = constantFrom(
  'set req.http.A = "x" now + 5m (a) -1;',
  "if (!a ~ b && (c || d)) { esi; } else { log a 5s; }",
  'switch (a) { case "x": esi; break; default: fallthrough; }',
  "return (a);",
  "return a(b);",
  "error 404 a b;",
  "l:",
  "goto l;",
  "{ restart; }",
  "declare block var.x RTIME = 1.5ms;",
  "#FASTLY recv\n",
);

/** Any code points but NUL and surrogates, common delimiters often. */
const unicodeText = array(
  oneof(constantFrom('"', "{", "}", "%", "\n", "X1", '"}'), integer({ min: 1, max: 0x10ffff }).map(toChar)),
).map((chars) => chars.join(""));

function toChar(code: number): string {
  return code >= 0xd800 && code <= 0xdfff ? "x" : String.fromCodePoint(code);
}

describe("printProgram", () => {
  it("prints text that parses to the same tree, for every production", () => {
    const program = parse(KITCHEN_SINK);
    const text = printProgram(program);
    expect(shape(parse(text))).toBe(shape(program));
    expect(printProgram(parse(text))).toBe(text);
  });

  it("prints any program that parses so that it parses to the same tree", () => {
    const body = array(
      oneof(
        statement,
        array(token, { maxLength: 6 }).map((words) => `${words.join(" ")};`),
      ),
    );
    assert(
      property(body, (statements) => {
        const program = parseOrError(`sub s {\n${statements.join("\n")}\n}`);
        if (program instanceof VclError) return;
        expect(shape(parse(printProgram(program)))).toBe(shape(program));
      }),
      { numRuns: 500 },
    );
  });

  it("prints any string so that it parses to the same bytes", () => {
    assert(
      property(unicodeText, boolean(), (unicode, long) => {
        const value = Buffer.from(unicode, "utf8").toString("latin1");
        const escaped = [...Buffer.from(value, "latin1")].map(
          (byte) => `%${byte.toString(16).padStart(2, "0")}`,
        );
        const literal = long ? `{delim"${value}"delim}` : `"${escaped.join("")}"`;
        pre(!long || !value.includes('"delim}'));
        const program = parse(`table t { "k": ${literal} }`);
        const again = parse(printProgram(program));
        expect(shape(again)).toBe(shape(program));
        expect(
          JSON.stringify(again.declarations[0], (key, v: unknown) => (key === "span" ? undefined : v)),
        ).toContain(JSON.stringify(value));
      }),
    );
  });

  it("prints numbers so that they parse to the same values", () => {
    const number = oneof(
      bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
      double({ noNaN: true, noDefaultInfinity: true }).map((value) => {
        const text = String(value === 0 ? 0 : value);
        return /[.e]/.test(text) ? text : `${text}.0`;
      }),
      tuple(nat(), nat(999), constantFrom("ms", "s", "m", "h", "d", "w", "y")).map(
        ([whole, part, unit]) => `${whole}.${part}${unit}`,
      ),
    );
    assert(
      property(number, (text) => {
        const program = parse(`table t FLOAT { "k": ${text} }`);
        expect(shape(parse(printProgram(program)))).toBe(shape(program));
      }),
    );
  });

  it("leaves includes and macros inside subroutines as the lines they were", () => {
    const main = { name: "main.vcl", text: 'sub vcl_recv {\n#FASTLY recv\ninclude "a";\n}' };
    const includes = new Map([["a", { name: "a", text: "esi;" }]]);
    const macros = new Map([["recv" as const, { name: "#FASTLY recv", text: "restart;" }]]);
    const program = parseService({ main, includes, prelude: [], macros });
    expect(printProgram(program)).toBe('sub vcl_recv {\n  #FASTLY recv\n  include "a";\n}\n');
  });
});
