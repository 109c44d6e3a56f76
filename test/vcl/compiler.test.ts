import type { Span } from "../../src/vcl/source.ts";
import { describe, expect, test } from "vitest";
import { VclError, VclRuntimeError } from "../../src/vcl/diagnostics.ts";
import { initialWorkspace, WORKSPACE_BYTES } from "../../src/vcl/workspace.ts";
import { FakeHost, makeRequest } from "../support/transaction.ts";
import { compileText, evaluate, runStatements, transactionIn } from "../support/vcl.ts";

function errorOf(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

describe("what is not set", () => {
  test("a header that is set from an unset one goes away", () => {
    const { t } = runStatements('set req.http.X = "old"; set req.http.X = req.http.Missing;');
    expect(t.req.headers.has("x")).toBe(false);
  });

  test("prints (null) inside a header's concatenation and nothing in a local", () => {
    expect(evaluate('"a" req.http.Missing "b"')).toBe("a(null)b");
    expect(
      evaluate("var.s", { before: 'declare local var.s STRING; set var.s = "a" req.http.Missing;' }),
    ).toBe("a");
  });

  test("a local that is set from it is empty, not unset", () => {
    const before = "declare local var.s STRING; set var.s = req.http.Missing;";
    expect(evaluate('if(var.s, "set", "unset")', { before })).toBe("set");
    expect(evaluate('if(var.s, "set", "unset")', { before: "declare local var.s STRING;" })).toBe("unset");
  });

  test("only what is not set is false: an empty header is true", () => {
    const before = 'set req.http.Empty = "";';
    expect(evaluate('if(req.http.Empty, "yes", "no")', { before })).toBe("yes");
    expect(evaluate('if(req.http.Missing, "yes", "no")')).toBe("no");
    expect(evaluate('if(!req.http.Missing, "yes", "no")')).toBe("yes");
  });

  test("is equal to nothing but itself, and matches as the empty string", () => {
    expect(evaluate('if(req.http.Missing == "", "yes", "no")')).toBe("no");
    expect(evaluate('if(req.http.Missing != "x", "yes", "no")')).toBe("yes");
    expect(evaluate('if(req.http.Missing ~ "^$", "yes", "no")')).toBe("yes");
  });

  test("logs as (null)", () => {
    const host = new FakeHost();
    runStatements('log req.http.Missing; log "a " req.http.Missing;', { t: transactionIn("recv", { host }) });
    expect(host.lines).toEqual(["(null)", "a (null)"]);
  });
});

describe("assignments", () => {
  const integer = (before: string): string | null =>
    evaluate("var.i", { before: `declare local var.i INTEGER; ${before}` });

  test("integer arithmetic is 64 bits wide and wraps", () => {
    expect(integer("set var.i = 9223372036854775807; set var.i += 1;")).toBe("-9223372036854775808");
    expect(integer("set var.i = 7; set var.i -= 10; set var.i *= 3; set var.i /= 2; set var.i %= 3;")).toBe(
      "-1",
    );
  });

  test("bits shift and rotate in 64 bits", () => {
    expect(integer("set var.i = 1; set var.i <<= 63;")).toBe("-9223372036854775808");
    expect(integer("set var.i = 1; set var.i ror= 1;")).toBe("-9223372036854775808");
    expect(integer("set var.i = 3; set var.i rol= 63;")).toBe("-9223372036854775807");
    expect(integer("set var.i = 12; set var.i &= 10; set var.i |= 1; set var.i ^= 3;")).toBe("10");
  });

  test("dividing by zero changes nothing and sets fastly.error to EDOM", () => {
    const before = "declare local var.i INTEGER; set var.i = 5; set var.i /= 0;";
    expect(evaluate('var.i " " fastly.error', { before })).toBe("5 EDOM");
    const float = "declare local var.f FLOAT; set var.f = 1.5; set var.f %= 0.0;";
    expect(evaluate('var.f " " fastly.error', { before: float })).toBe("1.500 EDOM");
  });

  test("an integer times a float is cut, a duration times a float keeps its fraction", () => {
    expect(integer("set var.i = 3; set var.i *= 1.5;")).toBe("4");
    const before = "declare local var.r RTIME; set var.r = 1s; set var.r *= 1.5;";
    expect(evaluate("var.r", { before })).toBe("1.500");
  });

  test("a time moves by durations", () => {
    const before =
      "declare local var.t TIME; set var.t = std.integer2time(0); set var.t += 90s; set var.t -= 1m;";
    expect(evaluate("var.t", { before })).toBe("Thu, 01 Jan 1970 00:00:30 GMT");
    const past = "declare local var.t TIME; set var.t = std.integer2time(0); set var.t -= 1s;";
    expect(evaluate("var.t", { before: past })).toBe("datetime out of bounds");
  });

  test("a header's text is read as seconds where a duration is wanted", () => {
    const { t } = runStatements(
      'set beresp.http.Cache-Control = "public, max-age=30"; set beresp.ttl = beresp.http.Cache-Control:max-age;',
      { state: "fetch" },
    );
    expect(t.beresp?.ttl).toBe(30);
  });

  test("booleans combine", () => {
    const before =
      "declare local var.b BOOL; set var.b = true; set var.b &&= false; set var.b ||= req.http.Host;";
    expect(evaluate("var.b", { before })).toBe("1");
  });

  test("parts of the hash do not run into each other", () => {
    const one = runStatements('set req.hash += "/a"; set req.hash += "b.example";', { state: "hash" }).t.hash;
    const other = runStatements('set req.hash += "/ab"; set req.hash += ".example";', { state: "hash" }).t
      .hash;
    expect(one).not.toBe(other);
  });
});

describe("headers", () => {
  test("a subfield is set, read and unset", () => {
    const { t } = runStatements(`
      set req.http.Cookie = "a=1; b=2";
      set req.http.Cookie:b = "3";
      set req.http.Seen = req.http.Cookie:B;
      unset req.http.Cookie:a;`);
    expect(t.req.headers.get("cookie")).toBe("b=3");
    expect(t.req.headers.get("seen")).toBe("3");
  });

  test("add appends a line and set leaves one", () => {
    const statements = 'add resp.http.Set-Cookie = "a=1"; add resp.http.Set-Cookie = "b=2";';
    const { t } = runStatements(statements, { state: "deliver" });
    expect(t.resp?.headers.getAll("set-cookie")).toEqual(["a=1", "b=2"]);
    const again = runStatements(`${statements} set resp.http.Set-Cookie = "c=3";`, { state: "deliver" });
    expect(again.t.resp?.headers.getAll("set-cookie")).toEqual(["c=3"]);
  });

  test("unset with a star takes every header with the prefix", () => {
    const { t } = runStatements(
      'set req.http.X-A = "1"; set req.http.X-B = "2"; set req.http.Y = "3"; unset req.http.X-*;',
    );
    expect([t.req.headers.has("x-a"), t.req.headers.has("x-b"), t.req.headers.has("y")]).toEqual([
      false,
      false,
      true,
    ]);
  });

  test("a line break in a value cannot start a second header", () => {
    const { t } = runStatements('set resp.http.Location = "/a%0d%0aSet-Cookie: evil=1";', {
      state: "deliver",
    });
    expect(t.resp?.headers.get("location")).toBe("/a");
  });
});

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

describe("declarations", () => {
  test("a backend gets Fastly's defaults", () => {
    const program = compileText('backend F_a { .host = "a.example"; }');
    expect(program.defaultBackend).toMatchObject({
      kind: "backend",
      spec: {
        host: "a.example",
        port: 80,
        ssl: false,
        sslCheckCert: true,
        connectTimeout: 1,
        firstByteTimeout: 15,
      },
    });
    expect(program.defaultBackend?.spec).toMatchObject({
      betweenBytesTimeout: 10,
      maxConnections: 200,
      probe: null,
    });
  });

  test("a backend's properties and its probe are read", () => {
    const program = compileText(`backend F_a {
      .host = "a.example"; .port = "443"; .ssl = true; .ssl_check_cert = never; .ssl_sni_hostname = "sni";
      .connect_timeout = 500ms; .always_use_host_header = true; .host_header = "b.example"; .share_key = "k";
      .probe = { .request = "HEAD / HTTP/1.1" "Host: a.example"; .interval = 10s; .threshold = 2; .window = 4; .initial = 2; }
    }`);
    expect(program.defaultBackend?.spec).toMatchObject({
      port: 443,
      ssl: true,
      sslCheckCert: false,
      sslSniHostname: "sni",
      connectTimeout: 0.5,
      alwaysUseHostHeader: true,
      hostHeader: "b.example",
      shareKey: "k",
      probe: {
        request: "HEAD / HTTP/1.1\r\nHost: a.example",
        interval: 10,
        threshold: 2,
        window: 4,
        initial: 2,
      },
    });
  });

  test("directors, the shield among them, are values like backends", () => {
    const declarations = `
      backend F_a { .host = "a"; }
      director d random { .quorum = 50%; { .backend = F_a; .weight = 2; } }
      director ssl_shield_x shield { .shield = "iad-va-us"; .is_ssl = true; }`;
    const program = compileText(`${declarations}
      sub vcl_recv { set req.backend = fastly.try_select_shield(ssl_shield_x, d); }`);
    expect(program.directors.get("d")?.spec).toMatchObject({
      quorumPercent: 50,
      members: [{ backend: "F_a", weight: 2, id: null }],
    });
    const host = new FakeHost();
    const t = transactionIn("recv", { host });
    program.run("recv", t);
    expect(t.backend).toBe(program.directors.get("ssl_shield_x"));
    host.visited.add("ssl_shield_x");
    program.run("recv", t);
    expect(t.backend).toBe(program.directors.get("d"));
  });

  test("backends compare by identity", () => {
    const declarations = 'backend F_a { .host = "a"; } backend F_b { .host = "a"; }';
    const before = "set req.backend = F_b;";
    expect(evaluate('if(req.backend == F_b, "b", "other")', { declarations, before })).toBe("b");
    expect(evaluate('if(req.backend == F_a, "a", "other")', { declarations, before })).toBe("other");
    expect(evaluate("req.backend", { declarations, before })).toBe("F_b");
  });

  test("a live dictionary replaces the declared table and is read anew each time", () => {
    const items = new Map([["k", "one"]]);
    const live = { get: (key: string) => items.get(key), has: (key: string) => items.has(key) };
    const program = compileText(
      'table d { "k": "old" } sub vcl_recv { set req.http.R = table.lookup(d, "k", "none"); }',
      {
        tables: new Map([["d", live]]),
      },
    );
    const t = transactionIn("recv");
    program.run("recv", t);
    expect(t.req.headers.get("r")).toBe("one");
    items.delete("k");
    program.run("recv", t);
    expect(t.req.headers.get("r")).toBe("none");
  });

  test("tables hold values of their type", () => {
    const declarations = `
      backend F_a { .host = "a"; } backend F_b { .host = "b"; }
      acl local { "192.0.2.0"/24; }
      table numbers INTEGER { "one": 1 } table flags BOOL { "on": true } table times RTIME { "t": 90s }
      table backends BACKEND { "b": F_b } table acls ACL { "l": local } table texts { "a": "x" }`;
    expect(
      evaluate('table.lookup_integer(numbers, "one", 9) table.lookup_integer(numbers, "two", 9)', {
        declarations,
      }),
    ).toBe("19");
    expect(evaluate('table.lookup_bool(flags, "on", false)', { declarations })).toBe("1");
    expect(evaluate('table.lookup_rtime(times, "t", 1s)', { declarations })).toBe("90.000");
    expect(evaluate('table.lookup_backend(backends, "b", F_a)', { declarations })).toBe("F_b");
    expect(
      evaluate('if("192.0.2.1" ~ table.lookup_acl(acls, "l", local), "in", "out")', { declarations }),
    ).toBe("in");
    expect(evaluate('if(table.lookup(texts, "b"), "set", "unset")', { declarations })).toBe("unset");
    expect(evaluate('if(table.contains(texts, "a"), "yes", "no")', { declarations })).toBe("yes");
  });

  test("client.ip is tested against an ACL", () => {
    const declarations = 'acl office { "198.51.100.0"/24; ! "198.51.100.9"; }';
    expect(evaluate('if(client.ip ~ office, "in", "out")', { declarations })).toBe("in");
    expect(evaluate('if(client.ip !~ office, "out", "in")', { declarations })).toBe("in");
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

test("synthetic and synthetic.base64 make the body", () => {
  expect(runStatements('synthetic {"<p>"} obj.status {"</p>"};', { state: "error" }).t.synthetic).toEqual({
    content: "<p>200</p>",
  });
  expect(runStatements('synthetic.base64 "aGk=";', { state: "error" }).t.synthetic).toEqual({
    content: "hi",
  });
});
