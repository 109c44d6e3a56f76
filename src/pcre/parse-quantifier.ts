import { FLAG, hasFlag, peek, skipIgnorable } from "./parse-state.ts";
import type { ParseState } from "./parse-state.ts";
import { fault } from "./syntax-error.ts";
import type { RepeatMode, SyntaxNode } from "./syntax.ts";

interface Bounds {
  readonly min: number;
  readonly max: number;
  /** Characters the quantifier takes in the pattern. */
  readonly length: number;
}

/** PCRE2's MAX_REPEAT_COUNT. */
const MAX_REPEAT = 65_535;
const SYMBOLS: ReadonlyMap<string, Bounds> = new Map([
  ["*", { min: 0, max: Infinity, length: 1 }],
  ["+", { min: 1, max: Infinity, length: 1 }],
  ["?", { min: 0, max: 1, length: 1 }],
]);
const BRACES = /\{(\d+)(,?)(\d*)\}/y;

/** The quantifier at the position, or null. A brace that is not `{n}`, `{n,}` or `{n,m}` is a literal, `{,n}` too (until PCRE2 10.43). */
export function quantifierAt(state: ParseState): Bounds | null {
  const symbol = SYMBOLS.get(peek(state));
  if (symbol !== undefined) return symbol;
  if (peek(state) !== "{") return null;
  BRACES.lastIndex = state.pos;
  const match = BRACES.exec(state.source);
  if (match === null) return null;
  const [text, low = "", comma, high = ""] = match;
  if (comma === "" && high !== "") return null;
  const min = Number(low);
  const max = comma === "" ? min : high === "" ? Infinity : Number(high);
  if (min > MAX_REPEAT || (max !== Infinity && max > MAX_REPEAT))
    fault(`a repeat count is larger than ${MAX_REPEAT}`, state.pos);
  if (max < min) fault("the counts of a quantifier are out of order", state.pos);
  return { min, max, length: text.length };
}

function takeMode(state: ParseState): RepeatMode {
  skipIgnorable(state);
  const next = peek(state);
  if (next !== "?" && next !== "+") return hasFlag(state, FLAG.ungreedy) ? "lazy" : "greedy";
  state.pos += 1;
  if (next === "+") return "possessive";
  return hasFlag(state, FLAG.ungreedy) ? "greedy" : "lazy";
}

/** Whether the node is a group that never does anything in place, whose quantifier PCRE2 ignores. */
export function isIdleConditional(node: SyntaxNode): boolean {
  return (
    node.kind === "conditional" &&
    node.condition.kind === "constant" &&
    !node.condition.value &&
    node.no === null
  );
}

/** Wraps `node` in the quantifier that follows it, if one does. */
export function parseQuantifier(state: ParseState, node: SyntaxNode): SyntaxNode {
  skipIgnorable(state);
  const bounds = quantifierAt(state);
  if (bounds === null) return node;
  state.pos += bounds.length;
  const mode = takeMode(state);
  const { min } = bounds;
  // A lookaround without upper bound is tried once more than it must be (pcre2pattern, "Assertions").
  const max = node.kind === "look" && bounds.max === Infinity ? min + 1 : bounds.max;
  return { kind: "repeat", body: node, min, max, mode };
}
