import type { Expression, FloatLiteral, IntegerLiteral, RTimeLiteral, StringLiteral } from "./ast.ts";
import type { Token } from "./lexer.ts";
import type { Cursor } from "./parser-cursor.ts";

const MAX_INTEGER = 2n ** 63n - 1n;
/** RTIME is 64 bits of nanoseconds; literals beyond are clamped (reference/vcl/types/rtime). */
const MAX_RTIME = Number(MAX_INTEGER) / 1e9;

const UNIT_SECONDS: ReadonlyMap<string, number> = new Map([
  ["ms", 0.001],
  ["s", 1],
  ["m", 60],
  ["h", 3600],
  ["d", 86_400],
  ["w", 604_800],
  ["y", 31_536_000],
]);

/** string := `"…"` | `{"…"}` | `{X"…"X}` */
export function stringLiteral(cursor: Cursor, token: Token): StringLiteral {
  return {
    kind: "string",
    value: token.text,
    long: token.kind === "long-string",
    span: cursor.spanOf(token),
  };
}

/** number := `-`? (INTEGER | FLOAT | (INTEGER | FLOAT) UNIT); answers `undefined` where none begins. */
export function parseNumber(cursor: Cursor): Expression | undefined {
  const first = cursor.peek();
  const isNegative = cursor.at("-");
  const token = cursor.peek(isNegative ? 1 : 0);
  if (token.kind !== "integer" && token.kind !== "float" && token.kind !== "rtime") return undefined;
  if (isNegative) cursor.next();
  cursor.next();
  const number = { cursor, first, token, isNegative };
  if (token.kind === "rtime") {
    const unit = /[a-z]+$/.exec(token.text)?.[0] ?? "s";
    return rtimeLiteral(number, { amount: token.text.slice(0, -unit.length), unit });
  }
  const unit = cursor.peek();
  // Space is permitted between the value and its unit (reference/vcl/types/rtime).
  if (unit.kind === "word" && UNIT_SECONDS.has(unit.text) && /^[0-9.]+$/.test(token.text)) {
    cursor.next();
    return rtimeLiteral(number, { amount: token.text, unit: unit.text });
  }
  return token.kind === "integer" ? integerLiteral(number) : floatLiteral(number);
}

interface NumberTokens {
  readonly cursor: Cursor;
  readonly first: Token;
  readonly token: Token;
  readonly isNegative: boolean;
}

/** The magnitude 2^63 exists only as the operand of a minus. */
function integerLiteral({ cursor, first, token, isNegative }: NumberTokens): IntegerLiteral {
  const magnitude = token.text.length > 400 ? MAX_INTEGER + 2n : BigInt(token.text);
  if (magnitude > MAX_INTEGER + (isNegative ? 1n : 0n)) {
    throw cursor.fault("syntax/invalid-number", token, "the number does not fit a 64-bit INTEGER");
  }
  return { kind: "integer", value: isNegative ? -magnitude : magnitude, span: cursor.spanFrom(first) };
}

function floatLiteral({ cursor, first, token, isNegative }: NumberTokens): FloatLiteral {
  const magnitude = /^0[xX]/.test(token.text) ? hexFloat(token.text) : Number(token.text);
  if (!Number.isFinite(magnitude)) {
    throw cursor.fault("syntax/invalid-number", token, "the number does not fit a FLOAT");
  }
  return { kind: "float", value: withSign(magnitude, isNegative), span: cursor.spanFrom(first) };
}

/** `0x1.8p3`; without an exponent `p0` is meant. */
function hexFloat(text: string): number {
  const [digits = "", exponent = "0"] = text.slice(2).split("p");
  const [whole = "0", fraction = ""] = digits.split(".");
  const mantissa = Number(BigInt(`0x${whole}${fraction}`));
  return mantissa * 2 ** (Number(exponent) - 4 * fraction.length);
}

function rtimeLiteral(
  { cursor, first, isNegative }: NumberTokens,
  { amount, unit }: { readonly amount: string; readonly unit: string },
): RTimeLiteral {
  const seconds = Math.min(Number(amount) * (UNIT_SECONDS.get(unit) ?? 1), MAX_RTIME);
  const rounded = Math.round(seconds * 1e9) / 1e9;
  return { kind: "rtime", value: withSign(rounded, isNegative), span: cursor.spanFrom(first) };
}

/** There is no negative zero. */
function withSign(magnitude: number, isNegative: boolean): number {
  return isNegative && magnitude !== 0 ? -magnitude : magnitude;
}
