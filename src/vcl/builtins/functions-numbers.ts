import type { FunctionRow } from "../catalog-rows.ts";
import { parseIp } from "../ip.ts";
import type { IpAddress } from "../ip.ts";
import type { Transaction } from "../runtime.ts";
import type { VclValue } from "../values.ts";
import { defineFunction, integer, ip, number, text } from "./rows.ts";

const STRINGS = { category: "strings" };
const MATH_TRIG = { category: "math-trig" };
const MATH_LOGEXP = { category: "math-logexp" };
const MATH_ROUNDING = { category: "math-rounding" };
const FLOAT_CLASS = { category: "floating-point-classifications" };
const ADDRESS = { category: "miscellaneous" };

const MAX = 2n ** 63n - 1n;
const MIN = -(2n ** 63n);

function fail(t: Transaction, code: "EDOM" | "EINVAL" | "EPARSENUM" | "EPOLE" | "ERANGE"): void {
  t.vclError = code;
}

// ---- strings and numbers -------------------------------------------------------------------------------------

const DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz";

/** As strtoll(3): blanks, a sign, a prefix for bases 0, 8 and 16, then digits; the rest is ignored. */
export function parseInteger(t: Transaction, subject: string, base: number): bigint {
  if (base !== 0 && (base < 2 || base > 36)) {
    fail(t, "EINVAL");
    return 0n;
  }
  const [, sign = "", body = ""] = /^[ \t\n\v\f\r]*([+-]?)(.*)$/s.exec(subject) ?? [];
  const hex = (base === 0 || base === 16) && /^0x[0-9a-f]/i.test(body);
  const radix = base === 0 ? (hex ? 16 : body.startsWith("0") ? 8 : 10) : base;
  const digits = leadingDigits(hex ? body.slice(2) : body, radix);
  if (digits === "") {
    fail(t, "EPARSENUM");
    return 0n;
  }
  let value = 0n;
  for (const digit of digits) {
    value = value * BigInt(radix) + BigInt(DIGITS.indexOf(digit));
    if (value > MAX + 1n) break;
  }
  if (sign === "-") value = -value;
  if (value >= MIN && value <= MAX) return value;
  fail(t, "ERANGE");
  return value < 0n ? MIN : MAX;
}

function leadingDigits(body: string, radix: number): string {
  const lower = body.toLowerCase();
  const end = lower.split("").findIndex((char) => {
    const digit = DIGITS.indexOf(char);
    return digit === -1 || digit >= radix;
  });
  return end === -1 ? lower : lower.slice(0, end);
}

