import { test as property, fc } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { evaluate } from "../../support/vcl.ts";

/** The value and what `fastly.error` is afterwards. */
function withError(expression: string): string | null {
  const before = `set req.http.V = ${expression}; if (fastly.error) { set req.http.V = req.http.V " " fastly.error; }`;
  return evaluate("req.http.V", { before });
}

describe("reading integers", () => {
  test.each([
    ['std.strtol("123", 0)', "123"],
    ['std.strtol("0123", 0)', "83"],
    ['std.strtol("0xABC", 0)', "2748"],
    ['std.strtol("0xABC", 16)', "2748"],
    ['std.strtol("0xABC", 36)', "1553016"],
    ['std.strtol("-0x10", 16)', "-16"],
    ['std.atoi("  42abc")', "42"],
    ['std.atoi("+7")', "7"],
    ['std.atoi("abc")', "0 EPARSENUM"],
    ['std.atoi("")', "0 EPARSENUM"],
    ['std.strtol("1", 1)', "0 EINVAL"],
    ['std.strtol("1", 37)', "0 EINVAL"],
    ['std.atoi("9223372036854775807")', "9223372036854775807"],
    ['std.atoi("9223372036854775808")', "9223372036854775807 ERANGE"],
    ['std.atoi("-9223372036854775808")', "-9223372036854775808"],
    ['std.atoi("-99999999999999999999999")', "-9223372036854775808 ERANGE"],
  ])("%s is %s", (expression, result) => {
    expect(withError(expression)).toBe(result);
  });

  property.prop([fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.integer({ min: 2, max: 36 })])(
    "what itoa prints strtol reads back",
    (value, base) => {
      const before = `declare local var.i INTEGER; set var.i = std.strtol("${value.toString(base)}", ${base});`;
      expect(evaluate(`std.itoa(var.i, ${base})`, { before })).toBe(value.toString(base));
    },
  );
});

describe("reading floats and printing integers", () => {
  test.each([
    ['std.atof("21.825xyz")', "21.825"],
    ['std.atof("  -1e3")', "-1000.000"],
    ['std.strtof("0x1.8p1", 0)', "3.000"],
    ['std.strtof("A", 16)', "10.000"],
    ['std.atof("abc")', "0.000 EPARSENUM"],
    ['std.strtof("1", 7)', "0.000 EINVAL"],
    ["std.itoa(-10)", "-10"],
    ["std.itoa(42, 16)", "2a"],
    ['std.itoa_charset(8, "ab")', "baaa"],
    [
      'std.itoa_charset(4825434263756878946, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")',
      "5KsxueeBfd8",
    ],
  ])("%s is %s", (expression, result) => {
    expect(withError(expression)).toBe(result);
  });
});

describe("addresses", () => {
  test.each([
    ['std.ip("192.0.2.256", "192.0.2.2")', "192.0.2.2"],
    ['std.str2ip("2001:db8::1d", "::1")', "2001:db8::1d"],
    ['std.anystr2ip("0x8.010.2056", "10.0.0.0")', "8.8.8.8"],
    ['std.anystr2ip("0xc0.0.01001", "10.0.0.0")', "192.0.2.1"],
    ['std.anystr2ip("0x8.010.foo", "10.0.0.0")', "10.0.0.0"],
    ['std.anystr2ip("134744072", "10.0.0.0")', "8.8.8.8"],
    ['addr.extract_bits(std.ip("151.101.2.217", "::1"), 0, 8)', "217"],
    ['addr.extract_bits(std.ip("151.101.2.217", "::1"), 24, 8)', "151"],
    ['addr.is_ipv6(std.ip("::1", "::1"))', "1"],
    ["addr.is_ipv4(client.ip)", "1"],
  ])("%s is %s", (expression, result) => {
    expect(evaluate(expression)).toBe(result);
  });

  test("an address that does not parse, with a fallback that does not either, is not set", () => {
    expect(evaluate('if(std.ip("x", "y"), "set", "unset")')).toBe("unset");
  });
});

describe("math.*", () => {
  test.each([
    ["math.roundhalfup(-2.5)", "-2.000"],
    ["math.roundhalfup(2.5)", "3.000"],
    ["math.roundhalfdown(2.5)", "2.000"],
    ["math.roundhalfdown(-2.5)", "-3.000"],
    ["math.roundeven(2.5)", "2.000"],
    ["math.roundeven(3.5)", "4.000"],
    ["math.round(-2.5)", "-3.000"],
    ["math.trunc(-2.7)", "-2.000"],
    ["math.exp2(10.0)", "1024.000"],
    ["math.sqrt(2.25)", "1.500"],
    ["math.atan2(0.0, 1.0)", "0.000"],
    ["math.sqrt(-1.0)", "NaN EDOM"],
    ["math.log(-1.0)", "NaN EDOM"],
    ["math.log(0.0)", "-inf EPOLE"],
    ["math.atanh(-1.0)", "-inf EPOLE"],
    ["math.sinh(1000.0)", "inf ERANGE"],
    ["math.sinh(-1000.0)", "-inf ERANGE"],
    ["math.is_nan(math.NAN)", "1"],
    ["math.is_infinite(math.NEG_INFINITY)", "1"],
    ["math.is_finite(1.0)", "1"],
    ["math.is_subnormal(0.0)", "0"],
    ["math.INTEGER_MAX", "9223372036854775807"],
    ["math.PI", "3.142"],
  ])("%s is %s", (expression, result) => {
    expect(withError(expression)).toBe(result);
  });
});
