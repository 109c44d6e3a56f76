import type { Span } from "../../src/vcl/source.ts";
import { describe, expect, test } from "vitest";
import { VclError, VclRuntimeError } from "../../src/vcl/diagnostics.ts";
import { initialWorkspace, WORKSPACE_BYTES } from "../../src/vcl/workspace.ts";
import { errorOf } from "../support/errors.ts";
import { FakeHost, makeRequest } from "../support/transaction.ts";
import { compileText, evaluate, runStatements, transactionIn } from "../support/vcl.ts";

describe("regular expressions", () => {
  test("captures of the last match are seen by subroutines called later, and a failed match leaves them", () => {
    const declarations = "sub note { set req.http.Result = re.group.1; }";
    const { t } = runStatements('if (req.url ~ "^(/)") { if (req.url ~ "(nothing)") { } call note; }', {
      declarations,
    });
    expect(t.req.headers.get("result")).toBe("/");
  });

  test("regsub leaves the captures alone", () => {
    const before = 'if ("abc" ~ "(b)") { set req.http.R = regsub("xyz", "(y)", "-"); }';
    expect(evaluate("req.http.R re.group.1", { before })).toBe("x-zb");
  });

  test("a group that took no part is not set, and captures do not outlive the state", () => {
    expect(evaluate('if(re.group.1, "set", "unset")', { before: 'if ("b" ~ "(a)?b") { }' })).toBe("unset");
    const program = compileText(
      'sub vcl_recv { if ("x" ~ "(x)") { } } sub vcl_deliver { set req.http.R = if(re.group.1, "set", "unset"); }',
    );
    const t = transactionIn("deliver");
    program.run("recv", t);
    program.run("deliver", t);
    expect(t.req.headers.get("r")).toBe("unset");
  });

  test("a match that goes on too long is no match and sets fastly.error", () => {
    const before = `set req.http.A = "${"a".repeat(40)}"; if (req.http.A ~ "^(a+)+$x") { set req.http.A = "matched"; }`;
    expect(evaluate("fastly.error", { before })).toBe("EREGRECUR");
  });

  test("many such matches use up the budget of the subroutine", () => {
    const attack = 'if (req.http.A ~ "^(a+)+$x") { }\n'.repeat(30);
    const error = errorOf(() => runStatements(`set req.http.A = "${"a".repeat(40)}"; ${attack}`));
    expect(error).toBeInstanceOf(VclRuntimeError);
    expect(error).toMatchObject({ rule: "limit/regex-steps" });
  });

  test("a malformed pattern is an error with its place", () => {
    const error = errorOf(() => compileText('sub vcl_recv { if (req.url ~ "(") { } }'));
    expect(error).toBeInstanceOf(VclError);
    expect(String(error)).toContain("main.vcl:1:30: error[regex/invalid]");
  });
});

describe("budgets", () => {
  test("too many statements end the request", () => {
    const program = compileText('sub vcl_recv { set req.http.A = "1"; set req.http.B = "2"; }', {
      limits: { statements: 1 },
    });
    expect(errorOf(() => program.run("recv", transactionIn("recv")))).toMatchObject({
      rule: "limit/statements",
    });
  });

  test("a backward goto cannot run forever", () => {
    const program = compileText('sub vcl_recv { again: set req.http.A = "1"; goto again; }', {
      limits: { statements: 1000 },
    });
    expect(errorOf(() => program.run("recv", transactionIn("recv")))).toMatchObject({
      rule: "limit/statements",
    });
  });

  test("calls and their depth are limited", () => {
    const program = compileText("sub a { call a; } sub vcl_recv { call a; }");
    expect(errorOf(() => program.run("recv", transactionIn("recv")))).toMatchObject({ rule: "limit/depth" });
    const wide = compileText("sub a { } sub vcl_recv { call a; call a; call a; }", { limits: { calls: 2 } });
    expect(errorOf(() => wide.run("recv", transactionIn("recv")))).toMatchObject({ rule: "limit/calls" });
  });

  test("the workspace is charged for headers and never given back", () => {
    const t = transactionIn("recv", { workspaceUsed: initialWorkspace(makeRequest().headers) });
    const before = t.workspaceUsed;
    runStatements('set req.http.ABC = "12345"; unset req.http.ABC;', { t });
    expect(t.workspaceUsed - before).toBe(3 + 5 + 3);
  });

  test("an overflow of the workspace ends the request", () => {
    const t = transactionIn("recv", { workspaceUsed: WORKSPACE_BYTES - 10 });
    expect(errorOf(() => runStatements('set req.http.ABC = "12345";', { t }))).toMatchObject({
      rule: "workspace/overflow",
    });
    const doubling = "set req.http.A = req.http.A req.http.A;".repeat(40);
    const error = errorOf(() => runStatements(`set req.http.A = "0123456789"; ${doubling}`));
    expect(error).toMatchObject({ rule: "workspace/overflow" });
  });

  test("a trace sees every statement, and how every condition turned out", () => {
    const seen: [string, boolean | undefined][] = [];
    const host = Object.assign(new FakeHost(), {
      onStatement: (span: Span, held?: boolean) => {
        seen.push([span.source.text.slice(span.start, span.start + 3), held]);
      },
    });
    const text = 'set req.http.A = "1"; if (!req.url) { log "y"; } elsif (req.url) { log "x"; }';
    runStatements(text, { t: transactionIn("recv", { host }) });
    expect(seen).toEqual([
      ["set", undefined],
      ["if ", undefined],
      ["!re", false],
      ["req", true],
      ["log", undefined],
    ]);
  });
});

describe("what is not executed", () => {
  test("a return that does not exist is an error with a caret", () => {
    const error = errorOf(() => compileText("sub vcl_recv {\n  return(none);\n}"));
    expect(String(error)).toContain(
      [
        "main.vcl:2:3: error[compile/unknown-name]: there is no return(none)",
        "  |",
        "2 |   return(none);",
        "  |   ^^^^^^^^^^^^^",
      ].join("\n"),
    );
  });

  test("a collection has no value of its own", () => {
    const error = errorOf(() => compileText("sub vcl_recv { set req.http.R = req.headers; }"));
    expect(String(error)).toContain('"req.headers" exists on Fastly');
  });

  test("every problem is reported, not just the first", () => {
    const error = errorOf(() => compileText('sub vcl_recv { call a; call b; set req.xid = "1"; }'));
    expect(error).toMatchObject({
      diagnostics: [
        { rule: "compile/unknown-name" },
        { rule: "compile/unknown-name" },
        { rule: "compile/read-only" },
      ],
    });
  });
});
