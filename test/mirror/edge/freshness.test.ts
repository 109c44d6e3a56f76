import { expect, test } from "vitest";
import { HeaderList } from "../../../src/http/header-list.ts";
import type { HeaderLine } from "../../../src/http/header-list.ts";
import { planFreshness } from "../../../src/mirror/edge/freshness.ts";
import { parseHttpDate } from "../../../src/mirror/edge/http-dates.ts";

const NOW = Date.UTC(2026, 0, 1) / 1000;

function plan(lines: readonly HeaderLine[], status = 200): ReturnType<typeof planFreshness> {
  return planFreshness({ status, headers: HeaderList.from(lines) }, NOW);
}

test("the ttl comes from Surrogate-Control, s-maxage, max-age, Expires, two minutes, in this order", () => {
  const surrogate: HeaderLine = ["Surrogate-Control", "max-age=1"];
  const shared: HeaderLine = ["Cache-Control", "s-maxage=2, max-age=3"];
  const plain: HeaderLine = ["Cache-Control", "max-age=3"];
  const expires: HeaderLine = ["Expires", "Thu, 01 Jan 2026 00:00:04 GMT"];
  expect(plan([surrogate, shared, expires]).ttl).toBe(1);
  expect(plan([shared, expires]).ttl).toBe(2);
  expect(plan([plain, expires]).ttl).toBe(3);
  expect(plan([expires]).ttl).toBe(4);
  expect(plan([]).ttl).toBe(120);
});

test("Age shortens the ttl, but not one that comes from Expires", () => {
  expect(
    plan([
      ["Cache-Control", "max-age=30"],
      ["Age", "10"],
    ]),
  ).toMatchObject({ ttl: 20, age: 10 });
  expect(
    plan([
      ["Cache-Control", "max-age=30"],
      ["Age", "40"],
    ]),
  ).toMatchObject({ ttl: 0, age: 40 });
  expect(
    plan([
      ["Expires", "Thu, 01 Jan 2026 00:00:30 GMT"],
      ["Age", "10"],
    ]),
  ).toMatchObject({ ttl: 30, age: 0 });
});

test("Expires counts from the response's own Date; what is no date has expired", () => {
  const date: HeaderLine = ["Date", "Wed, 31 Dec 2025 23:59:00 GMT"];
  expect(plan([["Expires", "Thu, 01 Jan 2026 00:00:00 GMT"], date]).ttl).toBe(60);
  expect(plan([["Expires", "0"]]).ttl).toBe(0);
  expect(plan([["Expires", "Wed, 31 Dec 2025 00:00:00 GMT"]]).ttl).toBe(0);
});

test("stale windows come from Surrogate-Control, then Cache-Control, else they are closed", () => {
  const control: HeaderLine = ["Cache-Control", "max-age=1, stale-while-revalidate=5, stale-if-error=6"];
  expect(plan([control])).toMatchObject({ staleWhileRevalidate: 5, staleIfError: 6 });
  const surrogate: HeaderLine = ["Surrogate-Control", "stale-if-error=7"];
  expect(plan([control, surrogate])).toMatchObject({ staleWhileRevalidate: 5, staleIfError: 7 });
  expect(plan([])).toMatchObject({ staleWhileRevalidate: 0, staleIfError: 0 });
});

test("cacheable by default are these statuses only, whatever the ttl", () => {
  const cacheable = [200, 203, 300, 301, 302, 404, 410];
  for (const status of [...cacheable, 204, 206, 303, 307, 308, 400, 403, 500, 503]) {
    expect(plan([["Cache-Control", "max-age=9"]], status)).toMatchObject({
      ttl: 9,
      cacheable: cacheable.includes(status),
    });
  }
});

test("private, no-store and no-cache play no part; a value that is no number is 0", () => {
  expect(plan([["Cache-Control", "private, no-store, no-cache, max-age=9"]])).toMatchObject({
    ttl: 9,
    cacheable: true,
  });
  for (const value of ['max-age="9"', "max-age=x, =,,", "max-age=-9", "max-age=9.5", "max-age='9'"]) {
    expect(plan([["Cache-Control", value]]).ttl).toBe(0);
  }
  expect(plan([["Cache-Control", "max-age=9s"]]).ttl).toBe(9);
  expect(plan([["Cache-Control", "max-age, no-transform"]]).ttl).toBe(120);
  expect(plan([["Cache-Control", 'x="max-age=5", max-age=9']]).ttl).toBe(5);
  expect(plan([["Cache-Control", "max-age=99999999999999"]]).ttl).toBe(2 ** 31);
});

test("HTTP dates in their three forms, and nothing else", () => {
  expect(parseHttpDate("Sun, 06 Nov 1994 08:49:37 GMT")).toBe(784111777);
  expect(parseHttpDate("Sun Nov  6 08:49:37 1994")).toBe(784111777);
  expect(parseHttpDate("Sunday, 06-Nov-94 08:49:37 GMT")).toBe(784111777);
  expect([parseHttpDate("0"), parseHttpDate("tomorrow"), parseHttpDate("")]).toEqual([null, null, null]);
});

test("dates in other zones, mixed forms, impossible days and hours are none", () => {
  for (const text of [
    "Sun, 06 Nov 1994 08:49:37 UTC",
    "Sun, 06 Nov 1994 08:49:37 gmt",
    "Sun 06 Nov 1994 08:49:37 GMT",
    "Sun, 06-Nov-1994 08:49:37 GMT",
    "Sun, 31 Feb 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 24:49:37 GMT",
    "Sun, 06 Foo 1994 08:49:37 GMT",
  ]) {
    expect(parseHttpDate(text), text).toBeNull();
  }
  expect(parseHttpDate("sun,  06 nOV 1994 8:49:37 GMT")).toBe(784111777);
});

test("Expires counts from Date, but not from one that is still to come", () => {
  const expires: HeaderLine = ["Expires", "Thu, 01 Jan 2026 00:05:00 GMT"];
  expect(plan([expires, ["Date", "Wed, 31 Dec 2025 23:59:00 GMT"]]).ttl).toBe(360);
  expect(plan([expires, ["Date", "Thu, 01 Jan 2026 00:10:00 GMT"]]).ttl).toBe(300);
});
