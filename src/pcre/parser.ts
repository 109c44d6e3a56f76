import { assertNever } from "../lib/errors.ts";
import { ANY_BYTE, byteSet, complement, typeEscape } from "./byte-set.ts";
import type { ByteSet } from "./byte-set.ts";
import { setLookbehinds } from "./lookbehind.ts";
import { parseClass, refuseBarePosix } from "./parse-class.ts";
import { parseEscape } from "./parse-escape.ts";
import type { ParsedItem } from "./parse-group.ts";
import { parseParenthesis } from "./parse-group.ts";
import { refuseKeepInLook } from "./parse-look.ts";
import { parseQuantifier, quantifierAt } from "./parse-quantifier.ts";
import { parseSettings } from "./parse-settings.ts";
import {
  byteAt,
  checkGroup,
  FLAG,
  groupsNamed,
  hasFlag,
  MAX_GROUP,
  peek,
  skipIgnorable,
  take,
  takeGroupNumber,
  takeName,
} from "./parse-state.ts";
import type { GroupTable, ParseState } from "./parse-state.ts";
import { fault } from "./syntax-error.ts";
import { TYPE } from "./type-trap.ts";
import { EMPTY } from "./syntax.ts";
import type { Assertion, Newline, ParsedPattern, SetNode, SyntaxNode } from "./syntax.ts";

/** Longest pattern taken, in bytes. */
const MAX_LENGTH = 16_384;

const ASSERTION_ESCAPES: ReadonlyMap<string, Assertion> = new Map<string, Assertion>([
  ["A", "subject-start"],
  ["G", "search-start"],
  ["Z", "subject-end-or-newline"],
  ["z", "subject-end"],
  ["b", "word-boundary"],
  ["B", "not-word-boundary"],
]);

const NOT_NEWLINE: Readonly<Record<Exclude<Newline, "crlf">, ByteSet>> = {
  lf: complement(byteSet([10, 10])),
  cr: complement(byteSet([13, 13])),
  nul: complement(byteSet([0, 0])),
  anycrlf: complement(byteSet([10, 10], [13, 13])),
  any: complement(byteSet([10, 13], [0x85, 0x85])),
};

/** Type escapes that type-trap.ts is about. */
const TRAP_TYPES: ReadonlyMap<string, number> = new Map([
  ["S", TYPE.notSpace],
  ["s", TYPE.space],
  ["h", TYPE.horizontal],
  ["v", TYPE.vertical],
]);

function setNode(set: ByteSet): SetNode {
  return { kind: "set", set };
}

function literal(state: ParseState, byte: number): SyntaxNode {
  if (byte === 10 || byte === 13) state.hasLineByte = true;
  const caseless = hasFlag(state, FLAG.caseless);
  return { kind: "literal", text: String.fromCharCode(byte), caseless };
}

/** Any byte but a newline. Where the newline is CRLF only that pair stops it. */
function notNewline(state: ParseState): SyntaxNode {
  const { newline } = state.settings;
  if (newline !== "crlf") return { ...setNode(NOT_NEWLINE[newline]), type: TYPE.dot };
  const crlf: SyntaxNode = { kind: "literal", text: "\r\n", caseless: false };
  const look: SyntaxNode = {
    kind: "look",
    behind: false,
    negative: true,
    atomic: true,
    branches: [{ body: crlf, back: 0 }],
    at: state.pos,
  };
  const body: SyntaxNode = { kind: "sequence", items: [look, setNode(ANY_BYTE)] };
  return { kind: "group", capture: 0, atomic: false, body, end: 0 };
}

/** `\R`: CRLF as one, or one vertical space; once taken it is not split. */
function newlineSequence(state: ParseState): SyntaxNode {
  const narrow = state.settings.narrowNewlineSequence;
  const one = setNode(narrow ? byteSet([10, 10], [13, 13]) : byteSet([10, 13], [0x85, 0x85]));
  const crlf: SyntaxNode = { kind: "literal", text: "\r\n", caseless: false };
  const body: SyntaxNode = { kind: "alternation", branches: [crlf, one], ends: [0, 0] };
  return { kind: "group", capture: 0, atomic: true, body, end: 0, isNewlines: true };
}

