import {
  array,
  assert,
  constantFrom,
  integer,
  letrec,
  nat,
  oneof,
  property,
  string,
  tuple,
  uint8Array,
} from "fast-check";
import { describe, expect, it } from "vitest";
import { listFunctions, listVariables } from "../../src/vcl/catalog.ts";
import { checkProgram } from "../../src/vcl/checker.ts";
import { compileProgram } from "../../src/vcl/compiler.ts";
import { formatDiagnostic, VclError, VclRuntimeError } from "../../src/vcl/diagnostics.ts";
import type { Diagnostic } from "../../src/vcl/diagnostics.ts";
import { COMPILE_RULES, RUNTIME_RULES } from "../../src/vcl/rules-engine.ts";
import { RULES } from "../../src/vcl/rules.ts";
import type { Program } from "../../src/vcl/runtime.ts";
import { parseVcl } from "../../src/vcl/service.ts";
import { VCL_STATES } from "../../src/vcl/states.ts";
import { transactionIn } from "../support/vcl.ts";
import { KITCHEN_SINK } from "./kitchen-sink.ts";
import { RULE_EXAMPLES } from "./rule-examples.ts";

/** Every finding has a known rule, a place inside its source, and prints with a caret. */
function expectPlaced(diagnostics: readonly Diagnostic[]): void {
  for (const diagnostic of diagnostics) {
    const { rule, span } = diagnostic;
    expect(Object.hasOwn(RULES, rule) || Object.hasOwn(COMPILE_RULES, rule), rule).toBe(true);
    expect(span.start).toBeGreaterThanOrEqual(0);
    expect(span.start).toBeLessThanOrEqual(span.end);
    expect(span.end).toBeLessThanOrEqual(span.source.text.length);
    expect(formatDiagnostic(diagnostic)).toMatch(/^main\.vcl:\d+:\d+: (?:error|warning)\[[^\n]*\n.*\^/s);
  }
}

/** Lexes, parses, checks and compiles; the program where all of it went well. Anything but findings is a failure. */
function digest(text: string): Program | undefined {
  try {
    const program = parseVcl({ name: "main.vcl", text });
    const findings = checkProgram(program);
    expectPlaced(findings);
    if (findings.some(({ severity }) => severity === "error")) return undefined;
    return compileProgram(program, { tables: new Map(), limits: { statements: 2000, calls: 200 } });
  } catch (error) {
    if (!(error instanceof VclError)) throw error;
    expect(error.diagnostics.length).toBeGreaterThan(0);
    expectPlaced(error.diagnostics);
    return undefined;
  }
}

/** Runs all states; a budget may run out, nothing else may happen. */
function runAll(program: Program): void {
  for (const state of VCL_STATES) {
    const t = transactionIn(state);
    t.req.headers.set("Long", "x".repeat(300));
    t.req.headers.set("Bytes", "a\u00ff\u00fe\u0080=\u00e9;b");
    try {
      program.run(state, t);
    } catch (error) {
      if (!(error instanceof VclRuntimeError)) throw error;
      expect(Object.keys(RUNTIME_RULES)).toContain(error.rule);
    }
  }
}

const EXAMPLES = Object.values(RULE_EXAMPLES)
  .flatMap(({ invalid, valid }) => [...invalid, ...valid])
  .map((text) => text.replaceAll("¦", ""))
  .filter((text) => text.length < 4000);

const VARIABLE_NAMES = listVariables().map(({ name }) => name);
const FUNCTION_NAMES = listFunctions().map(({ name }) => name);

const WORDS = [
  ..."acl backend director table sub probe penaltybox ratecounter import include pragma if else elsif elseif switch case default break fallthrough set unset remove add call declare local block return error restart esi log synthetic synthetic.base64 goto random fallback hash client chash shield true false lookup pass deliver STRING INTEGER BOOL FLOAT RTIME TIME IP ACL BACKEND REGEX vcl_recv vcl_fetch var.a".split(
    " ",
  ),
  ..."{ } ( ) ; , : . = == != ~ !~ ! < > <= >= && || + - * / % += -= *= /= %= |= &= ^= <<= >>= rol= ror= &&= ||= #FASTLY C! W!".split(
    " ",
  ),
  ..."0 1 -1 0x1F 1.5 1e9 5s 10ms 1y 50% 9223372036854775807 9223372036854775808".split(" "),
  '"text"',
  '"%41%u00e9"',
  '"%zz"',
  '{"long"}',
  '{X"long"X}',
  '"',
  "/*",
  "*/",
  "//",
  "#",
  "{X",
  "\n",
  "req.http.A",
  "req.http.A:b",
  "re.group.1",
  "beresp.ttl",
];

describe("lexer, parser and checker", () => {
  it("answer any bytes with findings at a place", () => {
    const bytes = uint8Array({ maxLength: 400 }).map((data) => Buffer.from(data).toString("latin1"));
    const texts = oneof(
      bytes,
      string({ maxLength: 200, unit: "binary" }),
      bytes.map((text) => `sub vcl_recv {\n#FASTLY recv\n${text}\n}`),
      bytes.map((text) => `sub vcl_recv { set req.http.A = "${text}"; log {"${text}"}; }`),
    );
    assert(
      property(texts, (text) => void digest(text)),
      { numRuns: 400 },
    );
  });

  it("answer any soup of tokens", () => {
    const word = oneof(
      { weight: 6, arbitrary: constantFrom(...WORDS) },
      { weight: 1, arbitrary: constantFrom(...VARIABLE_NAMES) },
      { weight: 1, arbitrary: constantFrom(...FUNCTION_NAMES) },
    );
    const soup = tuple(array(word, { maxLength: 60 }), constantFrom(" ", "", "\n")).map(([words, glue]) =>
      words.join(glue),
    );
    const texts = oneof(
      soup,
      soup.map((text) => `sub vcl_deliver {\n#FASTLY deliver\n${text}\n}`),
      soup.map((text) => `sub vcl_fetch { if (${text}) { esi; } }`),
      soup.map((text) => `table t { ${text} } backend b { ${text} } acl a { ${text} }`),
    );
    assert(
      property(texts, (text) => void digest(text)),
      { numRuns: 600 },
    );
  });

  it("answer programs with pieces cut out, doubled, moved and overwritten", () => {
    const text = oneof(
      { weight: 1, arbitrary: constantFrom(KITCHEN_SINK) },
      { weight: 4, arbitrary: constantFrom(...EXAMPLES) },
    );
    const edit = tuple(
      constantFrom("cut", "double", "move", "insert"),
      nat(10_000),
      nat(60),
      nat(10_000),
      constantFrom(...WORDS, "\0", "\u00ff", "\r"),
    );
    const mutated = tuple(text, array(edit, { minLength: 1, maxLength: 5 })).map(([original, edits]) =>
      edits.reduce((now, [what, at, length, to, word]) => {
        const from = at % (now.length + 1);
        const piece = now.slice(from, from + length);
        const rest = now.slice(0, from) + now.slice(from + length);
        const target = to % (rest.length + 1);
        if (what === "cut") return rest;
        if (what === "double") return now.slice(0, from) + piece + now.slice(from);
        if (what === "move") return rest.slice(0, target) + piece + rest.slice(target);
        return `${now.slice(0, from)} ${word} ${now.slice(from)}`;
      }, original),
    );
    assert(
      property(mutated, (text) => void digest(text)),
      { numRuns: 400 },
    );
  });
});

/** Statements that parse, with expressions of any types. */
const grammar = letrec<{ expression: string; condition: string; statement: string; body: string }>((tie) => ({
  expression: oneof(
    { maxDepth: 4, depthIdentifier: "vcl" },
    constantFrom('"a"', "1", "-3", "1.5", "5s", "true", "false", '{"x"}', "req.url", "req.http.A", "now"),
    constantFrom(...VARIABLE_NAMES),
    tuple(tie("expression"), tie("expression")).map(([a, b]) => `${a} ${b}`),
    tuple(tie("condition"), tie("expression"), tie("expression")).map(([c, a, b]) => `if(${c}, ${a}, ${b})`),
    tuple(constantFrom(...FUNCTION_NAMES), array(tie("expression"), { maxLength: 4 })).map(
      ([name, args]) => `${name}(${args.join(", ")})`,
    ),
  ),
  condition: oneof(
    { maxDepth: 4, depthIdentifier: "vcl" },
    constantFrom("req.http.A", "!req.http.B", "true", 'req.url ~ "^/(a+)+$"', "req.restarts == 0"),
    tuple(tie("expression"), constantFrom("==", "!=", "<", ">="), tie("expression")).map((parts) =>
      parts.join(" "),
    ),
    tuple(tie("condition"), constantFrom("&&", "||"), tie("condition")).map((parts) => parts.join(" ")),
    tie("condition").map((condition) => `(${condition})`),
  ),
  statement: oneof(
    { maxDepth: 4, depthIdentifier: "vcl" },
    tie("expression").map((value) => `set req.http.A = ${value};`),
    tie("expression").map((value) => `log ${value};`),
    constantFrom("esi;", "restart;", "error;", "unset req.http.A;", "return(deliver);", "goto end;"),
    tuple(tie("condition"), tie("body"), tie("body")).map(([c, a, b]) => `if (${c}) {${a}} else {${b}}`),
    tuple(constantFrom(...VARIABLE_NAMES), tie("expression")).map(
      ([name, value]) => `set ${name} = ${value};`,
    ),
    tie("body").map(
      (body) => `switch (req.url) { case "/": ${body} break; case ~ "a": fallthrough; default: break; }`,
    ),
  ),
  body: array(tie("statement"), { maxLength: 4, depthIdentifier: "vcl" }).map((list) => list.join("\n")),
}));

describe("programs of the grammar", () => {
  it("are answered with findings, or run to an end", () => {
    const text = tuple(constantFrom(...VCL_STATES), grammar.body).map(
      ([state, body]) => `sub vcl_${state} {\n#FASTLY ${state}\n${body}\nend:\n}`,
    );
    assert(
      property(text, (vcl) => {
        const program = digest(vcl);
        if (program !== undefined) runAll(program);
      }),
      { numRuns: 500 },
    );
  });

  it("that call every function with arguments at its edges run to an end", () => {
    const values: Readonly<Record<string, readonly string[]>> = {
      STRING: [
        '""',
        '"a"',
        "req.http.Bytes",
        "req.http.Missing",
        '"-1"',
        '"%25"',
        "req.http.Long",
        '"\u00e9"',
      ],
      INTEGER: ["0", "-1", "1", "math.INTEGER_MIN", "math.INTEGER_MAX", "64"],
      FLOAT: ["0.0", "-1.5", "math.NAN", "math.POS_INFINITY", "math.FLOAT_MAX"],
      RTIME: ["0s", "-1s", "1000y"],
      TIME: ["now", "time.start"],
      BOOL: ["true", "false"],
      IP: ["client.ip", 'std.str2ip("", "::1")', "server.ip"],
      REGEX: ['"a*"', '"(a+)+$"'],
      TABLE: ["strings"],
      ACL: ["local"],
      BACKEND: ["F_a", "req.backend"],
      RATECOUNTER: ["rc"],
      PENALTYBOX: ["pb"],
    };
    const declarations = `backend F_a { .host = "a"; } acl local { "10.0.0.0"/8; } table strings { "a": "b" }
      ratecounter rc { } penaltybox pb { }`;
    const rows = listFunctions().filter(({ scopes }) => scopes === "all");
    const picks = tuple(
      constantFrom(...rows),
      array(integer({ min: 0, max: 40 }), { minLength: 12, maxLength: 12 }),
    );
    let ran = 0;
    assert(
      property(picks, ([row, choices]) => {
        const args = row.parameters
          .filter(({ optional }, i) => !optional || (choices[i] ?? 0) % 2 === 0)
          .map(({ type, id, words }, i) => {
            const list =
              words ??
              (id === undefined ? values[type] : id === "message" ? ["req"] : ["req.http.Long"]) ??
              [];
            return list[(choices[i] ?? 0) % list.length];
          });
        const call = `${row.name}(${args.join(", ")})`;
        const use =
          row.result === "VOID" ? `${call};` : row.result === "ACL" ? "" : `set req.http.R = ${call};`;
        const program = digest(`${declarations} sub vcl_recv {\n#FASTLY recv\n${use}\n}`);
        if (program === undefined) return;
        ran += 1;
        runAll(program);
      }),
      { numRuns: 1500 },
    );
    expect(ran).toBeGreaterThan(500);
  });
});

describe("large inputs", () => {
  const size = 150_000;
  it.each([
    ["braces", "{"],
    ["parentheses", "("],
    ["a condition that never ends", "if("],
    ["negations", "!"],
    ["quotes", '"'],
    ["long strings", '{x"'],
    ["comments that do not end", "/*"],
    ["hashes", "#"],
    ["numbers", "1"],
    ["a name", "a"],
    ["dots", "."],
    ["escapes", "%"],
    ["labels", "a: "],
    ["macros", "#FASTLY recv\n"],
    ["concatenations", 'log "a" "b" req.url '],
    ["else", "else "],
    ["semicolons", ";"],
  ])("of %s are answered", (_name, piece) => {
    const text = piece.repeat(Math.ceil(size / piece.length));
    digest(text);
    digest(`sub vcl_recv {\n#FASTLY recv\n${text}`);
    digest(`sub vcl_recv { set req.http.A = ${text}`);
  });
});

describe("regular expressions that backtrack without end", () => {
  it("are cut off: no match, a code in fastly.error, and a 503 for one who tries again and again", () => {
    const match = 'if (req.http.X ~ "^(a|aa)+$") { set req.http.M = "1"; }';
    const once = digest(`sub vcl_recv {\n#FASTLY recv\n${match}\nset req.http.E = fastly.error;\n}`);
    const t = transactionIn("recv");
    t.req.headers.set("X", `${"a".repeat(100)}b`);
    once?.run("recv", t);
    expect([t.req.headers.get("M"), t.req.headers.get("E")]).toEqual([null, "EREGRECUR"]);
    const often = digest(`sub vcl_recv {\n#FASTLY recv\n${match.repeat(20)}\n}`);
    expect(() => often?.run("recv", t)).toThrow(VclRuntimeError);
  });
});
