import { test } from "@fast-check/vitest";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { isTarget, matchRule, packRules, slotRuleProblem, unpackRules } from "../../src/site/rule-slots.ts";
import type { SlotRule } from "../../src/site/rule-slots.ts";
import { arbitrarySlotRule } from "./arbitraries.ts";

function rule(given: Partial<SlotRule>): SlotRule {
  return { forced: false, status: 301, segments: ["a"], splat: false, target: "/b", ...given };
}

function locationOf(given: Partial<SlotRule>, path: string): string | undefined {
  return matchRule([rule(given)], path, { forced: given.forced ?? false })?.location;
}

describe("packRules", () => {
  it("writes one slot per rule", () => {
    const rules = [
      rule({ forced: true, status: 302, segments: ["old", null], splat: true, target: "/new/{2}/{*}" }),
      rule({ segments: [], splat: true, target: "https://example.com/{*}" }),
    ];
    expect(packRules(rules)).toBe("0=!302 /old/:/* /new/{2}/{*}|1=301 /* https://example.com/{*}");
  });

  test.prop([fc.array(arbitrarySlotRule, { maxLength: 24 })])("is undone by unpackRules", (rules) => {
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
    "0=301 / /b",
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
    expect(locationOf(given, path)).toBe(location);
  });

  it("tries only rules of the wanted kind, in order", () => {
    const rules = [
      rule({ target: "/late" }),
      rule({ forced: true, target: "/one" }),
      rule({ forced: true, target: "/two" }),
    ];
    expect(matchRule(rules, "/a", { forced: true })).toMatchObject({ index: 1, location: "/one" });
    expect(matchRule(rules, "/a", { forced: false })).toMatchObject({ index: 0, location: "/late" });
  });

  const encodedPath = fc
    .array(fc.stringMatching(/^(?:[A-Za-z0-9._~-]|%[0-9A-F]{2}){1,6}$/), { maxLength: 10 })
    .map((segments) => `/${segments.join("/")}`);

  test.prop([arbitrarySlotRule, encodedPath])(
    "never leads to a host the rule does not name",
    (slot, path) => {
      expect(slotRuleProblem(slot)).toBeUndefined();
      const match = matchRule([slot], path, { forced: slot.forced });
      if (!match) return;
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