/** `\k{name}`, `\k<name>`, `\k'name'`, and `\g{name}`. */
function namedReference(state: ParseState): ParsedItem {
  const opener = peek(state);
  const terminator = opener === "{" ? "}" : opener === "<" ? ">" : "'";
  if (opener === "" || !"{<'".includes(opener)) fault("\\k must be followed by a group name", state.pos);
  state.pos += 1;
  const offset = state.pos;
  const groups = groupsNamed(state, takeName(state, terminator), offset);
  const caseless = hasFlag(state, FLAG.caseless);
  return { node: { kind: "reference", groups, caseless, byName: true }, quantifiable: true };
}

/** `\g<name>`, `\g'name'`, `\g<1>`, `\g<-1>`: subroutine calls in Oniguruma's spelling. */
function escapedCall(state: ParseState): ParsedItem {
  const terminator = peek(state) === "<" ? ">" : "'";
  state.pos += 1;
  const offset = state.pos;
  const number = takeGroupNumber(state);
  if (number !== null) {
    if (!take(state, terminator)) fault("\\g lacks its closing delimiter", state.pos);
    return { node: { kind: "call", group: checkGroup(state, number, offset) }, quantifiable: true };
  }
  const [named] = groupsNamed(state, takeName(state, terminator), offset);
  return { node: { kind: "call", group: named ?? 0 }, quantifiable: true };
}

function letterEscape(state: ParseState, letter: string): ParsedItem {
  const set = typeEscape(letter);
  if (set !== undefined) {
    const type = TRAP_TYPES.get(letter);
    return { node: { ...setNode(set), ...(type === undefined ? {} : { type }) }, quantifiable: true };
  }
  const test = ASSERTION_ESCAPES.get(letter);
  if (test !== undefined) return { node: { kind: "assertion", test }, quantifiable: false };
  switch (letter) {
    case "N":
      if (peek(state) === "{" && quantifierAt(state) === null)
        fault("PCRE2 does not support \\N{name} without UTF", state.pos);
      return { node: notNewline(state), quantifiable: true };
    case "R":
      return { node: newlineSequence(state), quantifiable: true };
    case "K":
      refuseKeepInLook(state);
      return { node: { kind: "keep" }, quantifiable: false };
    case "k":
      return namedReference(state);
    case "g":
      return escapedCall(state);
    default:
      return fault(`\\${letter} has no meaning here`, state.pos - 1);
  }
}

function parseBackslash(state: ParseState): ParsedItem {
  const escape = parseEscape(state, false);
  switch (escape.kind) {
    case "byte":
      return { node: literal(state, escape.byte), quantifiable: true };
    case "reference": {
      const groups = [checkGroup(state, escape.group, state.pos - 1)];
      const caseless = hasFlag(state, FLAG.caseless);
      return { node: { kind: "reference", groups, caseless, byName: false }, quantifiable: true };
    }
    case "letter":
      return letterEscape(state, escape.letter);
    default:
      return assertNever(escape);
  }
}

/** Parses one item; the position stands at its first character, which is not `|` or `)`. */
function parseItem(state: ParseState): ParsedItem {
  const character = peek(state);
  if (quantifierAt(state) !== null) fault("the quantifier has nothing to repeat", state.pos);
  state.pos += 1;
  switch (character) {
    case "\\":
      return parseBackslash(state);
    case "(":
      return parseParenthesis(state);
    case "[":
      return parseBracket(state);
    case ".":
      return {
        node: hasFlag(state, FLAG.dotAll) ? setNode(ANY_BYTE) : notNewline(state),
        quantifiable: true,
      };
    case "^": {
      const test = hasFlag(state, FLAG.multiline) ? "line-start" : "subject-start";
      return { node: { kind: "assertion", test }, quantifiable: false };
    }
    case "$": {
      const test = hasFlag(state, FLAG.multiline) ? "line-end" : "subject-end-or-newline";
      return { node: { kind: "assertion", test }, quantifiable: false };
    }
    default:
      return { node: literal(state, character.charCodeAt(0)), quantifiable: true };
  }
}

