import { assert, nat, oneof, property, string, tuple, uint8Array } from "fast-check";
import { describe, expect, it } from "vitest";

import { assertNever } from "../../src/lib/errors.ts";
import type { Expression, Statement } from "../../src/vcl/ast.ts";
import { positionOf, VclError } from "../../src/vcl/diagnostics.ts";
import type { Diagnostic } from "../../src/vcl/diagnostics.ts";
import { RULES } from "../../src/vcl/rules.ts";
import { parseVcl } from "../../src/vcl/service.ts";
import { KITCHEN_SINK } from "./kitchen-sink.ts";

/** `rule line:column` of every error, none when the text parses. */
function errorsOf(text: string): readonly string[] {
  try {
    parseVcl({ name: "main.vcl", text });
    return [];
  } catch (error) {
    if (!(error instanceof VclError)) throw error;
    return error.diagnostics.map(({ rule, span }) => {
      const { line, column } = positionOf(span.source, span.start);
      return `${rule} ${line}:${column}`;
    });
  }
}

function statements(body: string): readonly Statement[] {
  const [sub] = parseVcl({ name: "main.vcl", text: `sub s { ${body} }` }).declarations;
  if (sub?.kind !== "sub") throw new Error("no subroutine");
  return sub.body;
}

/** The tree of an expression as a Lisp would write it. */
function lisp(node: Expression): string {
  switch (node.kind) {
    case "identifier":
      return node.name;
    case "string":
      return JSON.stringify(node.value);
    case "integer":
    case "bool":
      return String(node.value);
    case "float":
      return `${node.value}f`;
    case "rtime":
      return `${node.value}s`;
    case "percent":
      return `${node.value}%`;
    case "concat":
      return `(cat ${node.parts.map(lisp).join(" ")})`;
    case "group":
      return `[${lisp(node.inner)}]`;
    case "call":
      return `(${[node.name.name, ...node.args.map(lisp)].join(" ")})`;
    case "if-expression":
      return `(if ${[node.condition, node.then, node.otherwise].map(lisp).join(" ")})`;
    case "unary":
      return `(${node.operator} ${lisp(node.operand)})`;
    case "binary":
      return `(${node.operator} ${lisp(node.left)} ${lisp(node.right)})`;
    default:
      return assertNever(node);
  }
}

function expression(text: string): string {
  const [set] = statements(`set x = ${text};`);
  return set?.kind === "set" ? lisp(set.value) : "";
}

describe("expressions", () => {
  it.each([
    ["a || b && c", "(|| a (&& b c))"],
    ["(a || b) && c", "(&& [(|| a b)] c)"],
    ["a && b && c", "(&& (&& a b) c)"],
    ['!a ~ "b" || c', '(|| (! (~ a "b")) c)'],
    ["!!a", "(! (! a))"],
    ["a == b c", "(== a (cat b c))"],
    ['"a" b + "c"', '(cat "a" b "c")'],
    ['"a" if(b, c, d) f(e)', '(cat "a" (if b c d) (f e))'],
    ['"x" + (now + 5m)', '(cat "x" [(+ now 300s)])'],
    ['"x" now + 5m ";"', '(cat "x" (+ now 300s) ";")'],
    ["now - 1 d - 1s", "(- (- now 86400s) 1s)"],
    ["now + var.r", "(cat now var.r)"],
    ["f()", "(f)"],
    ["f (a, b == c)", "(f a (== b c))"],
    ["req.http.Cookie:a-b", "req.http.Cookie:a-b"],
    ["-5", "-5"],
    ["0x7fffffffffffffff", "9223372036854775807"],
    ["-0x8000000000000000", "-9223372036854775808"],
    ["0755", "755"],
    ["1.5", "1.5f"],
    ["1e-3", "0.001f"],
    ["0x1.8p3", "12f"],
    ["0xA.8", "10.5f"],
    ["100ms", "0.1s"],
    ["1.5 h", "5400s"],
    ["-2w", "-1209600s"],
    ["1000y", "9223372036.854776s"],
    ["50%", "50%"],
    ["true", "true"],
    ["LF", String.raw`"\n"`],
    ['"%u{1F600}%c3%a9%u00e9"', JSON.stringify(Buffer.from("\u{1F600}éé").toString("latin1"))],
    ['"a%00b"', '"a"'],
    [String.raw`"\1\n%5c"`, String.raw`"\\1\\n\\"`],
    ['{"a "b" %41"}', String.raw`"a \"b\" %41"`],
    ['{X"a"} {"X}', String.raw`"a\"} {"`],
  ])("reads %s as %s", (text, tree) => {
    expect(expression(text)).toBe(tree);
  });

  it("gives every node the exact text it came from", () => {
    const text = 'set x = "a" now + 5 m;';
    const [set] = statements(text);
    if (set?.kind !== "set" || set.value.kind !== "concat") throw new Error("not a concatenation");
    const shown = [set, set.value, ...set.value.parts].map(({ span }) =>
      span.source.text.slice(span.start, span.end),
    );
    expect(shown).toEqual([text, '"a" now + 5 m', '"a"', "now + 5 m"]);
  });
});

