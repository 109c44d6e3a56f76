import type { FunctionRow } from "../catalog-rows.ts";
import type { Transaction } from "../runtime.ts";
import type { VclValue } from "../values.ts";
import { defineFunction, integer, number, text } from "./rows.ts";
import { formatStrftime } from "./strftime.ts";

const TIME = { category: "date-and-time" };

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** The forms that functions/date-and-time/std-time lists, GMT being the only zone. */
const DATE_FORMATS: readonly RegExp[] = [
  // IMF-fixdate, and RFC 850 with dashes and two digits of year (RFC 9110 §5.6.7)
  /^[A-Za-z]+, (?<day>\d{1,2})[ -](?<month>[A-Za-z]{3})[ -](?<year>\d{2}|\d{4}) (?<h>\d{2}):(?<m>\d{2}):(?<s>\d{2}) GMT$/,
  // asctime
  /^[A-Za-z]{3} (?<month>[A-Za-z]{3}) {1,2}(?<day>\d{1,2}) (?<h>\d{2}):(?<m>\d{2}):(?<s>\d{2}) (?<year>\d{4})$/,
  // a subset of ISO 8601
  /^(?<year>\d{4})-(?<month>\d{2})-(?<day>\d{2}) (?<h>\d{2}):(?<m>\d{2}):(?<s>\d{2})$/,
];

/** Seconds since the epoch of a date in one of the forms `std.time` reads, else `undefined`. */
function parseTime(value: string): number | undefined {
  if (/^[0-9]+(?:\.[0-9]+)?$/.test(value)) return Number(value);
  for (const format of DATE_FORMATS) {
    const groups = format.exec(value)?.groups;
    if (groups === undefined) continue;
    const { day, month = "", year = "", h, m, s } = groups;
    const monthIndex = monthOf(month);
    // Two digits: RFC 850 dates of this century up to 68, as strptime reads them.
    const fullYear = year.length === 2 ? Number(year) + (Number(year) < 69 ? 2000 : 1900) : Number(year);
    const date = { year: fullYear, month: monthIndex, day: Number(day) };
    if (isInCalendar(date, { h: Number(h), m: Number(m), s: Number(s) }))
      return Date.UTC(fullYear, monthIndex, date.day, Number(h), Number(m), Number(s)) / 1000;
  }
  return undefined;
}

/** From 0; as strptime(3) reads it, upper and lower case are one. */
function monthOf(text: string): number {
  return /^\d/.test(text)
    ? Number(text) - 1
    : MONTHS.findIndex((name) => name.toLowerCase() === text.toLowerCase());
}

/** Whether such a day and time exist; 60 is a leap second's. */
function isInCalendar(
  { year, month, day }: { readonly year: number; readonly month: number; readonly day: number },
  { h, m, s }: { readonly h: number; readonly m: number; readonly s: number },
): boolean {
  if (month < 0 || month > 11 || h > 23 || m > 59 || s > 60) return false;
  return day >= 1 && day <= new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
}

const UNIT_SECONDS: Readonly<Record<string, bigint>> = { d: 86_400n, h: 3600n, m: 60n, s: 1n };
const INTEGER_MAX = 2n ** 63n - 1n;

/** Seconds of the first number and unit (`2d`, `3h`, `1m`, `10s`, plain seconds); -1 for anything else. */
function parseTimeDelta(specifier: string): bigint {
  const match = /^[ \t\n\v\f\r]*\+?([0-9]+)(.?)/s.exec(specifier);
  if (match === null) return -1n;
  const [, digits = "0", unit = ""] = match;
  if (digits.length > 19) return -1n;
  const seconds = BigInt(digits) * (UNIT_SECONDS[unit.toLowerCase()] ?? 1n);
  return seconds > INTEGER_MAX ? -1n : seconds;
}

const DECIMALS: Readonly<Record<string, number>> = { s: 0, ms: 3, us: 6, ns: 9 };

/** Seconds with as many decimals as the unit has; an unknown unit is not set and EINVAL. */
function inUnits(t: Transaction, args: readonly VclValue[]): string | null {
  const decimals = DECIMALS[text(args[0])];
  if (decimals === undefined) {
    t.vclError = "EINVAL";
    return null;
  }
  const value = number(args[1]);
  return decimals === 0 ? String(Math.trunc(value)) : value.toFixed(decimals);
}

function hexToTime(t: Transaction, args: readonly VclValue[]): number {
  const divisor = integer(args[0]);
  const digits = text(args[1]).replace(/^0x/i, "");
  if (divisor === 0n || !/^[0-9a-f]{1,16}$/i.test(digits)) {
    t.vclError = divisor === 0n ? "EDOM" : "EINVAL";
    return 0;
  }
  return Number(BigInt(`0x${digits}`) / divisor);
}

function elapsedRatio(args: readonly VclValue[]): number {
  const [ref = 0, start = 0, end = 0] = args.map(number);
  return end === start ? 0 : (ref - start) / (end - start);
}

/** TIME, RTIME and their texts. */
export const TIME_FUNCTIONS: readonly FunctionRow[] = [
  defineFunction(
    "TIME std.time(STRING s, TIME fallback)",
    TIME,
    (_t, [s, fallback]) => parseTime(text(s)) ?? number(fallback),
  ),
  defineFunction("TIME std.integer2time(INTEGER time)", TIME, (_t, [seconds]) => Number(integer(seconds))),
  defineFunction("STRING strftime(STRING format, TIME time)", TIME, (_t, [format, time]) =>
    formatStrftime(text(format), number(time)),
  ),
  defineFunction("TIME time.add(TIME t1, RTIME t2)", TIME, (_t, [a, b]) => number(a) + number(b)),
  defineFunction("TIME time.sub(TIME t1, RTIME t2)", TIME, (_t, [a, b]) => number(a) - number(b)),
  defineFunction("BOOL time.is_after(TIME t1, TIME t2)", TIME, (_t, [a, b]) => number(a) > number(b)),
  defineFunction("TIME time.hex_to_time(INTEGER divisor, STRING dividend)", TIME, hexToTime),
  defineFunction("FLOAT time.interval_elapsed_ratio(TIME ref, TIME start, TIME end)", TIME, (_t, args) =>
    elapsedRatio(args),
  ),
  defineFunction("STRING time.units(STRING unit, TIME time)", TIME, inUnits),
  defineFunction("STRING time.runits(STRING unit, RTIME rtime)", TIME, inUnits),
  defineFunction("INTEGER parse_time_delta(STRING specifier)", TIME, (_t, [s]) => parseTimeDelta(text(s))),
];
