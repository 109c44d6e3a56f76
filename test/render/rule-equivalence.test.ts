import { createHash } from "node:crypto";
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { packHashes, segmentHash } from "../../src/site/short-hashes.ts";
import { encodePath, pageKey } from "../../src/site/page-key.ts";
import { encodeQueryValue } from "../../src/site/query-match.ts";
import { bucketMetadata, planRuleTables } from "../../src/site/rule-buckets.ts";
import { matchRule, packRules, pathSegments, redirectLocation } from "../../src/site/rule-slots.ts";
import type { RuleMatch, SlotRule } from "../../src/site/rule-slots.ts";
import { exampleLocal } from "../support/environments.ts";
import { compileRendered } from "../support/rendered-program.ts";
import { arbitraryFile, arbitraryRule } from "../site/arbitraries.ts";
import { PREFIX, deliver, receiveAfterMiss, receiveAgain, receivePage } from "./passes.ts";
import type { PassResult } from "./passes.ts";

const program = compileRendered(exampleLocal());
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

const encodedFile = arbitraryFile.map(encodePath);
const rawValue = fc.oneof(
  { weight: 3, arbitrary: encodedFile.map((text) => encodeQueryValue(text)) },
  { weight: 2, arbitrary: fc.stringMatching(/^[A-Za-z0-9.+~]{1,5}$/) },
  fc.constantFrom("", "%2e", "..", ".", "%2F", "%5c", "%00", "%7F", "%zz", "%C3", "%c3%bc", '"', "%25", "="),
  fc.string({ unit: fc.constantFrom("a", "%", "2", "0", "+", "=", "C", "3", "~", "."), maxLength: 6 }),
);

/** Rules, and a request that is often made after one of them. */
const arbitraryRequest = fc
  .record({
    rules: fc.array(arbitraryRule, { minLength: 1, maxLength: 6 }),
    pick: fc.nat(),
    other: fc.oneof(
      encodedFile.map((file) => `/${file}`),
      fc.constant("/"),
    ),
    fill: fc.array(encodedFile, { minLength: 1, maxLength: 3 }),
    slash: fc.boolean(),
    like: fc.nat({ max: 3 }).map((draw) => draw > 0),
    values: fc.array(rawValue, { minLength: 3, maxLength: 3 }),
    noise: fc.array(fc.constantFrom("", "x", "x=1", "y=%C3", "=", "a"), { maxLength: 3 }),
    meets: fc.boolean(),
  })
  .map((made) => {
    const rule = made.rules[made.pick % made.rules.length];
    const filled = rule?.segments.map(
      (part, i) => part ?? made.fill[i % made.fill.length]?.replaceAll("/", "-"),
    );
    const rest = rule?.splat === true && made.slash ? `/${made.fill.join("/")}` : "";
    const path = made.like ? `/${filled?.join("/") ?? ""}${rest}`.replaceAll(/\/{2,}/g, "/") : made.other;
    const parts = (rule?.query ?? []).map(({ name, value }, i) =>
      made.meets && value !== null ? `${name}=${value}` : `${name}=${made.values[i] ?? ""}`,
    );
    return {
      rules: made.rules,
      path: made.slash && !path.endsWith("/") ? `${path}/` : path,
      query: [...made.noise, ...parts, ...parts.slice(0, 1)].join("&"),
    };
  })
  .filter(({ path }) => path.length < 300);

/** Holds what vcl_recv did against what the model says. */
function expectMatch(result: PassResult, match: RuleMatch | undefined, path: string): void {
  switch (match?.kind) {
    case undefined:
      expect(result.header("SF-Phase")).not.toMatch(/^(?:redirect|rewrite)$/);
      return;
    case "redirect":
      expect(result.action).toMatchObject({ do: "error", status: 601 });
      expect(result.header("SF-Location")).toBe(redirectLocation(match));
      expect(result.header("SF-Status")).toBe(String(match.status));
      return;
    case "page":
      expect(result.action).toEqual({ do: "lookup" });
      expect(result.header("SF-Phase")).toBe("rewrite");
      expect(result.transaction.req.url).toBe(PREFIX + pageKey(match.target));
      expect(result.header("SF-Path")).toBe(match.target);
      expect(result.header("SF-Asked")).toBe(path);
      expect(result.header("SF-Status")).toBe(String(match.status));
  }
}

