import { test } from "@fast-check/vitest";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
  isTarget,
  matchRule,
  packRules,
  redirectLocation,
  slotRuleProblem,
  unpackRules,
} from "../../src/site/rule-slots.ts";
import type { SlotRule } from "../../src/site/rule-slots.ts";
import { arbitraryRule } from "./arbitraries.ts";

function rule(given: Partial<SlotRule>): SlotRule {
  return { forced: false, status: 301, segments: ["a"], splat: false, query: [], target: "/b", ...given };
}

/** Where a rule leads for a path and query: `Location`, or status and path of the page shown. */
function outcome(given: Partial<SlotRule>, url: string): string | undefined {
  const [path = "", query = ""] = url.split("?");
  const match = matchRule([rule(given)], { path, query }, { forced: given.forced ?? false });
  if (match?.kind === "page") return `${match.status} ${match.target}`;
  return match && redirectLocation(match);
}

describe("packRules", () => {
  it("writes one slot per rule", () => {
    const rules = [
      rule({ forced: true, status: 302, segments: ["old", null], splat: true, target: "/new/{2}/{*}" }),
      rule({ segments: [], splat: true, target: "https://example.com/{*}" }),
    ];
    expect(packRules(rules)).toBe("0=!302 /old/:/* /new/{2}/{*}|1=301 /* https://example.com/{*}");
  });

  test.prop([fc.array(arbitraryRule, { maxLength: 24 })])("is undone by unpackRules", (rules) => {
    expect(unpackRules(packRules(rules))).toEqual({ kind: "ok", rules });
  });

  it.each([
    "1=301 /a /b",
    "0=301 /a /b|2=301 /c /d",
    "0=304 /a /b",
    "0=301 a /b",
    "0=301 /a//b /c",
    "0=301 /a//c",
    "0=301 /a //evil.example",
    "0=301 /* /{*}/x",
    "0=301 /a /b{1}",
    "0=301 /: /b{*}",
    "0=301 /: https://{1}.example/",
    "0=200 /a https://example.com/",
    "0=404 /a /b?c",
    "0=200 /a /b#c",
    "0=200 /a /b//c",
    "0=200 /a /../b",
    "0=200 /a /b%2Fc",
    "0=200 /a /%7E",
    "0=410 /a /b@c",
    "0=301 /a /b{a}",
    "0=301 /a /b{b} x={a}",
    "0=301 /a /b x",
    "0=301 /a /b x={b}",
    "0=301 /a /b x=%zz",
    "0=301 /a /b x=%7E",
    "0=301 /a /b x=%FF",
    "0=301 /a /b x=%00",
    "0=301 /a /b x=a/b",
    "0=301 /a /b x=1&x=2",
    "0=301 /a /b x=1&y=2&z=3",
    "0=301 /a /b x[]=1",
    "0=301 /a /b =1",
    "0=301 /a /b x=1 y=2",
    "0=301 /* /{*}{*}/x",
    "0=301 /a b",
    "0=301 /a /b ",
    "0=301 /a /b|",
    "0=301 /1/2/3/4/5/6/7/8/9 /b",
    Array.from({ length: 25 }, () => "0=301 /a /b").join("|"),
  ])("never wrote %s", (text) => {
    expect(unpackRules(text).kind).toBe("refused");
  });

  test.prop([fc.string()])("output is all that unpackRules accepts", (text) => {
    const unpacked = unpackRules(text);
    if (unpacked.kind === "ok") expect(packRules(unpacked.rules)).toBe(text);
  });
});

