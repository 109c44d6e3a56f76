import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { compilePattern, DEFAULT_LIMITS, PatternSyntaxError } from "../../src/pcre/pattern.ts";
import { TABLE } from "./pattern-table.ts";

/** The captured texts of a match, null for unset groups; null for no match; the limit's name for a limit. */
function captured(source: string, subject: string): readonly (string | null)[] | string | null {
  const result = compilePattern(source).exec(subject);
  if (result.kind === "no-match") return null;
  if (result.kind === "limit") return result.limit;
  const texts: (string | null)[] = [];
  for (let at = 0; at < result.captures.length; at += 2) {
    const start = result.captures[at] ?? -1;
    texts.push(start < 0 ? null : subject.slice(start, result.captures[at + 1]));
  }
  return texts;
}

function faultOf(source: string): { readonly message: string; readonly offset: number } {
  try {
    compilePattern(source);
  } catch (error) {
    if (error instanceof PatternSyntaxError) return error;
    throw error;
  }
  throw new Error(`${source} compiles`);
}

/** Escapes every byte that means something. */
function quote(text: string): string {
  return text.replace(/[^A-Za-z0-9_]/g, (character) => `\\x{${character.charCodeAt(0).toString(16)}}`);
}

describe.each(Object.entries(TABLE))("a pattern answers as PCRE2 does: %s", (_, rows) => {
  it.each(rows.map((row) => [...row] as const))("%s on %j", (source, subject, expected) => {
    expect(captured(source, subject)).toEqual(expected);
  });
});

describe("a compiled pattern", () => {
  it("tells its source and its number of groups", () => {
    const pattern = compilePattern("(a)(?:b)(?<n>c)");
    expect([pattern.source, pattern.groupCount]).toEqual(["(a)(?:b)(?<n>c)", 2]);
  });

  it("gives offsets, and -1 for groups that are not set", () => {
    expect(compilePattern("b(x)?(c)").exec("abc")).toEqual({ kind: "match", captures: [1, 3, -1, -1, 2, 3] });
  });

  it("starts at an offset but sees what comes before it", () => {
    expect(compilePattern("(?<=a)b").exec("ab", 1)).toEqual({ kind: "match", captures: [1, 2] });
    expect(compilePattern("^b").exec("ab", 1)).toEqual({ kind: "no-match" });
    expect(compilePattern("\\Gb").exec("ab", 1)).toEqual({ kind: "match", captures: [1, 2] });
    expect(compilePattern("\\bb").exec("ab", 1)).toEqual({ kind: "no-match" });
  });

  it("finds nothing from an offset outside the subject", () => {
    expect(compilePattern("").exec("ab", 2)).toEqual({ kind: "match", captures: [2, 2] });
    expect(compilePattern("").exec("ab", 3)).toEqual({ kind: "no-match" });
    expect(compilePattern("").exec("ab", -1)).toEqual({ kind: "no-match" });
  });

  it("ignores case when asked to, in ASCII only", () => {
    expect(compilePattern("aB[c]\\x64", { caseInsensitive: true }).exec("AbCD").kind).toBe("match");
    expect(compilePattern("(?-i)a", { caseInsensitive: true }).exec("A").kind).toBe("no-match");
    expect(compilePattern("\xe9", { caseInsensitive: true }).exec("\xc9").kind).toBe("no-match");
  });

  it("keeps nothing from one match to the next", () => {
    const pattern = compilePattern("(a)?(b)?c(?1)?");
    const fresh = (subject: string): unknown => compilePattern("(a)?(b)?c(?1)?").exec(subject);
    for (const subject of ["abca", "c", "xx", "bc", "aca"])
      expect(pattern.exec(subject)).toEqual(fresh(subject));
  });
});