/** A class, or one of the two word-edge spellings `[[:<:]]` and `[[:>:]]`. */
function parseBracket(state: ParseState): ParsedItem {
  const ahead = take(state, "[:<:]]");
  if (ahead || take(state, "[:>:]]")) {
    const word = typeEscape("w") ?? ANY_BYTE;
    const look: SyntaxNode = {
      kind: "look",
      behind: !ahead,
      negative: false,
      atomic: true,
      branches: [{ body: setNode(word), back: 0 }],
      at: state.pos,
    };
    const edge: SyntaxNode = { kind: "assertion", test: "word-boundary" };
    return { before: edge, node: look, quantifiable: true };
  }
  refuseBarePosix(state, state.pos - 1);
  return { node: parseClass(state), quantifiable: true };
}

/** Reads `\Q...\E` into literals; the quantifier that may follow belongs to the last one. */
function parseQuoted(state: ParseState, items: SyntaxNode[]): void {
  const end = state.source.indexOf("\\E", state.pos);
  const stop = end < 0 ? state.source.length : end;
  for (; state.pos < stop - 1; state.pos += 1) items.push(literal(state, byteAt(state, state.pos)));
  const last = literal(state, byteAt(state, state.pos));
  state.pos = end < 0 ? stop : stop + 2;
  items.push(parseQuantifier(state, last));
}

function parseSequence(state: ParseState): SyntaxNode {
  const items: SyntaxNode[] = [];
  for (;;) {
    skipIgnorable(state);
    const next = peek(state);
    if (next === "" || next === "|" || next === ")") break;
    if (take(state, "\\Q")) {
      if (state.pos < state.source.length) parseQuoted(state, items);
      continue;
    }
    const { before, node, quantifiable } = parseItem(state);
    if (before !== undefined) items.push(before);
    if (node === null) continue;
    const item = quantifiable ? parseQuantifier(state, node) : node;
    if (item.kind === "sequence") items.push(...item.items);
    else items.push(item);
  }
  const [only = EMPTY] = items;
  return items.length > 1 ? { kind: "sequence", items } : only;
}

function parseBody(state: ParseState, resetsNumbers: boolean): SyntaxNode {
  const branches: SyntaxNode[] = [];
  const ends: number[] = [];
  const first = state.groupCount;
  let highest = first;
  for (;;) {
    branches.push(parseSequence(state));
    ends.push(state.pos);
    highest = Math.max(highest, state.groupCount);
    if (!take(state, "|")) break;
    if (resetsNumbers) state.groupCount = first;
  }
  state.groupCount = highest;
  const [only = EMPTY] = branches;
  return branches.length > 1 ? { kind: "alternation", branches, ends } : only;
}

function startState(source: string, table: GroupTable | null): ParseState {
  const { settings, length } = parseSettings(source);
  return {
    source,
    settings,
    table,
    names: new Map(),
    nameOfGroup: new Map(),
    parseBody,
    pos: length,
    flags: 0,
    groupCount: 0,
    nesting: 0,
    lookDepth: 0,
    usesReferences: false,
    hasLineByte: false,
    hasSharedNumbers: false,
  };
}

function parseWhole(state: ParseState): SyntaxNode {
  const root = parseBody(state, false);
  if (state.pos < state.source.length) fault("a closing parenthesis has no opening one", state.pos);
  return root;
}

/** Parses a pattern of latin1 characters into its syntax tree; throws PatternSyntaxError. */
export function parsePattern(source: string, caseless: boolean): ParsedPattern {
  if (source.length > MAX_LENGTH) fault(`the pattern is longer than ${MAX_LENGTH} bytes`, MAX_LENGTH);
  const outside = /[^\0-\xff]/.exec(source);
  if (outside !== null) fault("the pattern has a character that is not one byte", outside.index);
  let state = startState(source, null);
  state.flags = caseless ? FLAG.caseless : 0;
  let root = parseWhole(state);
  if (state.usesReferences) {
    // Groups may be referred to before they are defined, so references are resolved in a second parse.
    const table: GroupTable = { count: Math.min(state.groupCount, MAX_GROUP), names: state.names };
    state = startState(source, table);
    state.flags = caseless ? FLAG.caseless : 0;
    root = parseWhole(state);
  }
  const parsed = {
    root,
    groupCount: state.groupCount,
    settings: state.settings,
    hasLineByte: state.hasLineByte,
    hasSharedNumbers: state.hasSharedNumbers,
  };
  return { ...parsed, root: setLookbehinds(parsed) };
}
