import { addSet, byteSet, complement, otherCase, POSIX_CLASSES, typeEscape } from "./byte-set.ts";
import type { ByteSet } from "./byte-set.ts";
import { parseEscape } from "./parse-escape.ts";
import { byteAt, FLAG, hasFlag, peek, take } from "./parse-state.ts";
import type { ParseState } from "./parse-state.ts";
import { fault } from "./syntax-error.ts";
import type { LiteralNode, SetNode } from "./syntax.ts";

/** A class while it is read. `last` is the byte that a following hyphen would start a range from, -1 if none. */
interface ClassState {
  readonly set: Uint8Array;
  readonly caseless: boolean;
  last: number;
  /** The bytes named one by one, as long as there is nothing else; null otherwise. */
  single: number[] | null;
  /** True between the hyphen of a range and its end. */
  inRange: boolean;
}

function isLineByte(byte: number): boolean {
  return byte === 10 || byte === 13;
}

function addRange(target: ClassState, first: number, last: number): void {
  for (let byte = first; byte <= last; byte += 1) {
    target.set[byte] = 1;
    if (target.caseless) target.set[otherCase(byte)] = 1;
  }
}

function addByte(state: ParseState, target: ClassState, byte: number): void {
  if (isLineByte(byte)) state.hasLineByte = true;
  if (!target.inRange) {
    addRange(target, byte, byte);
    target.single?.push(byte);
    target.last = byte;
    return;
  }
  if (target.last > byte) fault("a range in a class is out of order", state.pos - 1);
  addRange(target, target.last, byte);
  if (target.last !== byte) target.single = null;
  target.last = -1;
  target.inRange = false;
}

/** A type escape or POSIX class cannot be an end of a range; a hyphen next to one is an error, as in PCRE2. */
function addType(state: ParseState, target: ClassState, set: ByteSet): void {
  if (target.inRange) fault("a range in a class ends in a class or type", state.pos - 1);
  addSet(target.set, set);
  target.single = null;
  target.last = -1;
  if (peek(state) === "-" && state.pos < state.source.length - 1 && peek(state, 1) !== "]")
    fault("a range in a class starts with a class or type", state.pos);
}

/** The position of the `:`, `.` or `=` that ends a POSIX item opened at `open`, -1 if it is none. */
function posixEnd(state: ParseState, open: number): number {
  const terminator = state.source[open + 1] ?? "";
  if (terminator !== ":" && terminator !== "." && terminator !== "=") return -1;
  for (let at = open + 2; at < state.source.length - 1; at += 1) {
    const character = state.source[at];
    const next = state.source[at + 1];
    if (character === "\\" && (next === "]" || next === "\\")) at += 1;
    else if ((character === "[" && next === terminator) || character === "]") return -1;
    else if (character === terminator && next === "]") return at;
  }
  return -1;
}

/** Refuses `[:name:]` outside a class, as PCRE2 does. */
export function refuseBarePosix(state: ParseState, open: number): void {
  if (posixEnd(state, open) >= 0) fault("a POSIX class is allowed only inside a class", open);
}

function addPosix(state: ParseState, target: ClassState, end: number): void {
  const open = state.pos;
  if (target.inRange) fault("a range in a class ends in a class or type", open);
  if (peek(state, 1) !== ":") fault("POSIX collating elements are not supported", open);
  const negated = peek(state, 2) === "^";
  const name = state.source.slice(open + (negated ? 3 : 2), end);
  const folded = target.caseless && (name === "lower" || name === "upper") ? "alpha" : name;
  const set = POSIX_CLASSES.get(folded) ?? fault(`"${name}" is not a POSIX class name`, open);
  state.pos = end + 2;
  addType(state, target, negated ? complement(set) : set);
}

function addEscape(state: ParseState, target: ClassState): void {
  const escape = parseEscape(state, true);
  if (escape.kind === "byte") return addByte(state, target, escape.byte);
  if (escape.kind === "reference") return fault("a back-reference means nothing in a class", state.pos);
  const { letter } = escape;
  if (letter === "b") return addByte(state, target, 8);
  if (letter === "E") return undefined;
  if (letter === "Q") return addQuoted(state, target);
  const set = typeEscape(letter);
  if (set === undefined) return fault(`\\${letter} means nothing in a class`, state.pos - 1);
  return addType(state, target, set);
}

function addQuoted(state: ParseState, target: ClassState): void {
  while (!take(state, "\\E")) {
    const byte = byteAt(state, state.pos);
    if (byte < 0) fault("the class lacks its closing ]", state.pos);
    state.pos += 1;
    addByte(state, target, byte);
  }
}

function addItem(state: ParseState, target: ClassState): void {
  const character = peek(state);
  if (character === "[") {
    const end = posixEnd(state, state.pos);
    if (end >= 0) return addPosix(state, target, end);
  }
  state.pos += 1;
  if (character === "\\") return addEscape(state, target);
  if (character === "-" && target.last >= 0 && !target.inRange) {
    target.inRange = true;
    return undefined;
  }
  return addByte(state, target, character.charCodeAt(0));
}

/** Reads the optional `^` with whatever PCRE2 lets stand around it. */
function takeNegation(state: ParseState): boolean {
  let negated = false;
  for (;;) {
    if (take(state, "\\E") || take(state, "\\Q\\E")) continue;
    if (hasFlag(state, FLAG.extendedMore) && (take(state, " ") || take(state, "\t"))) continue;
    if (negated || !take(state, "^")) return negated;
    negated = true;
  }
}

/** A class of one byte, or of a letter's two cases, is a literal to PCRE2. */
function literalOf(target: ClassState): LiteralNode | null {
  const [first, second, ...others] = target.single ?? [];
  if (first === undefined || others.length > 0) return null;
  const text = String.fromCharCode(first);
  if (second === undefined) return { kind: "literal", text, caseless: target.caseless };
  return second !== first && otherCase(first) === second ? { kind: "literal", text, caseless: true } : null;
}

/** Parses a class; the position stands after its `[`. */
export function parseClass(state: ParseState): SetNode {
  const target: ClassState = {
    set: byteSet(),
    caseless: hasFlag(state, FLAG.caseless),
    last: -1,
    single: [],
    inRange: false,
  };
  const negated = takeNegation(state);
  // A `]` that comes first is a literal.
  for (let first = true; first || peek(state) !== "]"; first = false) {
    if (state.pos >= state.source.length) fault("the class lacks its closing ]", state.pos);
    if (hasFlag(state, FLAG.extendedMore) && (take(state, " ") || take(state, "\t"))) continue;
    addItem(state, target);
  }
  state.pos += 1;
  if (target.inRange) {
    addRange(target, 0x2d, 0x2d);
    target.single?.push(0x2d);
  }
  if (negated) return { kind: "set", set: complement(target.set) };
  const literal = literalOf(target);
  return { kind: "set", set: target.set, ...(literal === null ? {} : { literal }) };
}