describe("matchRule", () => {
  it.each([
    [{ segments: ["a"] }, "/a", "/b"],
    [{ segments: ["a"] }, "/a/", "/b"],
    [{ segments: ["a"] }, "/A", undefined],
    [{ segments: ["a"] }, "/a/b", undefined],
    [{ segments: ["a"] }, "/", undefined],
    [{ segments: ["a"], splat: true, target: "/b/{*}" }, "/a", "/b/"],
    [{ segments: ["a"], splat: true, target: "/b/{*}" }, "/a/", "/b/"],
    [{ segments: ["a"], splat: true, target: "/b/{*}" }, "/a/x/y%20z/", "/b/x/y%20z"],
    [{ segments: ["a"], splat: true, target: "/b/{*}" }, "/ab", undefined],
    [{ segments: [], splat: true, target: "/b{*}" }, "/", "/b"],
    [{ segments: ["a", null, "c", null], target: "/{4}/{2}" }, "/a/x/c/y", "/y/x"],
    [{ segments: [null], target: "/b?q={1}" }, "/%7B%7D", "/b?q=%7B%7D"],
    [{ segments: ["a", null] }, "/a/", undefined],
    [
      { segments: Array.from({ length: 8 }, () => null), splat: true, target: "/{8}-{*}" },
      "/1/2/3/4/5/6/7/8/9/10",
      "/8-9/10",
    ],
  ])("%j on %s gives %s", (given, path, location) => {
    expect(outcome(given, path)).toBe(location);
  });

  const post = { query: [{ name: "id", value: null }], target: "/post/{a}" };
  it.each([
    [{ ...post, segments: [] }, "/?id=7", "/post/7"],
    [{ ...post, segments: [] }, "/", undefined],
    [{ ...post, segments: [] }, "/x?id=7", undefined],
    [post, "/a?x=1&id=7&id=8&y=2&", "/post/7?x=1&y=2"],
    [post, "/a/?id&id=7", "/post/7"],
    [post, "/a?id=a%20b+c/%c3%a4'", "/post/a%20b%2Bc%2F%C3%A4%27"],
    [post, "/a?id", undefined],
    [post, "/a?id=", undefined],
    [post, "/a?ID=7", undefined],
    [post, "/a?%69d=7", undefined],
    [post, "/a?id=%", undefined],
    [post, "/a?id=%ff", undefined],
    [post, "/a?id=%00", undefined],
    [post, "/a?id=%7f", undefined],
    [post, "/a?id=ä", undefined],
    [{ ...post, target: "/post?p={a}" }, "/a?id=7&x=1", "/post?p=7"],
    [{ ...post, target: "/post#{a}" }, "/a?id=7&x=1", "/post?x=1#7"],
    [{ ...post, status: 200 as const }, "/a?id=7", "200 /post/7"],
    [{ ...post, status: 200 as const }, "/a?id=..", undefined],
    [{ ...post, status: 200 as const }, "/a?id=a/b", undefined],
    [{ ...post, status: 200 as const }, "/a?id=a%5Cb", undefined],
    [{ query: [{ name: "l", value: "d%2Fe" }] }, "/a?l=d/e", "/b?l=d/e"],
    [{ query: [{ name: "l", value: "d%2Fe" }] }, "/a?l=d", undefined],
    [{ query: [{ name: "l", value: "" }] }, "/a?l=", "/b?l="],
    [
      {
        query: [
          { name: "l", value: "de" },
          { name: "p", value: null },
        ],
        target: "/{b}",
      },
      "/a?p=1&l=de",
      "/1?l=de",
    ],
    [{ status: 404 as const, segments: [], splat: true, target: "/404.html" }, "/x/y.js", "404 /404.html"],
    [{ status: 200 as const, segments: [], splat: true, target: "/index.html" }, "/x/y", "200 /index.html"],
    [
      { status: 200 as const, segments: [], splat: true, target: "/index.html" },
      "/x/v1.2/",
      "200 /index.html",
    ],
    [
      { status: 200 as const, segments: [], splat: true, target: "/index.html" },
      "/x/y.html",
      "200 /index.html",
    ],
    [{ status: 200 as const, segments: [], splat: true, target: "/index.html" }, "/x/y.js", undefined],
    [{ status: 200 as const, splat: true, target: "/files/{*}" }, "/a/y.js", "200 /files/y.js"],
    [{ status: 200 as const, splat: true, target: "/files/{*}/x" }, "/a", "200 /files/x"],
    [{ status: 200 as const, splat: true, target: "/files/.{*}" }, "/a", undefined],
  ])("%j on %s gives %s, by its query and status", (given, url, expected) => {
    expect(slotRuleProblem(rule(given))).toBeUndefined();
    expect(outcome(given, url)).toBe(expected);
  });

  it("tries only rules of the wanted kind, in order", () => {
    const rules = [
      rule({ target: "/late" }),
      rule({ forced: true, target: "/one" }),
      rule({ forced: true, target: "/two" }),
    ];
    expect(matchRule(rules, { path: "/a", query: "" }, { forced: true })).toMatchObject({
      index: 1,
      location: "/one",
    });
    expect(matchRule(rules, { path: "/a", query: "" }, { forced: false })).toMatchObject({
      index: 0,
      location: "/late",
    });
  });

  const encodedPath = fc
    .array(fc.stringMatching(/^(?:[A-Za-z0-9._~-]|%[0-9A-F]{2}){1,6}$/), { maxLength: 10 })
    .map((segments) => `/${segments.join("/")}`);

  const rawQuery = fc
    .array(
      fc.tuple(
        fc.constantFrom("a", "b", "x"),
        fc.constantFrom(
          "",
          "=",
          "=1",
          "=..",
          "=%2e%2E",
          "=/",
          "=%2F%2Fevil.example",
          "=%0a",
          "=%",
          "=a+b",
          "=ü",
        ),
      ),
      { maxLength: 4 },
    )
    .map((parts) => parts.map(([name, value]) => name + value).join("&"));

  it("fills in a target at no more places than Location has room for", () => {
    const rule = (count: number) => {
      const target = `/bb${"/{*}".repeat(count)}`;
      return { forced: false, status: 301 as const, segments: ["a"], splat: true, query: [], target };
    };
    expect([16, 17].map((count) => slotRuleProblem(rule(count)))).toEqual([
      undefined,
      "has a target that is filled in at 17 places, the limit is 16",
    ]);
  });

  it("shows no page at a path that is longer than the edge takes", () => {
    const rule = {
      forced: false,
      status: 200 as const,
      segments: ["a"],
      splat: true,
      query: [],
      target: "/bb/{*}",
    };
    const asked = (length: number) => ({ path: `/a/${"x".repeat(length)}`, query: "" });
    expect(matchRule([rule], asked(896), { forced: rule.forced })?.kind).toBe("page");
    expect(matchRule([rule], asked(897), { forced: rule.forced })).toBeUndefined();
  });

  test.prop([arbitraryRule, encodedPath, rawQuery, fc.boolean()])(
    "never leads to a host the rule does not name, nor out of the site's pages",
    (drawn, somePath, query, own) => {
      expect(slotRuleProblem(drawn)).toBeUndefined();
      const names = drawn.query.map((condition, index) => ({ ...condition, name: "ab".charAt(index) }));
      const slot = { ...drawn, query: names };
      const ownPath = `/${[...slot.segments.map((segment) => segment ?? "%7B1%7D"), ...(slot.splat ? ["x"] : [])].join("/")}`;
      const path = own ? ownPath : somePath;
      const match = matchRule([slot], { path, query }, { forced: slot.forced });
      if (match?.kind === "page") {
        expect(match.target).toMatch(/^\/(?:[A-Za-z0-9\-._~/]|%[0-9A-F]{2})*$/);
        expect(new URL(match.target, "https://own.example").pathname).toBe(match.target);
      }
      if (match?.kind !== "redirect") return;
      const url = new URL(match.location, "https://own.example");
      expect(["own.example", "example.com"]).toContain(url.hostname);
      expect(match.location).toMatch(/^[\u0021-\u007e]+$/);
    },
  );
});

describe("isTarget", () => {
  it.each(["/", "/a?b=c#d", "https://example.com", "http://example.com:8080/x", "/%7E", "/{1}{*}"])(
    "accepts %s",
    (text) => {
      expect(isTarget(text)).toBe(true);
    },
  );

  it.each([
    "",
    "a",
    "//x",
    "/{*}/x",
    "/{*}{*}/x",
    "javascript:alert(1)",
    "https://",
    "https://{1}/",
    "https://a@b/",
    "https://example.com{1}",
    "https://example.com:{1}/",
    "/a b",
    "/a\nb",
    "/a|b",
    "/{9}",
    "/{",
    "/ä",
    "/%zz",
    '/"',
    "/\\x",
  ])("refuses %j", (text) => {
    expect(isTarget(text)).toBe(false);
  });
});
