import { describe, expect, test } from "vitest";
import { makeResponse } from "../../support/transaction.ts";
import { runStatements, transactionIn } from "../../support/vcl.ts";

function inDeliver(statements: string, headers: readonly (readonly [string, string])[]) {
  const t = transactionIn("deliver", { resp: makeResponse(200, headers) });
  runStatements(statements, { state: "deliver", t });
  if (t.resp === null) throw new Error("resp is gone");
  return { headers: t.resp.headers, t };
}

describe("header.*", () => {
  test("gets, sets and unsets by a computed name", () => {
    const { headers } = inDeliver(
      'header.set(resp, "X-" req.method, header.get(resp, "a") "!"); header.unset(resp, "A");',
      [["A", "1"]],
    );
    expect([...headers]).toEqual([["X-GET", "1!"]]);
  });

  test("a value that is not set is written as (null)", () => {
    expect(inDeliver('header.set(resp, "X", req.http.Missing);', []).headers.get("x")).toBe("(null)");
  });

  test("filter drops the listed and filter_except keeps them", () => {
    const lines = [
      ["A", "1"],
      ["B", "2"],
      ["C", "3"],
    ] as const;
    expect(inDeliver('header.filter(resp, "a", "c");', lines).headers.toFlat()).toEqual(["B", "2"]);
    expect(inDeliver('header.filter_except(resp, "a", "c");', lines).headers.toFlat()).toEqual([
      "A",
      "1",
      "C",
      "3",
    ]);
  });

  test.each(["Bad Name", "A:B", "", "X%0d%0aY", "Content-Length", "Fastly-FF", "transfer-encoding"])(
    "the name %j cannot be written",
    (name) => {
      const { headers, t } = inDeliver(`header.set(resp, "${name}", "x");`, []);
      expect(headers.size).toBe(0);
      expect(t.vclError).toBe("EINVAL");
    },
  );
});

describe("std.collect and std.count", () => {
  const lines = [
    ["Vary", "A"],
    ["X", "1"],
    ["vary", "B"],
  ] as const;

  test("joins the lines with the separator and a blank", () => {
    expect(inDeliver("std.collect(resp.http.Vary);", lines).headers.getAll("vary")).toEqual(["A, B"]);
    expect(inDeliver('std.collect(resp.http.Vary, "|");', lines).headers.getAll("vary")).toEqual(["A| B"]);
  });

  test("counts the lines of a message or of one header", () => {
    const { t } = inDeliver(
      "set req.http.All = std.count(resp.headers); set req.http.Some = std.count(resp.http.Vary);",
      lines,
    );
    expect([t.req.headers.get("all"), t.req.headers.get("some")]).toEqual(["3", "2"]);
  });
});

describe("setcookie.*", () => {
  const cookies = [
    ["Set-Cookie", "one=a; httponly"],
    ["Set-Cookie", "two=b or not to b; secure"],
    ["Set-Cookie", "one=c"],
  ] as const;

  test("reads the last cookie of a name", () => {
    const { t } = inDeliver(
      'set req.http.One = setcookie.get_value_by_name(resp, "one"); set req.http.Two = setcookie.get_value_by_name(resp, "two");',
      cookies,
    );
    expect([t.req.headers.get("one"), t.req.headers.get("two")]).toEqual(["c", "b or not to b"]);
  });

  test("deletes every cookie of a name", () => {
    const { headers, t } = inDeliver(
      'if (setcookie.delete_by_name(resp, "one")) { set req.http.Done = "1"; }',
      cookies,
    );
    expect(headers.getAll("set-cookie")).toEqual(["two=b or not to b; secure"]);
    expect(t.req.headers.get("done")).toBe("1");
  });
});
