import { describe, expect, test } from "vitest";
import { FakeHost } from "../support/transaction.ts";
import { evaluate, runStatements, transactionIn } from "../support/vcl.ts";

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
