import { describe, expect, test } from "vitest";
import { formatStrftime } from "../../../src/vcl/builtins/strftime.ts";
import { evaluate } from "../../support/vcl.ts";

const MOMENT = 1_677_808_090; // 2023-03-03T01:48:10Z

describe("strftime", () => {
  test.each([
    ["%Y-%m-%d %H:%M", "2023-03-03 01:48"],
    ["%a, %d %b %Y %T %z", "Fri, 03 Mar 2023 01:48:10 +0000"],
    ["%Y%m%dT%H%M%SZ", "20230303T014810Z"],
    ["%0I|%-d|%_d|%e", "01|3| 3| 3"],
    ["%j %U %W %V %G %u %w", "062 09 09 09 2023 5 5"],
    ["%s %% %q", "1677808090 % %q"],
    ["%C %y %D %R %r %p", "20 23 03/03/23 01:48 01:48:10 AM AM"],
    ["%A %B %h %k %l", "Friday March Mar  1  1"],
  ])("%s is %s", (format, result) => {
    expect(formatStrftime(format, MOMENT)).toBe(result);
  });

  test("the ISO week belongs to the year of its Thursday", () => {
    expect(formatStrftime("%G-W%V-%u", Date.UTC(2021, 0, 3) / 1000)).toBe("2020-W53-7");
    expect(formatStrftime("%G-W%V-%u", Date.UTC(2024, 11, 30) / 1000)).toBe("2025-W01-1");
  });

  test("now is the moment of the state", () => {
    expect(evaluate('strftime({"%Y%m%d"}, now)')).toBe("20260101");
    expect(evaluate("now.sec")).toBe("1767225600");
    expect(evaluate("now + 5m")).toBe("Thu, 01 Jan 2026 00:05:00 GMT");
  });
});

describe("std.time", () => {
  test.each([
    ["Mon, 02 Jan 2006 22:04:05 GMT", "1136239445"],
    ["Monday, 02-Jan-06 22:04:05 GMT", "1136239445"],
    ["Mon Jan 2 22:04:05 2006", "1136239445"],
    ["2006-01-02 22:04:05", "1136239445"],
    ["1136239445", "1136239445"],
    ["1136239445.00", "1136239445"],
    ["Mon, 02 jan 2006 22:04:05 GMT", "1136239445"],
    ["Thu, 29 Feb 2024 00:00:00 GMT", "1709164800"],
    ["nonsense", "0"],
    ["Wed, 29 Feb 2023 00:00:00 GMT", "0"],
    ["Mon, 32 Jan 2006 22:04:05 GMT", "0"],
    ["Mon, 02 Jan 2006 25:04:05 GMT", "0"],
    ["2006-13-02 22:04:05", "0"],
    ["2006-00-02 22:04:05", "0"],
    ["2006-01-02T22:04:05Z", "0"],
    ["Mon, 02 Jan 2006 22:04:05", "0"],
    ["Mon, 02 Jan 2006 22:04:05 CET", "0"],
    ["Mon, 02 Jan 206 22:04:05 GMT", "0"],
  ])("%s is %s", (text, seconds) => {
    expect(evaluate(`strftime({"%s"}, std.time("${text}", std.integer2time(0)))`)).toBe(seconds);
  });
});

describe("time.*", () => {
  test.each([
    ["time.add(std.integer2time(60), 30s)", "Thu, 01 Jan 1970 00:01:30 GMT"],
    ["time.sub(std.integer2time(60), 2m)", "datetime out of bounds"],
    ["time.is_after(now, time.start)", "1"],
    ['time.hex_to_time(1, "43b9a355")', "Mon, 02 Jan 2006 22:04:05 GMT"],
    ['time.hex_to_time(2, "43b9a355")', "Sat, 02 Jan 1988 11:02:02 GMT"],
    ['time.runits("s", 1500ms)', "1"],
    ['time.runits("ms", 1500ms)', "1.500"],
    ['time.runits("us", 1s)', "1.000000"],
    ['time.units("ns", std.integer2time(1))', "1.000000000"],
    [
      "time.interval_elapsed_ratio(std.integer2time(1711461359), std.integer2time(1704067200), std.integer2time(1735689600))",
      "0.234",
    ],
    ["time.elapsed", "0.250"],
    ["time.elapsed.msec", "250"],
    ["time.elapsed.usec_frac", "250000"],
    ["time.start.sec", "1767225599"],
    ["time.start.msec_frac", "750"],
  ])("%s is %s", (expression, result) => {
    expect(evaluate(expression)).toBe(result);
  });

  test("an unknown unit is not set and EINVAL", () => {
    const before = 'set req.http.U = time.runits("z", 1s);';
    expect(evaluate('if(req.http.U, "set", "unset") fastly.error', { before })).toBe("unsetEINVAL");
  });
});

test.each([
  ["2d", "172800"],
  ["3H", "10800"],
  ["1m", "60"],
  ["10s", "10"],
  ["1d2h", "86400"],
  ["30", "30"],
  ["5 d", "5"],
  [" +2h", "7200"],
  ["", "-1"],
  ["abc", "-1"],
  ["-5d", "-1"],
  ["99999999999999999999", "-1"],
  ["106751991167301d", "-1"],
  ["9223372036854775807", "9223372036854775807"],
])('parse_time_delta("%s") is %s', (text, seconds) => {
  expect(evaluate(`parse_time_delta("${text}")`)).toBe(seconds);
});
