import { test as property, fc } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { parseIp } from "../../src/vcl/ip.ts";
import { formatFloat, formatTime, integerFromNumber, toInteger, toVclString } from "../../src/vcl/values.ts";

describe("printing values", () => {
  test("floats and durations print with three decimals", () => {
    expect(toVclString(1.5, "FLOAT")).toBe("1.500");
    expect(toVclString(-0.0004, "FLOAT")).toBe("-0.000");
    expect(toVclString(3600, "RTIME")).toBe("3600.000");
    expect(formatFloat(1e22)).toBe("10000000000000000000000.000");
    expect(formatFloat(Number.POSITIVE_INFINITY)).toBe("inf");
  });

  test("a time prints as an HTTP date", () => {
    expect(toVclString(0, "TIME")).toBe("Thu, 01 Jan 1970 00:00:00 GMT");
    expect(toVclString(1_136_239_445.9, "TIME")).toBe("Mon, 02 Jan 2006 22:04:05 GMT");
  });

  test("a time that no HTTP date can say prints as an error text", () => {
    expect(formatTime(-1)).toBe("datetime out of bounds");
    expect(formatTime(253_402_300_800)).toBe("datetime out of bounds");
    expect(formatTime(Number.NaN)).toBe("datetime out of bounds");
  });

  test("a boolean prints as 1 or 0 and what is not set stays not set", () => {
    expect(toVclString(true, "BOOL")).toBe("1");
    expect(toVclString(false, "BOOL")).toBe("0");
    expect(toVclString(null, "STRING")).toBeNull();
  });
});

describe("integers", () => {
  test("arithmetic wraps at 64 bits", () => {
    expect(toInteger(2n ** 63n)).toBe(-(2n ** 63n));
  });

  test("a float is cut towards zero and saturates", () => {
    expect(integerFromNumber(-2.9)).toBe(-2n);
    expect(integerFromNumber(1e30)).toBe(2n ** 63n - 1n);
    expect(integerFromNumber(-1e30)).toBe(-(2n ** 63n));
    expect(integerFromNumber(Number.NaN)).toBe(0n);
  });
});

describe("addresses", () => {
  test.each([
    ["2001:0DB8:0:0:0:0:0:1", "2001:db8::1"],
    ["::", "::"],
    ["::ffff:192.0.2.1", "::ffff:192.0.2.1"],
    ["::FFFF:c000:0201", "::ffff:192.0.2.1"],
    ["::c000:201", "::192.0.2.1"],
    ["::ffff", "::ffff"],
    ["::1:ffff:c000:201", "::1:ffff:c000:201"],
    ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
    ["fe80::1:0:0:1", "fe80::1:0:0:1"],
    ["1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"],
    ["192.0.2.1", "192.0.2.1"],
  ])("%s prints as %s", (text, printed) => {
    expect(parseIp(text)?.text).toBe(printed);
  });

  test.each([
    "",
    "1.2.3",
    "1.2.3.256",
    "01.2.3.4",
    "1.2.3.4.5",
    ":::",
    "1::2::3",
    "12345::",
    "1:2:3:4:5:6:7",
    "g::",
    "1.2.3.4::",
  ])("%j is no address", (text) => {
    expect(parseIp(text)).toBeNull();
  });

  property.prop([fc.oneof(fc.ipV4(), fc.ipV6())])("what an address prints is the same address", (text) => {
    const parsed = parseIp(text);
    expect(parsed).not.toBeNull();
    expect(parseIp(parsed?.text ?? "")).toEqual(parsed);
  });
});
