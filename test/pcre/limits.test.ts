import { describe, expect, it } from "vitest";
import { compilePattern, PatternSyntaxError } from "../../src/pcre/pattern.ts";
import type { MatchResult } from "../../src/pcre/pattern.ts";

const STEPS: MatchResult = { kind: "limit", limit: "steps" };
const DEPTH: MatchResult = { kind: "limit", limit: "depth" };
const NO_MATCH: MatchResult = { kind: "no-match" };

describe("a match that would take too long ends at the step limit", () => {
  it.each([
    ["nested repeats", "^(a+)+$", `${"a".repeat(40)}!`],
    ["overlapping branches", "^(?:a|a|aa)+$", `${"a".repeat(60)}!`],
    ["runs in a row", "^.*.*.*.*.*.*x\\d", "a".repeat(3000)],
    ["back-references", "^(a*)*\\1*b", "a".repeat(200)],
    ["lazy repeats", "^(?:a*?)*?b", "a".repeat(60)],
    ["lookaheads", "^(?:(?=a+)a)*(?:(?=a+)a)*(?:(?=a+)a)*b", "a".repeat(400)],
    ["counted groups", "^(?:aa?){20}(?:a|b){30}$", `${"a".repeat(60)}!`],
    ["nested counts", "^(?:(?:a{0,9}){0,9}){0,9}b", "a".repeat(80)],
    ["empty iterations", "^(?:(?:){1000}){1000}x", "a"],
  ])("%s", (_, source, subject) => {
    expect(compilePattern(source).exec(subject)).toEqual(STEPS);
  });

  it("counts the bytes that runs and comparisons pass, not only backtracking", () => {
    const text = "a".repeat(1_000_000);
    expect(compilePattern("(?=.*+)".repeat(50)).exec(text)).toEqual(STEPS);
    expect(compilePattern(`(a{1,60000})(?:b|${"(?=\\1)".repeat(40)}b)`).exec(text)).toEqual(STEPS);
  });

  it("has the same result every time, whatever the machine", () => {
    const pattern = compilePattern("^(?:a|b)*c");
    const results = [1, 2, 3].map(() => pattern.exec(`${"ab".repeat(30)}c`, 0, { steps: 150, depth: 100 }));
    expect(new Set(results.map((result) => JSON.stringify(result))).size).toBe(1);
  });

  it("matches again after a limit", () => {
    const pattern = compilePattern("^(a+)+$");
    expect(pattern.exec(`${"a".repeat(40)}!`)).toEqual(STEPS);
    expect(pattern.exec("aaa")).toEqual({ kind: "match", captures: [0, 3, 0, 3] });
  });
});

describe("a match that would remember too much ends at the depth limit", () => {
  it.each([
    ["a greedy group", "^(?:(a)|b)*.c", "ab".repeat(40_000)],
    ["recursion", "^(a(?1)?b)", "a".repeat(60_000)],
    ["recursion of the whole pattern", "(?:a(?R)|b)", "a".repeat(60_000)],
    ["a call that does not move", "((?1)|a)", "a"],
    ["calls in a circle", "(?:(?<x>(?&y))|(?<y>(?&x)))a", "a"],
  ])("%s", (_, source, subject) => {
    const result = compilePattern(source).exec(subject, 0, { steps: 10_000_000, depth: 100_000 });
    expect(result).toEqual(DEPTH);
  });

  it("holds the limit exactly", () => {
    const pattern = compilePattern("^(?:a|aa)*c");
    const run = (depth: number): MatchResult => pattern.exec("aaaaaa", 0, { steps: 1000, depth });
    expect(run(100)).toEqual(NO_MATCH);
    expect(run(1)).toEqual(DEPTH);
  });

  it("does not grow with the iterations of a possessive group", () => {
    const limits = { steps: 1_000_000, depth: 50 };
    expect(compilePattern("^(?:(a)|(b))*+c").exec("ab".repeat(10_000), 0, limits)).toEqual(NO_MATCH);
  });
});

describe("a pattern may lower the limits, never raise them", () => {
  const subject = `${"a".repeat(30)}!`;

  it.each([
    ["(*LIMIT_MATCH=10)", STEPS],
    ["(*LIMIT_DEPTH=3)", DEPTH],
    ["(*LIMIT_RECURSION=3)", DEPTH],
    ["(*LIMIT_HEAP=0)", DEPTH],
    ["(*LIMIT_MATCH=4000000000)", STEPS],
  ])("%s", (setting, expected) => {
    expect(compilePattern(`${setting}^(?:a|b|aa)+$`).exec(subject)).toEqual(expected);
  });

  it("refuses a limit that does not fit 32 bits", () => {
    expect(() => compilePattern("(*LIMIT_MATCH=4294967296)a")).toThrow(PatternSyntaxError);
  });
});

describe("compiling is bounded", () => {
  it("refuses patterns that are too long or nested too deep", () => {
    expect(() => compilePattern("a".repeat(16_385))).toThrow("longer than 16384");
    expect(() => compilePattern(`${"(".repeat(251)}${")".repeat(251)}`)).toThrow("250 deep");
    expect(compilePattern(`${"(".repeat(250)}${")".repeat(250)}`).groupCount).toBe(250);
  });

  it("does not copy what is counted", () => {
    const pattern = compilePattern("(?:(?:(?:a{60000}){60000}){60000}){60000}");
    expect(pattern.exec("aaa").kind).toBe("no-match");
    expect(compilePattern("^(?:(?:(ab){3}){2}){2}$").exec("ab".repeat(12)).kind).toBe("match");
  });

  it.each([
    ["groups", "(a|b)*".repeat(2700)],
    ["branches", Array.from({ length: 2500 }, (_, at) => `w${at}`).join("|")],
    ["classes", "[a-c][^d]?".repeat(1600)],
    ["calls", "((?1)?)".repeat(2300)],
    ["nested loops", `${"(?:a?".repeat(250)}${")*".repeat(250)}`],
    ["nested possessive loops", `${"(?:x|a".repeat(250)}${")*+".repeat(250)}`],
    ["nested lookbehinds", `${"(?<=a".repeat(250)}${"b".repeat(14_000)}${")".repeat(250)}`],
    [
      "group lengths that double",
      Array.from({ length: 60 }, (_, at) => `(a(?${at})(?${at}))`.replaceAll("(?0)", "a")).join("") +
        "(?<=(?60))",
    ],
  ])("many %s end in a pattern or a fault", (_, source) => {
    let outcome = "compiled";
    try {
      expect(["match", "no-match", "limit"]).toContain(compilePattern(source).exec("aaaaaaaa").kind);
    } catch (error) {
      if (!(error instanceof PatternSyntaxError)) throw error;
      outcome = error.message;
    }
    expect(outcome).toMatch(/^compiled$|fixed length|mishandles/);
  });
});
