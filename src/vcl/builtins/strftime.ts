const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];

const DAY_MS = 86_400_000;

function pad(value: number, width: number, fill = "0"): string {
  return String(value).padStart(width, fill);
}

/** Days since January 1st, from 0. */
function dayOfYear(date: Date): number {
  return Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / DAY_MS);
}

/** Week of the year where the first `start` (0 Sunday, 1 Monday) begins week 1. */
function weekOfYear(date: Date, start: 0 | 1): number {
  const weekday = (date.getUTCDay() - start + 7) % 7;
  return Math.floor((dayOfYear(date) + 7 - weekday) / 7);
}

/** ISO 8601 week and the year it belongs to: the week with the year's first Thursday is week 1. */
function isoWeek(date: Date): { readonly year: number; readonly week: number } {
  const weekday = (date.getUTCDay() + 6) % 7;
  const thursday = new Date(date.getTime() + (3 - weekday) * DAY_MS);
  return { year: thursday.getUTCFullYear(), week: 1 + Math.floor(dayOfYear(thursday) / 7) };
}

function hour12(date: Date): number {
  return date.getUTCHours() % 12 === 0 ? 12 : date.getUTCHours() % 12;
}

type Conversion = (date: Date) => string;

const CONVERSIONS: Readonly<Record<string, Conversion>> = {
  a: (d) => (DAYS[d.getUTCDay()] ?? "").slice(0, 3),
  A: (d) => DAYS[d.getUTCDay()] ?? "",
  b: (d) => (MONTHS[d.getUTCMonth()] ?? "").slice(0, 3),
  B: (d) => MONTHS[d.getUTCMonth()] ?? "",
  c: (d) => formatDate("%a %b %e %H:%M:%S %Y", d),
  C: (d) => pad(Math.floor(d.getUTCFullYear() / 100), 2),
  d: (d) => pad(d.getUTCDate(), 2),
  D: (d) => formatDate("%m/%d/%y", d),
  e: (d) => pad(d.getUTCDate(), 2, " "),
  F: (d) => formatDate("%Y-%m-%d", d),
  g: (d) => pad(isoWeek(d).year % 100, 2),
  G: (d) => String(isoWeek(d).year),
  h: (d) => (MONTHS[d.getUTCMonth()] ?? "").slice(0, 3),
  H: (d) => pad(d.getUTCHours(), 2),
  I: (d) => pad(hour12(d), 2),
  j: (d) => pad(dayOfYear(d) + 1, 3),
  k: (d) => pad(d.getUTCHours(), 2, " "),
  l: (d) => pad(hour12(d), 2, " "),
  m: (d) => pad(d.getUTCMonth() + 1, 2),
  M: (d) => pad(d.getUTCMinutes(), 2),
  n: () => "\n",
  p: (d) => (d.getUTCHours() < 12 ? "AM" : "PM"),
  P: (d) => (d.getUTCHours() < 12 ? "am" : "pm"),
  r: (d) => formatDate("%I:%M:%S %p", d),
  R: (d) => formatDate("%H:%M", d),
  s: (d) => String(Math.floor(d.getTime() / 1000)),
  S: (d) => pad(d.getUTCSeconds(), 2),
  t: () => "\t",
  T: (d) => formatDate("%H:%M:%S", d),
  u: (d) => String(d.getUTCDay() === 0 ? 7 : d.getUTCDay()),
  U: (d) => pad(weekOfYear(d, 0), 2),
  V: (d) => pad(isoWeek(d).week, 2),
  w: (d) => String(d.getUTCDay()),
  W: (d) => pad(weekOfYear(d, 1), 2),
  x: (d) => formatDate("%m/%d/%y", d),
  X: (d) => formatDate("%H:%M:%S", d),
  y: (d) => pad(d.getUTCFullYear() % 100, 2),
  Y: (d) => String(d.getUTCFullYear()),
  z: () => "+0000",
  Z: () => "GMT",
  "%": () => "%",
};

/** glibc's flags: `_` pads with blanks, `-` does not pad, `0` pads with zeros. */
function applyFlag(text: string, flag: string): string {
  if (flag === "" || !/^[ 0]?\d*$/.test(text)) return text;
  if (flag === "0") return text.replace(/^ +/, (blanks) => "0".repeat(blanks.length));
  const bare = text.replace(/^[ 0]+(?=\d)/, "");
  return flag === "-" ? bare : bare.padStart(text.length, " ");
}

interface Format {
  readonly parts: readonly (string | Conversion)[];
  /** What it printed last, and of which time (milliseconds): requests ask for the present second again and again. */
  at: number;
  text: string;
}

/** Formats read so far: a program has a handful, and reading one costs more than printing it. */
const formats = new Map<string, Format>();
const MOST_FORMATS = 128;

function formatNamed(format: string): Format {
  const known = formats.get(format);
  if (known !== undefined) return known;
  if (formats.size >= MOST_FORMATS) formats.clear();
  const made = { parts: readFormat(format), at: Number.NaN, text: "" };
  formats.set(format, made);
  return made;
}

function formatDate(format: string, date: Date): string {
  let text = "";
  for (const part of formatNamed(format).parts) text += typeof part === "string" ? part : part(date);
  return text;
}

function readFormat(format: string): readonly (string | Conversion)[] {
  const parts: (string | Conversion)[] = [];
  let copied = 0;
  for (const match of format.matchAll(/%([-_0]?)[EO]?(.)/gs)) {
    const [whole, flag = "", letter = ""] = match;
    const convert = CONVERSIONS[letter];
    if (convert === undefined) continue;
    parts.push(format.slice(copied, match.index));
    parts.push(flag === "" ? convert : (date) => applyFlag(convert(date), flag));
    copied = match.index + whole.length;
  }
  parts.push(format.slice(copied));
  return parts;
}

/** Formats seconds since the epoch as strftime(3) does in UTC (functions/date-and-time/strftime). */
export function formatStrftime(format: string, seconds: number): string {
  const at = Math.floor(seconds) * 1000;
  const known = formatNamed(format);
  if (known.at === at) return known.text;
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return "datetime out of bounds";
  known.text = formatDate(format, date);
  known.at = at;
  return known.text;
}
