import { describe, expect, test } from "vitest";
import { makeRequest } from "../support/transaction.ts";
import { compileText, evaluate, runStatements, transactionIn } from "../support/vcl.ts";
import { errorOf } from "../support/errors.ts";

describe("control flow", () => {
  test("a state ends with the action returned, also from a called subroutine", () => {
    const declarations = "sub leave { return(pass); }";
    const { action, t } = runStatements('call leave; set req.http.After = "1";', { declarations });
    expect(action).toEqual({ do: "pass" });
    expect(t.req.headers.has("after")).toBe(false);
  });

  test("a bare return leaves only the called subroutine", () => {
    const declarations = 'sub leave { return; set req.http.Inside = "1"; }';
    const { action, t } = runStatements('call leave; set req.http.After = "1";', { declarations });
    expect(action).toEqual({ do: "lookup" });
    expect([t.req.headers.has("inside"), t.req.headers.has("after")]).toEqual([false, true]);
  });

  test.each([
    ["recv", "lookup"],
    ["hash", "hash"],
    ["hit", "deliver"],
    ["miss", "fetch"],
    ["pass", "pass"],
    ["fetch", "deliver"],
    ["error", "deliver"],
    ["deliver", "deliver"],
    ["log", "deliver"],
  ] as const)("vcl_%s without a return ends with %s", (state, action) => {
    expect(runStatements("", { state }).action).toEqual({ do: action });
  });

  test("error carries status and text, 503 and none when they are left out", () => {
    expect(runStatements('error 601 "go " req.url;').action).toEqual({
      do: "error",
      status: 601,
      reason: "go /",
    });
    expect(runStatements("error;").action).toEqual({ do: "error", status: 503, reason: null });
    expect(runStatements("restart;").action).toEqual({ do: "restart" });
  });

  test("the first condition that holds wins", () => {
    const statements =
      'if (req.http.No) { set req.http.R = "1"; } elsif (req.url == "/") { set req.http.R = "2"; } else { set req.http.R = "3"; }';
    expect(runStatements(statements).t.req.headers.get("r")).toBe("2");
  });

  test("a switch compares, matches, falls through and has a default", () => {
    const run = (url: string): string | null => {
      const t = transactionIn("recv", { req: makeRequest(url) });
      runStatements(
        `declare local var.s STRING; set var.s = "";
         switch (req.url) {
           case "/a": set var.s = "a"; break;
           case "/b": set var.s = "b"; fallthrough;
           case ~ "^/c(.)": set var.s = var.s "c" re.group.1; break;
           default: set var.s = "other"; break;
         }
         set req.http.Result = var.s;`,
        { t },
      );
      return t.req.headers.get("result");
    };
    expect(run("/a")).toBe("a");
    expect(run("/cx")).toBe("cx");
    expect(run("/zzz")).toBe("other");
    expect(run("/b")).toMatch(/^bc/);
  });

  test("goto jumps forward out of nested blocks", () => {
    const { t } = runStatements(`
      set req.http.R = "start";
      if (req.url == "/") { { goto done; } }
      set req.http.R = "not reached";
      done:
      set req.http.S = "end";`);
    expect([t.req.headers.get("r"), t.req.headers.get("s")]).toEqual(["start", "end"]);
  });

  test("a subroutine with parameters and a type gives a value", () => {
    const declarations = 'sub join(STRING var.a, STRING var.b) STRING { return var.a + "-" + var.b; }';
    expect(evaluate('join("x", req.url)', { declarations })).toBe("x-/");
  });

  test("a subroutine with a type that ends without return gives the type's zero, not an earlier value", () => {
    const declarations = `
      sub text(BOOL var.b) STRING { if (var.b) { return "x"; } }
      sub number(BOOL var.b) INTEGER { if (var.b) { return 5; } }`;
    expect(evaluate('text(true) if(text(false), "set", "unset")', { declarations })).toBe("xunset");
    expect(evaluate("number(true) number(false)", { declarations })).toBe("50");
  });

  test.each([
    ["error 601;", { do: "error", status: 601, reason: null }],
    ["restart;", { do: "restart" }],
  ])("%s in a subroutine with a type ends the state before its value is used", (statement, action) => {
    const declarations = `sub f(STRING var.a) STRING { if (var.a == "x") { ${statement} } return "v"; }
      sub outer { set req.http.A = f("y"); set req.http.B = "b" f("x"); set req.http.C = "c"; }`;
    const run = runStatements("call outer;", { declarations });
    expect(run.action).toEqual(action);
    expect(["a", "b", "c"].map((name) => run.t.req.headers.get(name))).toEqual(["v", null, null]);
  });

  test("each call has locals of its own", () => {
    const declarations = 'sub inner { declare local var.s STRING; set var.s = "inner"; }';
    expect(
      evaluate("var.s", {
        declarations,
        before: 'declare local var.s STRING; set var.s = "outer"; call inner;',
      }),
    ).toBe("outer");
  });

  test("a block variable ends with its braces", () => {
    const error = errorOf(() => evaluate("var.b", { before: "{ declare block var.b STRING; }" }));
    expect(String(error)).toContain("compile/unknown-name");
  });

  test("a state without a subroutine does what the boilerplate would", () => {
    const program = compileText("");
    expect(program.run("recv", transactionIn("recv"))).toEqual({ do: "lookup" });
    const post = { ...makeRequest(), method: "POST" };
    expect(program.run("recv", transactionIn("recv", { req: post }))).toEqual({ do: "pass" });
    const t = transactionIn("hash");
    program.run("hash", t);
    expect(t.hash).toBe("/#www.example.com#1#");
  });
});

test("synthetic and synthetic.base64 make the body", () => {
  expect(runStatements('synthetic {"<p>"} obj.status {"</p>"};', { state: "error" }).t.synthetic).toEqual({
    content: "<p>200</p>",
  });
  expect(runStatements('synthetic.base64 "aGk=";', { state: "error" }).t.synthetic).toEqual({
    content: "hi",
  });
});
