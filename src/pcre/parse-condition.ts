import { parseLook } from "./parse-look.ts";
import {
  checkGroup,
  groupsNamed,
  isDigit,
  parseNested,
  peek,
  skipIgnorable,
  take,
  takeGroupNumber,
  takeName,
} from "./parse-state.ts";
import type { ParseState } from "./parse-state.ts";
import { fault } from "./syntax-error.ts";
import { EMPTY } from "./syntax.ts";
import type { Condition, ConditionalNode, SyntaxNode } from "./syntax.ts";

/** The version whose behaviour this matcher follows, for `(?(VERSION>=10.4)`. */
const VERSION = { major: 10, minor: 42 };

const SPELLED_OUT: ReadonlyMap<string, string> = new Map([
  ["pla", "="],
  ["positive_lookahead", "="],
  ["nla", "!"],
  ["negative_lookahead", "!"],
  ["plb", "<="],
  ["positive_lookbehind", "<="],
  ["nlb", "<!"],
  ["negative_lookbehind", "<!"],
]);

/** A condition that is a lookaround; the position stands at its opening parenthesis. */
function parseLookCondition(state: ParseState): Condition {
  const opened = state.pos;
  skipIgnorable(state);
  const rest = state.source.slice(state.pos, state.pos + 40);
  const spelled = /^\(\*([a-z_]+):/.exec(rest);
  const symbol = spelled === null ? undefined : SPELLED_OUT.get(spelled[1] ?? "");
  if (spelled !== null && symbol !== undefined) state.pos += spelled[0].length;
  else if (!/^\(\?(?:[=!]|<[=!])/.test(rest) || !take(state, "(?"))
    fault("a condition must be a group, a recursion test or an atomic lookaround", opened);
  const look = parseLook(state, opened, symbol);
  if (look === null) fault("a lookaround is expected as condition", opened);
  return { kind: "look", look };
}

function parseVersion(state: ParseState): Condition {
  const match = /^VERSION(>?)=(\d{1,4})(?:\.(\d)(\d?))?(?=\))/.exec(
    state.source.slice(state.pos, state.pos + 32),
  );
  if (match === null) fault("the version condition is malformed", state.pos);
  state.pos += match[0].length;
  const major = Number(match[2]);
  if (major > 1000) fault("the version condition is malformed", state.pos);
  const minor = Number(match[3] ?? 0) * 10 + Number(match[4] ?? 0);
  const ours = VERSION.major * 100 + VERSION.minor;
  const asked = major * 100 + minor;
  return { kind: "constant", value: match[1] === ">" ? ours >= asked : ours === asked };
}

/** `(?(R)`, `(?(R1)` and `(?(DEFINE)` mean a named group when the pattern has one of that name. */
function namedCondition(state: ParseState, name: string, offset: number): Condition | "define" {
  if (name === "DEFINE") return "define";
  const known = state.table === null || state.table.names.has(name);
  state.usesReferences = true;
  if (/^R\d*$/.test(name) && (state.table === null || !known)) {
    const digits = name.slice(1);
    const group = checkGroup(state, Number(digits), offset);
    return { kind: "called", groups: group === 0 ? [] : [group] };
  }
  return { kind: "set", groups: groupsNamed(state, name, offset) };
}

function parseNameCondition(state: ParseState): Condition | "define" {
  const offset = state.pos;
  if (take(state, "R&")) {
    const groups = groupsNamed(state, takeName(state, ")"), offset);
    state.pos -= 1;
    return { kind: "called", groups: groups.length === 0 ? [0] : groups };
  }
  if (take(state, "<")) return { kind: "set", groups: groupsNamed(state, takeName(state, ">"), offset) };
  if (take(state, "'")) return { kind: "set", groups: groupsNamed(state, takeName(state, "'"), offset) };
  const name = takeName(state, ")");
  state.pos -= 1;
  return namedCondition(state, name, offset);
}

/** Parses what stands between `(?(` and the parenthesis that closes the condition. */
function parseTest(state: ParseState): Condition | "define" {
  const offset = state.pos;
  const next = peek(state);
  if (next === "?" || next === "*") {
    state.pos -= 1;
    return parseLookCondition(state);
  }
  let condition: Condition | "define";
  if (isDigit(next) || next === "+" || next === "-") {
    const group = takeGroupNumber(state) ?? fault("a group number is expected", offset);
    if (group === 0) fault("the pattern has no such group", offset);
    condition = { kind: "set", groups: [checkGroup(state, group, offset)] };
  } else if (/^VERSION[^)]/.test(state.source.slice(state.pos, state.pos + 8)))
    condition = parseVersion(state);
  else condition = parseNameCondition(state);
  if (!take(state, ")")) fault("the condition lacks its closing parenthesis", state.pos);
  return condition;
}

function splitBranches(body: SyntaxNode): readonly SyntaxNode[] {
  return body.kind === "alternation" ? body.branches : [body];
}

/** Parses a conditional group; the position stands after `(?(`. */
export function parseCondition(state: ParseState, opened: number): ConditionalNode {
  const condition = parseTest(state);
  const [yes = EMPTY, no = null, ...more] = splitBranches(parseNested(state, opened));
  if (condition === "define") {
    if (no !== null) fault("(?(DEFINE) must have one branch only", opened);
    return { kind: "conditional", condition: { kind: "constant", value: false }, yes, no };
  }
  if (more.length > 0) fault("a conditional group has more than two branches", opened);
  return { kind: "conditional", condition, yes, no };
}
