import { parseCondition } from "./parse-condition.ts";
import { parseLook } from "./parse-look.ts";
import {
  checkGroup,
  FLAG,
  groupsNamed,
  hasFlag,
  isDigit,
  openCapture,
  parseNested,
  peek,
  take,
  takeGroupNumber,
  takeName,
} from "./parse-state.ts";
import type { ParseState } from "./parse-state.ts";
import { parseVerb } from "./parse-verb.ts";
import { fault } from "./syntax-error.ts";
import { EMPTY } from "./syntax.ts";
import type { SyntaxNode } from "./syntax.ts";

/** An item and whether a quantifier may follow it. A null node is an option setting such as `(?i)`. */
export interface ParsedItem {
  /** An item that comes first and that a quantifier does not touch. */
  readonly before?: SyntaxNode;
  readonly node: SyntaxNode | null;
  readonly quantifiable: boolean;
}

const FLAG_LETTERS: ReadonlyMap<string, number> = new Map([
  ["i", FLAG.caseless],
  ["m", FLAG.multiline],
  ["n", FLAG.noAutoCapture],
  ["s", FLAG.dotAll],
  ["U", FLAG.ungreedy],
  ["J", FLAG.duplicateNames],
]);
const CARET_CLEARS =
  FLAG.caseless | FLAG.multiline | FLAG.noAutoCapture | FLAG.dotAll | FLAG.extended | FLAG.extendedMore;

/** Names of the spelled-out groups (pcre2pattern, "Alphabetic assertion names") and the symbol each stands for. */
const SPELLED_OUT: ReadonlyMap<string, string> = new Map([
  ["pla", "="],
  ["positive_lookahead", "="],
  ["nla", "!"],
  ["negative_lookahead", "!"],
  ["plb", "<="],
  ["positive_lookbehind", "<="],
  ["nlb", "<!"],
  ["negative_lookbehind", "<!"],
  ["napla", "*"],
  ["non_atomic_positive_lookahead", "*"],
  ["naplb", "<*"],
  ["non_atomic_positive_lookbehind", "<*"],
  ["atomic", ">"],
]);

function group(
  state: ParseState,
  opened: number,
  options: { readonly capture?: number; readonly atomic?: boolean; readonly resets?: boolean } = {},
): ParsedItem {
  const body = parseNested(state, opened, options.resets ?? false);
  const node: SyntaxNode = {
    kind: "group",
    capture: options.capture ?? 0,
    atomic: options.atomic ?? false,
    body,
    end: state.pos - 1,
  };
  return { node, quantifiable: true };
}

function parseNamed(state: ParseState, opened: number, terminator: string): ParsedItem {
  const capture = openCapture(state, takeName(state, terminator));
  return group(state, opened, { capture });
}

function parseNamedCall(state: ParseState): ParsedItem {
  const offset = state.pos;
  const [group] = groupsNamed(state, takeName(state, ")"), offset);
  return { node: { kind: "call", group: group ?? 0 }, quantifiable: true };
}

function parseNumberedCall(state: ParseState): ParsedItem {
  const offset = state.pos;
  const group = takeGroupNumber(state) ?? fault("(?+ or (?- must be followed by a group number", offset);
  if (!take(state, ")")) fault("a closing parenthesis is missing", state.pos);
  return { node: { kind: "call", group: checkGroup(state, group, offset) }, quantifiable: true };
}

function parsePython(state: ParseState, opened: number): ParsedItem {
  if (take(state, "<")) return parseNamed(state, opened, ">");
  if (take(state, ">")) return parseNamedCall(state);
  if (!take(state, "=")) fault("(?P must be followed by <, > or =", state.pos);
  const offset = state.pos;
  const groups = groupsNamed(state, takeName(state, ")"), offset);
  const caseless = hasFlag(state, FLAG.caseless);
  return { node: { kind: "reference", groups, caseless, byName: true }, quantifiable: true };
}