describe("a fault in a pattern", () => {
  it.each([
    ["(", "parenthesis", 0],
    ["ab(cd", "parenthesis", 2],
    ["a)", "parenthesis", 1],
    ["[a", "]", 2],
    ["[b-a]", "out of order", 3],
    ["[a-\\d]", "range", 4],
    ["[[:nope:]]", "POSIX", 1],
    ["[:alpha:]", "POSIX", 0],
    ["*a", "nothing to repeat", 0],
    ["a**", "nothing to repeat", 2],
    ["a{2}{3}", "nothing to repeat", 4],
    ["^*", "nothing to repeat", 1],
    ["(?i)+", "nothing to repeat", 4],
    ["a{65536}", "65535", 1],
    ["a{3,2}", "out of order", 1],
    ["a\\", "end of the pattern", 2],
    ["\\x{100}", "0xff", 6],
    ["\\x{1g}", "invalid digit", 4],
    ["\\400", "377", 4],
    ["\\q", "no meaning", 1],
    ["\\c\x01", "printable", 2],
    ["\\2(a)", "no group 2", 1],
    ["\\k<n>", 'named "n"', 3],
    ["(?&n)", 'named "n"', 3],
    ["(?2)(a)", "no group 2", 2],
    ["(?<1a>b)", "digit", 3],
    ["(?<a", "closing >", 4],
    ["(?<n>a)(?<n>b)", "two groups", 12],
    ["(?|(?<a>x)|(?<b>y))", "different names", 16],
    ["(?<=a+)b", "fixed length", 0],
    ["(?<=a|bc*)b", "fixed length", 0],
    ["(?<=(?1))(a(?1)?)", "fixed length", 0],
    ["(?<=\\R)b", "fixed length", 0],
    ["(?=a\\Kb)", "\\K", 4],
    ["(?(1)a|b|c)(x)", "two branches", 0],
    ["(?(DEFINE)a|b)", "one branch", 0],
    ["(?(xyz", "closing )", 6],
    ["(?(?i)a)", "condition", 2],
    ["(*NOPE)", "verb", 0],
    ["(*MARK)", "argument", 0],
    ["(*nope:a)", "known group", 2],
    ["(?y)", "unrecognised", 2],
    ["(?i-s-m)", "hyphen", 5],
    ["(?#abc", "comment", 6],
    ["a\u0100", "one byte", 1],
  ])("%j is told with its place", (source, message, offset) => {
    const fault = faultOf(source);
    expect(fault.message).toContain(message);
    expect(fault.offset).toBe(offset);
  });

  it.each([
    ["\\p{L}", "Unicode"],
    ["\\PL", "Unicode"],
    ["\\X", "Unicode"],
    ["\\C", "\\C"],
    ["(*UTF)a", "bytes"],
    ["(*UCP)a", "bytes"],
    ["a(?C1)b", "callouts"],
    ["\\N{U+41}", "\\N{name}"],
  ])("%s is refused", (source, message) => {
    expect(faultOf(source).message).toContain(message);
  });

  it.each([
    "(*THEN)(a)(?1)",
    "(?:a(*THEN)b|c){2}",
    "(?=(?=a)a(*ACCEPT))",
    "x?(*COMMIT)[ab]",
    "\\d+(?:\\.\\d+)?+5",
    "(?=a)[a-z]*a",
    "(?:.|^){0}a",
    ".+?\\R",
    "1(.|\\1*)",
  ])("%s is refused rather than answered differently", (source) => {
    expect(faultOf(source).message).toMatch(/not supported|mishandles/);
  });
});

describe("any pattern and any subject", () => {
  const alphabet = "aab()[]{}|?*+^$.\\1<>=!:-#,PRK&'QEdwsx \n".split("");
  const sources = fc.string({ unit: fc.constantFrom(...alphabet), maxLength: 24 });
  const subjects = fc.string({ unit: fc.constantFrom("a", "b", "1", "\n", " ", "\xff"), maxLength: 16 });

  test.prop([sources, subjects])("gives an answer or a fault inside the pattern", (source, subject) => {
    let pattern;
    try {
      pattern = compilePattern(source);
    } catch (error) {
      if (!(error instanceof PatternSyntaxError)) throw error;
      expect(error.offset).toBeGreaterThanOrEqual(0);
      expect(error.offset).toBeLessThanOrEqual(source.length);
      return;
    }
    const result = pattern.exec(subject);
    if (result.kind !== "match") return;
    expect(result.captures).toHaveLength(2 * (pattern.groupCount + 1));
    for (const offset of result.captures) {
      expect(offset).toBeGreaterThanOrEqual(-1);
      expect(offset).toBeLessThanOrEqual(subject.length);
    }
  });

  const bytes = fc.string({
    unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
  });
  test.prop([bytes, bytes, bytes])("finds a quoted text where indexOf does", (before, text, after) => {
    const subject = before + text + after;
    const at = subject.indexOf(text);
    expect(compilePattern(quote(text)).exec(subject)).toEqual({
      kind: "match",
      captures: [at, at + text.length],
    });
  });

  test.prop([bytes])("splits at a byte as split does", (subject) => {
    const pattern = compilePattern("([^a]*)(?:a|\\z)");
    const parts: string[] = [];
    for (let from = 0; from <= subject.length;) {
      const result = pattern.exec(subject, from);
      if (result.kind !== "match") break;
      parts.push(subject.slice(result.captures[2], result.captures[3]));
      const end = result.captures[1] ?? 0;
      from = end > (result.captures[3] ?? 0) ? end : subject.length + 1;
    }
    expect(parts).toEqual(subject.split("a"));
  });
});

describe("the default limits", () => {
  it("are a hundred thousand steps and entries", () => {
    expect(DEFAULT_LIMITS).toEqual({ steps: 100_000, depth: 100_000 });
  });
});