describe("statements", () => {
  it("reads the three ways to write else if alike", () => {
    const [node] = statements("if (a) {} else if (b) {} elsif (c) {} elseif (d) {} else { esi; }");
    if (node?.kind !== "if") throw new Error("no if");
    expect(node.branches.map(({ condition }) => lisp(condition))).toEqual(["a", "b", "c", "d"]);
    expect(node.otherwise?.map(({ kind }) => kind)).toEqual(["esi"]);
  });

  it.each([
    ["return;", undefined, undefined],
    ["return(lookup);", "lookup", "lookup"],
    ["return lookup;", "lookup", "lookup"],
    ["return (a == b);", undefined, "[(== a b)]"],
    ["return (a) && b;", undefined, "(&& [a] b)"],
    ['return "x" a;', undefined, '(cat "x" a)'],
  ])("reads %s", (text, action, value) => {
    const [node] = statements(text);
    if (node?.kind !== "return") throw new Error("no return");
    expect([node.action?.name, node.value && lisp(node.value)]).toEqual([action, value]);
  });

  it.each([
    ["error;", undefined, undefined],
    ["error 404;", "404", undefined],
    ['error 601 "x" req.url;', "601", '(cat "x" req.url)'],
    ["error var.x;", "var.x", undefined],
    ['error f(1) "a";', "(f 1)", '"a"'],
  ])("reads %s", (text, status, reason) => {
    const [node] = statements(text);
    if (node?.kind !== "error") throw new Error("no error");
    expect([node.status && lisp(node.status), node.reason && lisp(node.reason)]).toEqual([status, reason]);
  });

  it("tells labels, default: and header subfields apart", () => {
    const [label, set, choice] = statements("a: set req.http.A:b = c; switch (a) {default:esi;}");
    expect(label).toMatchObject({ kind: "label", name: { name: "a" } });
    expect(set).toMatchObject({ kind: "set", target: { name: "req.http.A:b" } });
    expect(choice).toMatchObject({ kind: "switch", cases: [{ test: undefined, end: "none" }] });
  });
});

describe("syntax errors", () => {
  it.each([
    ["sub s { set a = ; }", ["syntax/unexpected-token 1:17"]],
    ["sub s { set a == b; }", ["syntax/unexpected-token 1:15"]],
    ["sub s { set a = b }", ["syntax/unexpected-token 1:19"]],
    ["sub s {\n  set a = b\n  set c = d;\n}", ["syntax/unexpected-token 3:3"]],
    ["sub s { ; }", ["syntax/unexpected-token 1:9"]],
    ["sub s { foo; }", ["syntax/unexpected-token 1:9"]],
    ["sub s { set a = -b; }", ["syntax/unexpected-token 1:17"]],
    ["sub s { if (a) esi; }", ["syntax/unexpected-token 1:16"]],
    ["sub s { set a = b == c == d; }", ["syntax/unexpected-token 1:24"]],
    ["sub s { if (a) { esi; ", ["syntax/unterminated 1:16"]],
    ["sub s { /* x }", ["syntax/unterminated 1:9", "syntax/unterminated 1:7"]],
    ['sub s { log "a\n; }', ["syntax/unterminated 1:13"]],
    ['sub s { log {"a; }', ["syntax/unterminated 1:13", "syntax/unexpected-token 1:19"]],
    ['sub s { log "100%"; }', ["syntax/invalid-escape 1:17"]],
    ['sub s { log "%u12"; }', ["syntax/invalid-escape 1:14"]],
    ['sub s { log "%ud800"; }', ["syntax/invalid-escape 1:14"]],
    ['sub s { log "%u{110000}"; }', ["syntax/invalid-escape 1:14"]],
    ['sub s { log "%80"; }', ["syntax/invalid-utf8 1:13"]],
    ['sub s { log {"\u0080"}; }', ["syntax/invalid-utf8 1:13"]],
    ['sub s { log "\0"; }', ["syntax/invalid-character 1:14"]],
    ["sub s { set a = @; }", ["syntax/invalid-character 1:17", "syntax/unexpected-token 1:18"]],
    ["sub s { set a = 9223372036854775808; }", ["syntax/invalid-number 1:17"]],
    ["sub s { set a = 1e999; }", ["syntax/invalid-number 1:17"]],
    ["sub s { set a = 1E3; }", ["syntax/invalid-number 1:17"]],
    ["sub s { set a = 0x1fs; }", ["syntax/invalid-number 1:17"]],
    ["sub s { set a = 5x; }", ["syntax/invalid-number 1:17"]],
    ["sub s { break; }", ["syntax/misplaced-break 1:9"]],
    ['sub s { switch (a) { case "x": if (a) { break; } break; } }', ["syntax/misplaced-break 1:41"]],
    ["sub s { switch (a) { case 1: break; } }", ["syntax/unexpected-token 1:27"]],
    ["sub s { declare local var.a NUMBER; }", ["syntax/unknown-type 1:29"]],
    ["sub s { declare global var.a STRING; }", ["syntax/unexpected-token 1:17"]],
    ["table t NUMBER {}", ["syntax/unknown-type 1:9"]],
    ['table t { "a": "b" "c": "d" }', ["syntax/unexpected-token 1:20"]],
    ['table t { "a": }', ["syntax/unexpected-token 1:16"]],
    ["acl a { 10.0.0.1; }", ["syntax/unexpected-token 1:9"]],
    ['acl a { "10.0.0.1"/x; }', ["syntax/unexpected-token 1:20"]],
    ["penaltybox p { a }", ["syntax/unexpected-token 1:16"]],
    ['backend b { .host = "a" }', ["syntax/unexpected-token 1:25"]],
    ["backend b { host }", ["syntax/unexpected-token 1:13"]],
    ["sub s(var.a) {}", ["syntax/unknown-type 1:7"]],
    ["nonsense", ["syntax/unexpected-token 1:1"]],
    ["pragma;", ["syntax/unexpected-token 1:7"]],
  ])("points at the mistake in %j", (text, errors) => {
    expect(errorsOf(text)).toEqual(errors);
  });

  it("goes on behind each broken statement and declaration", () => {
    const text = `acl { }
sub a { set = 1; if (x { set b = ; } set c = ; esi; }
table t { "a" }
sub b { call; }`;
    expect(errorsOf(text)).toEqual([
      "syntax/unexpected-token 1:5",
      "syntax/unexpected-token 2:13",
      "syntax/unexpected-token 2:24",
      "syntax/unexpected-token 2:46",
      "syntax/unexpected-token 3:15",
      "syntax/unexpected-token 4:13",
    ]);
  });

  it("stops after 50 errors", () => {
    expect(errorsOf(`sub s { ${"set; ".repeat(1000)} }`)).toHaveLength(50);
  });
});

