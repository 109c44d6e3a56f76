import { describe, expect, test } from "vitest";
import { findFunction, findVariable, listFunctions, listVariables } from "../../src/vcl/catalog.ts";
import { isInScope } from "../../src/vcl/catalog-rows.ts";

describe("the catalog", () => {
  test("names every variable and function once", () => {
    for (const rows of [listVariables(), listFunctions()]) {
      const names = rows.map(({ name }) => name);
      expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
    }
  });

  test("every row has a page of the reference", () => {
    for (const row of listVariables())
      expect(row.doc).toMatch(/^reference\/vcl\/variables\/[a-z-]+\/[a-z0-9-]+$/);
    for (const row of listFunctions())
      expect(row.doc).toMatch(/^reference\/vcl\/functions\/[a-z-]+\/[a-z0-9-]+$/);
  });

  test("optional parameters stand at the end and only the last one repeats", () => {
    for (const { name, parameters } of listFunctions()) {
      const shape = parameters
        .map((parameter) => (parameter.variadic ? "v" : parameter.optional ? "o" : "r"))
        .join("");
      expect(shape, name).toMatch(/^r*o*v?$/);
    }
  });

  test("what can be read where it exists can be read at all", () => {
    for (const row of listVariables()) {
      if (row.get === undefined) expect(row.set, row.name).toBeUndefined();
    }
  });

  test.each([
    ["req.http.Cookie", "STRING"],
    ["req.http.Cookie:session", "STRING"],
    ["beresp.http.X", "STRING"],
    ["re.group.0", "STRING"],
    ["re.group.20", "STRING"],
    ["backend.F_a.healthy", "BOOL"],
    ["director.d.healthy", "BOOL"],
    ["ratecounter.rc.rate.10s", "FLOAT"],
    ["ratecounter.rc.bucket.20s", "INTEGER"],
    ["client.geo.city.utf8", "STRING"],
    ["now", "TIME"],
    ["req.backend", "BACKEND"],
    ["client.ip", "IP"],
    ["beresp.ttl", "RTIME"],
  ])("%s is a %s", (name, type) => {
    expect(findVariable(name)?.type).toBe(type);
  });

  test.each(["req.http.", "re.group.21", "re.group.x", "nonsense", "req.httpx.A", "beresp.keep", "toString"])(
    "%j is nothing",
    (name) => {
      expect(findVariable(name)).toBeUndefined();
      expect(findFunction(name)).toBeUndefined();
    },
  );

  test.each([
    ["req.backend.is_origin", "fetch", true],
    ["req.backend.is_origin", "recv", false],
    ["obj.ttl", "deliver", false],
    ["obj.hits", "deliver", true],
    ["bereq.http.X", "recv", false],
    ["req.restarts", "log", true],
    ["req.hash", "hash", false],
  ] as const)("reading %s in %s: %s", (name, state, allowed) => {
    const row = findVariable(name);
    expect(row !== undefined && isInScope(row.read, state)).toBe(allowed);
  });
});