const HEX_FLOAT = /^0x([0-9a-f]+)(?:\.([0-9a-f]*))?(?:p([+-]?[0-9]+))?/i;
const DECIMAL_FLOAT = /^(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?/i;

/** As strtod(3), with base 10 or 16 (0 decides by the prefix). */
function parseFloatText(t: Transaction, subject: string, base: number): number {
  const [, sign = "", body = ""] = /^[ \t\n\v\f\r]*([+-]?)(.*)$/s.exec(subject) ?? [];
  const factor = sign === "-" ? -1 : 1;
  const hex = base === 10 ? null : HEX_FLOAT.exec(base === 16 && !/^0x/i.test(body) ? `0x${body}` : body);
  if (hex !== null) {
    const [, whole = "", fraction = "", exponent = "0"] = hex;
    const mantissa =
      Number.parseInt(whole, 16) + Number.parseInt(fraction || "0", 16) / 16 ** fraction.length;
    return factor * mantissa * 2 ** Number(exponent);
  }
  const decimal = base === 16 ? null : DECIMAL_FLOAT.exec(body);
  if (decimal !== null) return factor * Number(decimal[0]);
  const named = /^(inf(?:inity)?|nan)/i.exec(body);
  if (named !== null)
    return named[0].toLowerCase() === "nan" ? Number.NaN : factor * Number.POSITIVE_INFINITY;
  fail(t, "EPARSENUM");
  return 0;
}

function itoa(t: Transaction, args: readonly VclValue[]): string | null {
  const base = args[1] === undefined ? 10n : integer(args[1]);
  if (base < 2n || base > 36n) {
    fail(t, "EINVAL");
    return null;
  }
  return integer(args[0]).toString(Number(base));
}

/** Digits from a set of one's own; negative numbers print as their unsigned 64 bits. */
function itoaCharset(t: Transaction, args: readonly VclValue[]): string | null {
  const charset = text(args[1]);
  const base = BigInt(charset.length);
  if (base < 2n) {
    fail(t, "EINVAL");
    return null;
  }
  let rest = BigInt.asUintN(64, integer(args[0]));
  let digits = "";
  do {
    digits = (charset[Number(rest % base)] ?? "") + digits;
    rest /= base;
  } while (rest > 0n);
  return digits;
}

// ---- addresses -----------------------------------------------------------------------------------------------

/** As inet_aton(3): one to four parts, each decimal, octal or hex, the last one filling the rest. */
function parseAnyIp(subject: string): IpAddress | null {
  const plain = parseIp(subject);
  if (plain !== null || subject.includes(":")) return plain;
  const parts = subject.split(".");
  if (parts.length > 4) return null;
  const numbers: bigint[] = [];
  for (const part of parts) {
    if (!/^(?:0x[0-9a-f]+|0[0-7]*|[1-9][0-9]*)$/i.test(part) || part.length > 12) return null;
    numbers.push(BigInt(/^0[0-7]+$/.test(part) ? `0o${part.slice(1)}` : part));
  }
  const last = numbers.pop() ?? 0n;
  const room = BigInt(8 * (4 - numbers.length));
  if (last >= 1n << room || numbers.some((value) => value > 255n)) return null;
  const bits = (numbers.reduce((sum, value) => (sum << 8n) | value, 0n) << room) | last;
  return parseIp([24n, 16n, 8n, 0n].map((shift) => (bits >> shift) & 255n).join("."));
}

function extractBits(t: Transaction, args: readonly VclValue[]): bigint {
  const address = ip(args[0]);
  const start = integer(args[1]);
  const count = integer(args[2]);
  const size = address?.family === 6 ? 128n : 32n;
  if (address === null || start < 0n || count < 0n || count > 32n || start + count > size) {
    fail(t, "EINVAL");
    return 0n;
  }
  return (address.bits >> start) & ((1n << count) - 1n);
}

// ---- math ----------------------------------------------------------------------------------------------------

/**
 * A function of one FLOAT. NaN stays NaN; outside its domain the result is NaN and `fastly.error` EDOM, at a pole
 * EPOLE, and ERANGE where the result is too large or too small for a FLOAT of full precision (functions/math-trig/math-sin).
 */
function math(
  name: string,
  options: { readonly category: string },
  compute: (x: number) => number,
): FunctionRow {
  return defineFunction(`FLOAT math.${name}(FLOAT x)`, options, (t, [value]) => {
    const x = number(value);
    const result = compute(x);
    if (Number.isNaN(result)) {
      if (!Number.isNaN(x)) fail(t, "EDOM");
    } else if (isSubnormal(result) || (result === 0 && isExponential(name) && Number.isFinite(x))) {
      fail(t, "ERANGE");
    } else if (!Number.isFinite(result) && Number.isFinite(x)) fail(t, hasPole(name) ? "EPOLE" : "ERANGE");
    return result;
  });
}

/** Whether infinity is the exact result somewhere, rather than one too large to hold. */
function hasPole(name: string): boolean {
  return name === "atanh" || name.startsWith("log");
}

function isExponential(name: string): boolean {
  return name === "exp" || name === "exp2";
}

/** Smallest FLOAT with full precision. */
const SMALLEST_NORMAL = 2.2250738585072014e-308;

function isSubnormal(x: number): boolean {
  return x !== 0 && Math.abs(x) < SMALLEST_NORMAL;
}

/** Adding a half first would round the number just below a half up, and odd numbers beyond 2^52. */
function roundHalfUp(x: number): number {
  const floor = Math.floor(x);
  return x - floor >= 0.5 ? floor + 1 : floor;
}

/** Half away from zero, as round(3). */
function round(x: number): number {
  return Math.sign(x) * roundHalfUp(Math.abs(x));
}

function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

function classify(name: string, test: (x: number) => boolean): FunctionRow {
  return defineFunction(`BOOL math.is_${name}(FLOAT x)`, FLOAT_CLASS, (_t, [x]) => test(number(x)));
}

const mathRows: readonly FunctionRow[] = [
  ...(
    [
      "acos",
      "acosh",
      "asin",
      "asinh",
      "atan",
      "atanh",
      "cos",
      "cosh",
      "sin",
      "sinh",
      "tan",
      "tanh",
      "sqrt",
    ] as const
  ).map((name) => math(name, MATH_TRIG, Math[name])),
  ...(["exp", "log", "log10", "log2"] as const).map((name) => math(name, MATH_LOGEXP, Math[name])),
  math("exp2", MATH_LOGEXP, (x) => 2 ** x),
  ...(["ceil", "floor", "trunc"] as const).map((name) => math(name, MATH_ROUNDING, Math[name])),
  math("round", MATH_ROUNDING, round),
  math("roundeven", MATH_ROUNDING, roundHalfEven),
  math("roundhalfup", MATH_ROUNDING, roundHalfUp),
  math("roundhalfdown", MATH_ROUNDING, (x) => -roundHalfUp(-x)),
  defineFunction("FLOAT math.atan2(FLOAT y, FLOAT x)", MATH_TRIG, (_t, [y, x]) =>
    Math.atan2(number(y), number(x)),
  ),
  classify("finite", Number.isFinite),
  classify("infinite", (x) => x === Infinity || x === -Infinity),
  classify("nan", Number.isNaN),
  classify("normal", (x) => Number.isFinite(x) && Math.abs(x) >= SMALLEST_NORMAL),
  classify("subnormal", isSubnormal),
];

/** Numbers, addresses and their texts. */
export const NUMBER_FUNCTIONS: readonly FunctionRow[] = [
  defineFunction("INTEGER std.atoi(STRING s)", STRINGS, (t, [s]) => parseInteger(t, text(s), 10)),
  defineFunction("INTEGER std.strtol(STRING s, INTEGER base)", STRINGS, (t, [s, base]) =>
    parseInteger(t, text(s), Number(integer(base))),
  ),
  defineFunction("FLOAT std.atof(STRING s)", STRINGS, (t, [s]) => parseFloatText(t, text(s), 10)),
  defineFunction("FLOAT std.strtof(STRING s, INTEGER base)", STRINGS, (t, [s, base]) => {
    const radix = Number(integer(base));
    if (![0, 10, 16].includes(radix)) {
      fail(t, "EINVAL");
      return 0;
    }
    return parseFloatText(t, text(s), radix);
  }),
  defineFunction("STRING std.itoa(INTEGER value, [INTEGER base])", STRINGS, itoa),
  defineFunction("STRING std.itoa_charset(INTEGER value, STRING charset)", STRINGS, itoaCharset),
  ...["std.ip", "std.str2ip"].map((name) =>
    defineFunction(`IP ${name}(STRING addr, STRING fallback)`, STRINGS, (_t, [addr, fallback]) => {
      return parseIp(text(addr)) ?? parseIp(text(fallback));
    }),
  ),
  defineFunction("IP std.anystr2ip(STRING addr, STRING fallback)", STRINGS, (_t, [addr, fallback]) => {
    return parseAnyIp(text(addr)) ?? parseAnyIp(text(fallback));
  }),
  defineFunction("STRING std.ip2str(IP ip)", STRINGS, (_t, [address]) => ip(address)?.text ?? null),
  defineFunction("BOOL addr.is_ipv4(IP ip)", ADDRESS, (_t, [address]) => ip(address)?.family === 4),
  defineFunction("BOOL addr.is_ipv6(IP ip)", ADDRESS, (_t, [address]) => ip(address)?.family === 6),
  defineFunction(
    "INTEGER addr.extract_bits(IP ip, INTEGER start_bit, INTEGER bit_count)",
    ADDRESS,
    extractBits,
  ),
  ...mathRows,
];
