import { LOWER_CASE } from "./byte-set.ts";
import { byteAt, isDigit, MAX_GROUP, peek, take, takeGroupNumber } from "./parse-state.ts";
import type { ParseState } from "./parse-state.ts";
import { fault } from "./syntax-error.ts";

/** What a backslash and what follows mean. `letter` is a type or assertion escape that the caller resolves. */
export type Escape =
  | { readonly kind: "byte"; readonly byte: number }
  | { readonly kind: "reference"; readonly group: number }
  | { readonly kind: "letter"; readonly letter: string };

const CONTROL_LETTERS: ReadonlyMap<string, number> = new Map([
  ["a", 7],
  ["e", 27],
  ["f", 12],
  ["n", 10],
  ["r", 13],
  ["t", 9],
]);
/** Escapes whose meaning depends on where they stand. */
const LETTERS = "AbBdDEGhHkKNQRsSvVwWzZ";
const REFUSED: ReadonlyMap<string, string> = new Map([
  ["p", "Unicode properties (\\p) are not supported: patterns match bytes"],
  ["P", "Unicode properties (\\P) are not supported: patterns match bytes"],
  ["X", "\\X needs Unicode, and patterns match bytes"],
  ["C", "\\C is not supported; use (?s:.) for any byte"],
  ["F", "PCRE2 does not support \\F, \\l, \\L, \\N{name}, \\u or \\U"],
  ["l", "PCRE2 does not support \\F, \\l, \\L, \\N{name}, \\u or \\U"],
  ["L", "PCRE2 does not support \\F, \\l, \\L, \\N{name}, \\u or \\U"],
  ["u", "PCRE2 does not support \\F, \\l, \\L, \\N{name}, \\u or \\U"],
  ["U", "PCRE2 does not support \\F, \\l, \\L, \\N{name}, \\u or \\U"],
]);

function digitValue(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = LOWER_CASE[code] ?? 0;
  return lower >= 0x61 && lower <= 0x66 ? lower - 87 : 99;
}

/** Reads up to `max` digits of the radix; `count` tells how many there were. */
function takeDigits(
  state: ParseState,
  options: { readonly radix: number; readonly max: number },
): { readonly value: number; readonly count: number } {
  const start = state.pos;
  let value = 0;
  while (
    state.pos - start < options.max &&
    state.pos < state.source.length &&
    digitValue(byteAt(state, state.pos)) < options.radix
  ) {
    value = Math.min(0x1000, value * options.radix + digitValue(byteAt(state, state.pos)));
    state.pos += 1;
  }
  return { value, count: state.pos - start };
}

/** Reads `{digits}` of `\x{}` and `\o{}`. */
function takeBraced(state: ParseState, radix: number): number {
  state.pos += 1;
  const { value, count } = takeDigits(state, { radix, max: Infinity });
  if (count === 0 && peek(state) === "}") fault("digits are missing in \\x{} or \\o{}", state.pos);
  if (value > 0xff) fault("the character code is larger than 0xff, and patterns match bytes", state.pos);
  if (!take(state, "}")) fault("\\x{ or \\o{ has an invalid digit or lacks its }", state.pos);
  return value;
}

function takeControl(state: ParseState): number {
  const code = byteAt(state, state.pos);
  if (code < 0) fault("\\c at the end of the pattern", state.pos);
  if (code < 32 || code > 126) fault("\\c must be followed by a printable ASCII character", state.pos);
  state.pos += 1;
  return (code >= 0x61 && code <= 0x7a ? code - 32 : code) ^ 0x40;
}

function takeOctal(state: ParseState): number {
  const { value } = takeDigits(state, { radix: 8, max: 3 });
  if (value > 0xff) fault("the octal value is larger than \\377, and patterns match bytes", state.pos);
  return value;
}

/** `\1` to `\9`, `\8x` and `\9x` are references; longer ones only if that many groups came before, else octal (pcre2pattern, "Non-printing characters"). */
function takeDigitEscape(state: ParseState, inClass: boolean): Escape {
  const start = state.pos;
  const first = peek(state);
  if (!inClass && first !== "0") {
    while (isDigit(peek(state))) state.pos += 1;
    const group = Number(state.source.slice(start, state.pos));
    if (group < 10 || first >= "8" || group <= state.groupCount) {
      if (group > MAX_GROUP) fault("the group number is too large", state.pos);
      return { kind: "reference", group };
    }
    state.pos = start;
  }
  if (first >= "8") {
    state.pos += 1;
    return { kind: "byte", byte: first.charCodeAt(0) };
  }
  return { kind: "byte", byte: takeOctal(state) };
}

/** `\g1`, `\g-1`, `\g{1}` are references, `\g{name}` a named one (left to the caller as `k`), `\g<..>` and `\g'..'` calls (left as `g`). */
function takeGroupEscape(state: ParseState): Escape {
  const next = peek(state);
  if (next === "<" || next === "'") return { kind: "letter", letter: "g" };
  const start = state.pos;
  const braced = take(state, "{");
  const group = takeGroupNumber(state);
  if (group === null) {
    if (!braced) fault("\\g must be followed by a group number or name", state.pos);
    state.pos = start;
    return { kind: "letter", letter: "k" };
  }
  if (braced && !take(state, "}")) fault("\\g{ lacks its }", state.pos);
  if (group === 0) fault("a back-reference to group 0 means nothing", state.pos);
  return { kind: "reference", group };
}

/** Reads what follows a backslash; the position stands after it. */
export function parseEscape(state: ParseState, inClass: boolean): Escape {
  const letter = peek(state);
  if (letter === "") fault("\\ at the end of the pattern", state.pos);
  if (isDigit(letter)) return takeDigitEscape(state, inClass);
  state.pos += 1;
  const control = CONTROL_LETTERS.get(letter);
  if (control !== undefined) return { kind: "byte", byte: control };
  if (letter === "x") {
    if (peek(state) === "{") return { kind: "byte", byte: takeBraced(state, 16) };
    return { kind: "byte", byte: takeDigits(state, { radix: 16, max: 2 }).value };
  }
  if (letter === "o") {
    if (peek(state) !== "{") fault("\\o must be followed by {", state.pos);
    return { kind: "byte", byte: takeBraced(state, 8) };
  }
  if (letter === "c") return { kind: "byte", byte: takeControl(state) };
  if (letter === "g" && !inClass) return takeGroupEscape(state);
  if (letter === "g") return { kind: "byte", byte: 0x67 };
  const refusal = REFUSED.get(letter);
  if (refusal !== undefined) fault(refusal, state.pos - 1);
  if (LETTERS.includes(letter)) return { kind: "letter", letter };
  if (/^[0-9A-Za-z]$/.test(letter)) fault(`\\${letter} has no meaning`, state.pos - 1);
  return { kind: "byte", byte: letter.charCodeAt(0) };
}