/** Reads the letters of `(?imnsxJU-imnsx` and returns the flags they lead to. */
function takeFlags(state: ParseState): number {
  let base = state.flags;
  let set = 0;
  let unset = 0;
  let clearing = false;
  let hyphenAllowed = true;
  if (take(state, "^")) {
    base &= ~CARET_CLEARS;
    hyphenAllowed = false;
  }
  for (let letter = peek(state); letter !== ")" && letter !== ":"; letter = peek(state)) {
    if (letter === "-") {
      if (!hyphenAllowed) fault("a hyphen is not allowed here", state.pos);
      clearing = true;
      hyphenAllowed = false;
      state.pos += 1;
      continue;
    }
    const flag = takeFlag(state, letter);
    if (clearing) unset |= flag;
    else set |= flag;
  }
  if ((set & (FLAG.extended | FLAG.extendedMore)) === FLAG.extended || (unset & FLAG.extended) !== 0)
    unset |= FLAG.extendedMore;
  return (base | set) & ~unset;
}

function takeFlag(state: ParseState, letter: string): number {
  if (letter === "") fault("a closing parenthesis is missing", state.pos);
  state.pos += 1;
  if (letter === "x") return take(state, "x") ? FLAG.extended | FLAG.extendedMore : FLAG.extended;
  return (
    FLAG_LETTERS.get(letter) ?? fault(`unrecognised character "${letter}" after (? or (?-`, state.pos - 1)
  );
}

function parseFlags(state: ParseState, opened: number): ParsedItem {
  const outer = state.flags;
  const flags = takeFlags(state);
  state.flags = flags;
  if (take(state, ")")) return { node: null, quantifiable: false };
  state.pos += 1;
  const item = group(state, opened);
  state.flags = outer;
  return item;
}

/** Parses what follows `(?`. */
function parseSpecial(state: ParseState, opened: number): ParsedItem {
  const next = peek(state);
  const look = parseLook(state, opened);
  if (look !== null) return { node: look, quantifiable: true };
  if (take(state, "|")) {
    state.hasSharedNumbers = true;
    return group(state, opened, { resets: true });
  }
  if (take(state, ">")) return group(state, opened, { atomic: true });
  if (take(state, "(")) return { node: parseCondition(state, opened), quantifiable: true };
  if (take(state, "<")) return parseNamed(state, opened, ">");
  if (take(state, "'")) return parseNamed(state, opened, "'");
  if (take(state, "P")) return parsePython(state, opened);
  if (take(state, "&")) return parseNamedCall(state);
  if (take(state, "R")) {
    if (!take(state, ")")) fault("(?R must be followed by a closing parenthesis", state.pos);
    return { node: { kind: "call", group: 0 }, quantifiable: true };
  }
  if (next === "C") fault("callouts are not supported", opened);
  if (isDigit(next) || next === "+" || (next === "-" && isDigit(peek(state, 1))))
    return parseNumberedCall(state);
  return parseFlags(state, opened);
}

/** Rewrites `(*name:` to its symbol; the position then stands as if after `(?`. */
function parseSpelledOut(state: ParseState, opened: number): ParsedItem {
  const start = state.pos;
  while (/^\w$/.test(peek(state))) state.pos += 1;
  const name = state.source.slice(start, state.pos);
  const symbol = SPELLED_OUT.get(name);
  if (symbol === undefined || !take(state, ":")) fault(`(*${name}: is not a known group`, start);
  if (symbol === ">") return group(state, opened, { atomic: true });
  const look = parseLook(state, opened, symbol);
  return { node: look ?? EMPTY, quantifiable: true };
}

/** Parses everything that starts with a parenthesis; the position stands after it. */
export function parseParenthesis(state: ParseState): ParsedItem {
  const opened = state.pos - 1;
  if (take(state, "?")) return parseSpecial(state, opened);
  if (peek(state) === "*" && peek(state, 1) !== ")" && peek(state, 1) !== "") {
    state.pos += 1;
    if (/^[a-z]$/.test(peek(state))) return parseSpelledOut(state, opened);
    return parseVerb(state, opened);
  }
  // `(*)` falls through to a group, where the star has nothing to repeat.
  if (hasFlag(state, FLAG.noAutoCapture)) return group(state, opened);
  return group(state, opened, { capture: openCapture(state, null) });
}
