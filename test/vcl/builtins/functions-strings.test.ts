import { test as property, fc } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { evaluate, runStatements } from "../../support/vcl.ts";

/** Whether an expression of type STRING is set. */
function isSet(expression: string): boolean {
  return evaluate(`if(${expression}, "set", "unset")`) === "set";
}

describe("regsub and regsuball", () => {
  test.each([
    ['regsub("aaa", "a", "b")', "baa"],
    ['regsuball("aaa", "a", "b")', "bbb"],
    ['regsuball("/a//b///c", "/+", "/")', "/a/b/c"],
    ['regsub("2024-05", "([0-9]+)-([0-9]+)", "\\2/\\1")', "05/2024"],
    ['regsub("404", "^([1-5])..", "\\100")', "400"],
    ['regsub("abcdefghijkl", "(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)(k)(l)", "\\{12}\\{1}")', "la"],
    ['regsub("a", "(a)|(b)", "[\\2]")', "[]"],
    ['regsub("abc", "x", "y")', "abc"],
    ['regsub("a.b", "\\.", "\\n")', "anb"],
    ['regsub("a.b", "\\.", "\\/")', "a/b"],
    ['regsub("a.b", "\\.", "\\\\1")', "a\\1b"],
    ['regsub("a.b", "\\.", "-\\")', "a-\\b"],
    ['regsuball("abc", "x*", "-")', "-a-b-c-"],
    ['regsuball("abc", "$", "!")', "abc!"],
    ['regsuball("", "^", "x")', "x"],
    ['regsub("Host", "(?i)hOST", "ok")', "ok"],
  ])("%s is %s", (expression, result) => {
    expect(evaluate(expression)).toBe(result);
  });

  test("what is not set stays not set", () => {
    expect(isSet('regsub(req.http.Missing, "a", "b")')).toBe(false);
  });

  property.prop([fc.stringMatching(/^[ab/]{0,30}$/)])(
    "replacing every match of a literal is std.replaceall",
    (text) => {
      expect(evaluate(`regsuball("${text}", "ab", "<>")`)).toBe(
        evaluate(`std.replaceall("${text}", "ab", "<>")`),
      );
    },
  );
});

describe("substr", () => {
  test.each([
    ["3", "defg"],
    ["0, 2", "ab"],
    ["5, 3", "fg"],
    ["3, 0", ""],
    ["-3", "efg"],
    ["-3, 2", "ef"],
    ["1, -3", "bcd"],
    ["-4, -3", "d"],
    ["7", ""],
  ])('substr("abcdefg", %s) is "%s"', (args, result) => {
    expect(evaluate(`substr("abcdefg", ${args})`)).toBe(result);
  });

  test.each(["8", "-8", "9223372036854775807", "-9223372036854775807, 1"])(
    "offset %s lies outside: not set",
    (args) => {
      expect(isSet(`substr("abcdefg", ${args})`)).toBe(false);
    },
  );
});

describe("std.*", () => {
  test.each([
    ['std.strlen("%u{e9}")', "2"],
    ['std.tolower("%u{c9}BC")', "\u00c3\u0089bc"],
    ['std.toupper("abc")', "ABC"],
    ['std.strstr("abcdef", "cd")', "cdef"],
    ['std.prefixof("/admin/x", "/admin")', "1"],
    ['std.prefixof("/admin", "/admin/x")', "0"],
    ['std.prefixof("/admin", "")', "0"],
    ['std.prefixof("", "")', "0"],
    ['std.prefixof("/admin", req.http.Missing)', "0"],
    ['std.suffixof("a.png", ".jpg")', "0"],
    ['std.suffixof("a.png", ".png")', "1"],
    ['std.suffixof("a.png", "")', "0"],
    ['std.strcasecmp("AbC", "aBc")', "1"],
    ['std.replace("aXbX", "X", "-")', "a-bX"],
    ['std.replaceall("aXbX", "X", "-")', "a-b-"],
    ['std.replaceall("abc", "", "-")', "abc"],
    ['std.replace_prefix("abcabc", "ab", "")', "cabc"],
    ['std.replace_suffix("abcabc", "bc", "-")', "abca-"],
    ['std.strpad("abc", -10, "-=")', "abc-=-=-=-"],
    ['std.strpad("abc", 10, "-=")', "-=-=-=-abc"],
    ['std.strpad("abcdefghijklmn", 10, "-=")', "abcdefghijklmn"],
    ['std.strrep("abc", 3)', "abcabcabc"],
    ['std.strrep("abc", -1)', ""],
    ['std.strrev("abc")', "cba"],
    ['std.basename("/usr/lib")', "lib"],
    ['std.basename("/usr/")', "usr"],
    ['std.basename("/")', "/"],
    ['std.basename("")', "."],
    ['std.dirname("/usr/lib")', "/usr"],
    ['std.dirname("/usr/")', "/"],
    ['std.dirname("usr")', "."],
    ['std.dirname("")', "."],
  ])("%s is %s", (expression, result) => {
    expect(evaluate(expression)).toBe(result);
  });

  test("a needle that is not there gives nothing", () => {
    expect(isSet('std.strstr("abc", "x")')).toBe(false);
  });

  test("a repetition that no workspace could hold ends the request", () => {
    expect(() => runStatements('set req.http.A = std.strrep("0123456789", 100000000);')).toThrow("workspace");
    expect(() => runStatements('set req.http.A = std.strpad("a", 9223372036854775807, "x");')).toThrow(
      "workspace",
    );
  });
});

describe("subfield", () => {
  test.each([
    ['subfield("foo=bar,lorem=ipsum", "FOO")', "bar"],
    ['subfield("foo=bar&lorem=ipsum", "lorem", "&")', "ipsum"],
    ['subfield("foo=bar&lorem=ipsum", "foo", "%25")', "bar&lorem=ipsum"],
    ['subfield("a|b=1|c", "c", "|")', ""],
  ])("%s is %j", (expression, result) => {
    expect(evaluate(expression)).toBe(result);
  });

  test("a missing field is not set", () => {
    expect(isSet('subfield("a=1", "b")')).toBe(false);
    expect(isSet('subfield(req.http.Missing, "b")')).toBe(false);
  });
});