/** A known rule, a message, and a place inside the text. */
function isWellFormed({ rule, span, severity, message }: Diagnostic, text: string): boolean {
  const isInside = span.start >= 0 && span.start <= span.end && span.end <= text.length;
  return rule in RULES && severity === "error" && message !== "" && isInside;
}

describe("hostile input", () => {
  it.each([
    ["blocks", `sub s { ${"{".repeat(50_000)}`, "limit/nesting"],
    ["ifs", `sub s { ${"if (a) {".repeat(20_000)}`, "limit/nesting"],
    ["switches", `sub s { ${"switch (a) { default: ".repeat(20_000)}`, "limit/nesting"],
    ["parentheses", `sub s { set a = ${"(".repeat(50_000)}`, "limit/nesting"],
    ["negations", `sub s { set a = ${"!".repeat(50_000)}b; }`, "limit/nesting"],
    ["calls", `sub s { set a = ${"f(".repeat(50_000)}`, "limit/nesting"],
    ["groups in error", `sub s { error ${"(".repeat(50_000)}`, "limit/nesting"],
    ["groups in tables", `table t { "a": ${"(".repeat(50_000)}`, "limit/nesting"],
    ["properties", `backend b ${"{ .a = ".repeat(50_000)}`, "limit/nesting"],
    ["operators", `sub s { if (a${" && a".repeat(50_000)}) {} }`, "limit/operators"],
    ["time arithmetic", `sub s { log now${" + 1s".repeat(50_000)}; }`, "limit/operators"],
  ])("refuses too many %s", (_what, text, rule) => {
    expect(errorsOf(text).map((error) => error.split(" ")[0])).toContain(rule);
  });

  it("reads long chains that are not deep", () => {
    expect(errorsOf(`sub s { log a${' "b" c'.repeat(50_000)}; }`)).toEqual([]);
    expect(errorsOf(`sub s { if (a) {} ${"else if (a) {} ".repeat(20_000)} }`)).toEqual([]);
  });

  it("answers any bytes with a tree or with errors that have a rule and a place", () => {
    const pieces = KITCHEN_SINK.split(/(\s+|[{}();"])/);
    const mutated = tuple(
      nat(pieces.length),
      nat(pieces.length),
      string({ unit: "binary-ascii", maxLength: 5 }),
    ).map(([from, to, insert]) => pieces.slice(0, from).join("") + insert + pieces.slice(to).join(""));
    const bytes = uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array).toString("latin1"));
    const inSub = bytes.map((text) => `sub s { ${text}`);
    assert(
      property(oneof(mutated, bytes, inSub), (text) => {
        try {
          parseVcl({ name: "main.vcl", text });
        } catch (error) {
          if (!(error instanceof VclError)) throw error;
          expect(error.diagnostics.length).toBeGreaterThan(0);
          expect(error.diagnostics.filter((diagnostic) => !isWellFormed(diagnostic, text))).toEqual([]);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
