import { newlineLength } from "./newline.ts";
import { fault } from "./syntax-error.ts";
import type { PatternSettings, SyntaxNode } from "./syntax.ts";

/** Option letters as bits; they change inside the pattern and go back at the end of a group. */
export const FLAG = {
  caseless: 1,
  multiline: 2,
  dotAll: 4,
  extended: 8,
  extendedMore: 16,
  noAutoCapture: 32,
  ungreedy: 64,
  duplicateNames: 128,
} as const;

/** Every group of a pattern, known only after a first parse; references are resolved by it in the second. */
export interface GroupTable {
  readonly count: number;
  /** Numbers of the groups of each name, in pattern order. */
  readonly names: ReadonlyMap<string, readonly number[]>;
}

/** Where the parser stands. One object per parse, changed as the pattern is read. */
export interface ParseState {
  readonly source: string;
  readonly settings: PatternSettings;
  /** Null in the first parse of a pattern. */
  readonly table: GroupTable | null;
  readonly names: Map<string, number[]>;
  /** The name each group number carries, for the rule that one number has one name. */
  readonly nameOfGroup: Map<number, string>;
  /** Parses branches up to `)` or the end. Held here so that the files of the parser do not import each other in circles. */
  readonly parseBody: (state: ParseState, resetsNumbers: boolean) => SyntaxNode;
  pos: number;
  flags: number;
  groupCount: number;
  nesting: number;
  lookDepth: number;
  usesReferences: boolean;
  hasLineByte: boolean;
  hasSharedNumbers: boolean;
}

/** PCRE2's default parens_nest_limit. */
const MAX_NESTING = 250;
/** PCRE2's MAX_GROUP_NUMBER and MAX_NAME_SIZE. */
export const MAX_GROUP = 65_535;
const MAX_NAME_LENGTH = 32;

export function hasFlag(state: ParseState, flag: number): boolean {
  return (state.flags & flag) !== 0;
}

/** The byte at `at`, -1 past the end. */
export function byteAt(state: ParseState, at: number): number {
  return at < state.source.length ? state.source.charCodeAt(at) : -1;
}

/** The next character, or "" at the end. */
export function peek(state: ParseState, ahead = 0): string {
  return state.source[state.pos + ahead] ?? "";
}

/** Steps over `text` if it comes next. */
export function take(state: ParseState, text: string): boolean {
  if (!state.source.startsWith(text, state.pos)) return false;
  state.pos += text.length;
  return true;
}

export function isDigit(character: string): boolean {
  return character >= "0" && character <= "9" && character.length === 1;
}

/** Reads decimal digits; null when there are none. */
export function takeNumber(state: ParseState, max: number, tooLarge: string): number | null {
  const start = state.pos;
  let value = 0;
  while (isDigit(peek(state))) {
    value = value * 10 + Number(peek(state));
    state.pos += 1;
    if (value > max) fault(tooLarge, state.pos);
  }
  return state.pos === start ? null : value;
}

/** Reads a group number with an optional sign that makes it relative to the groups opened so far; null when there is none. */
export function takeGroupNumber(state: ParseState): number | null {
  const start = state.pos;
  const sign = peek(state);
  if (sign === "+" || sign === "-") state.pos += 1;
  const value = takeNumber(state, MAX_GROUP, "the group number is too large");
  if (value === null) {
    state.pos = start;
    return null;
  }
  if (sign !== "+" && sign !== "-") return value;
  if (value === 0) fault("a relative group number of zero means nothing", state.pos);
  const group = sign === "+" ? state.groupCount + value : state.groupCount + 1 - value;
  if (group < 1) fault("the pattern has no such group", state.pos);
  return group;
}

/** Reads a group's name and the character that must end it. */
export function takeName(state: ParseState, terminator: string): string {
  const start = state.pos;
  if (isDigit(peek(state))) fault("a group name must not start with a digit", start);
  while (/^\w$/.test(peek(state))) state.pos += 1;
  const name = state.source.slice(start, state.pos);
  if (name.length > MAX_NAME_LENGTH) fault(`a group name is longer than ${MAX_NAME_LENGTH} bytes`, state.pos);
  if (name === "") fault("a group name is expected", start);
  if (!take(state, terminator)) fault(`the group name lacks its closing ${terminator}`, state.pos);
  return name;
}

/** The numbers of a named group; `[]` in the first parse, when later names are not known yet. */
export function groupsNamed(state: ParseState, name: string, offset: number): readonly number[] {
  state.usesReferences = true;
  if (state.table === null) return [];
  return state.table.names.get(name) ?? fault(`the pattern has no group named "${name}"`, offset);
}

/** Checks that a numbered group exists (0, the whole pattern, always does). */
export function checkGroup(state: ParseState, group: number, offset: number): number {
  state.usesReferences = true;
  if (state.table !== null && group > state.table.count) fault(`the pattern has no group ${group}`, offset);
  return group;
}

/** Opens a capturing group and gives it its number. */
export function openCapture(state: ParseState, name: string | null): number {
  if (state.groupCount >= MAX_GROUP) fault("the pattern has too many groups", state.pos);
  state.groupCount += 1;
  const group = state.groupCount;
  if (name === null) return group;
  const numbers = state.names.get(name);
  if (numbers === undefined) {
    if (state.nameOfGroup.has(group))
      fault("two groups of one number must not have different names", state.pos);
    state.names.set(name, [group]);
  } else if (!numbers.includes(group)) {
    if (!hasFlag(state, FLAG.duplicateNames)) fault(`two groups are named "${name}"`, state.pos);
    numbers.push(group);
  }
  state.nameOfGroup.set(group, name);
  return group;
}

/** Parses the inside of a group and its closing parenthesis; flags set inside end with it. */
export function parseNested(state: ParseState, opened: number, resetsNumbers = false): SyntaxNode {
  const flags = state.flags;
  state.nesting += 1;
  if (state.nesting > MAX_NESTING) fault(`groups are nested more than ${MAX_NESTING} deep`, opened);
  const body = state.parseBody(state, resetsNumbers);
  if (!take(state, ")")) fault("a closing parenthesis is missing", opened);
  state.nesting -= 1;
  state.flags = flags;
  return body;
}

/** Whitespace that the `x` flag ignores; NEL belongs to it because PCRE2 is built with Unicode tables. */
function isPatternSpace(code: number): boolean {
  return (code >= 9 && code <= 13) || code === 32 || code === 0x85;
}

function skipLineComment(state: ParseState): void {
  while (state.pos < state.source.length) {
    const length = newlineLength(state.source, state.pos, state.settings.newline);
    if (length > 0) {
      state.pos += length;
      return;
    }
    state.pos += 1;
  }
}

/** Steps over everything that does not come between an item and its quantifier: comments, `\E`, `\Q\E`, `x`-mode space. */
export function skipIgnorable(state: ParseState): void {
  for (;;) {
    if (take(state, "\\Q\\E") || take(state, "\\E")) continue;
    if (state.source.startsWith("(?#", state.pos)) {
      const close = state.source.indexOf(")", state.pos + 2);
      if (close < 0) fault("the comment (?# has no closing parenthesis", state.source.length);
      state.pos = close + 1;
      continue;
    }
    if (!hasFlag(state, FLAG.extended)) return;
    if (isPatternSpace(byteAt(state, state.pos))) state.pos += 1;
    else if (peek(state) === "#") skipLineComment(state);
    else return;
  }
}