describe("rendered VCL and the site model agree", () => {
  test.prop([arbitraryRequest], { numRuns: 600 })(
    "on which forced rule answers, and how",
    ({ rules, path, query }) => {
      const forced = rules.map((rule) => ({ ...rule, forced: true }));
      const result = receivePage(program, {
        "SF-Path": path,
        "SF-Query": query === "" ? "" : `?${query}`,
        "SF-Config-Q": packRules(forced),
      });
      expectMatch(result, matchRule(forced, { path, query }, { forced: true }), path);
    },
  );

  test.prop([arbitraryRequest], { numRuns: 600 })(
    "on which rule answers for a page that is missing",
    ({ rules, path, query }) => {
      const late = rules.map((rule) => ({ ...rule, forced: false }));
      const result = receiveAfterMiss(program, {
        "SF-Path": path,
        "SF-Query": query === "" ? "" : `?${query}`,
        "SF-Config-Q": packRules(late),
      });
      expectMatch(result, matchRule(late, { path, query }, { forced: false }), path);
    },
  );

  /** Rules below few first segments, so that they make buckets. */
  const crowded = fc.record({
    rules: fc.array(
      fc
        .record({ rule: arbitraryRule, first: fc.constantFrom("a", "b", "%C3%BC", null) })
        .map(({ rule, first }) => ({
          ...rule,
          forced: true,
          segments: [first, ...rule.segments.slice(1)],
          target: rule.target.replaceAll("{1}", ""),
        })),
      { minLength: 4, maxLength: 12 },
    ),
    path: fc
      .record({ first: fc.constantFrom("a", "b", "%C3%BC", "c"), rest: fc.option(encodedFile, { nil: "" }) })
      .map(({ first, rest }) => (rest === "" ? `/${first}` : `/${first}/${rest}`)),
    room: fc.integer({ min: 60, max: 900 }),
  });
  test.prop([crowded], { numRuns: 300 })("on the bucket that has a path's rules", ({ rules, path, room }) => {
    const placed = rules.map((rule) => ({ rule, source: { file: "_redirects", line: 1 }, text: "" }));
    const tables = planRuleTables({ rules: placed, room, sha256Hex: sha256 });
    fc.pre(tables.problems.length === 0);
    const hash = segmentHash(pathSegments(path)[0] ?? "", sha256);
    const bucket = tables.buckets.get(hash);
    const first = receivePage(program, {
      "SF-Path": path,
      "SF-Config-Q": packRules(tables.slots.map(({ rule }) => rule)),
      "SF-Config-B": tables.buckets.size === 0 ? "" : `1z${packHashes(tables.buckets.keys())}`,
    });
    const expected = matchRule(rules, { path, query: "" }, { forced: true });
    if (bucket === undefined) return expectMatch(first, expected, path);
    expect(first.transaction.req.url).toBe(`/local/production/_sites/shop/rules/1z/${hash}`);
    expect(first.header("SF-Bucket")).toBe("rules");
    const metadata = bucketMetadata({ site: "shop", rules: bucket.map(({ rule }) => rule) });
    const headers = Object.fromEntries(
      Object.entries(metadata).map(([name, value]) => [`x-amz-meta-${name}`, value]),
    );
    const read = deliver(program, first, { status: 200, headers });
    expect(read.action).toEqual({ do: "restart" });
    expectMatch(receiveAgain(program, read), expected, path);
  });

  it("on the limit of slots: the last of 24 rules is still tried", () => {
    const rules: readonly SlotRule[] = Array.from({ length: 24 }, (_, i) => ({
      forced: true,
      status: 301 as const,
      segments: [`p${i}`],
      splat: false,
      query: [],
      target: `/to${i}`,
    }));
    const result = receivePage(program, { "SF-Path": "/p23", "SF-Config-Q": packRules(rules) });
    expect(result.header("SF-Location")).toBe("/to23");
  });
});
