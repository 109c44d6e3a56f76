import { peek, take } from "./parse-state.ts";
import type { ParseState } from "./parse-state.ts";
import { fault } from "./syntax-error.ts";
import type { SyntaxNode, VerbName } from "./syntax.ts";

const VERBS: ReadonlyMap<string, VerbName | "fail"> = new Map<string, VerbName | "fail">([
  ["", "mark"],
  ["MARK", "mark"],
  ["ACCEPT", "accept"],
  ["F", "fail"],
  ["FAIL", "fail"],
  ["COMMIT", "commit"],
  ["PRUNE", "prune"],
  ["SKIP", "skip"],
  ["THEN", "then"],
]);
/** PCRE2's MAX_MARK in the 8-bit library. */
const MAX_ARGUMENT = 255;

export interface ParsedVerb {
  readonly node: SyntaxNode;
  readonly quantifiable: boolean;
}

function takeArgument(state: ParseState, opened: number): string | null {
  if (!take(state, ":")) return null;
  const close = state.source.indexOf(")", state.pos);
  if (close < 0) fault("the verb lacks its closing parenthesis", opened);
  const argument = state.source.slice(state.pos, close);
  if (argument.length > MAX_ARGUMENT)
    fault(`the argument of a verb is longer than ${MAX_ARGUMENT} bytes`, state.pos);
  state.pos = close;
  return argument === "" ? null : argument;
}

/** Parses `(*VERB)` or `(*VERB:argument)`; the position stands after `(*`. */
export function parseVerb(state: ParseState, opened: number): ParsedVerb {
  const start = state.pos;
  while (/^\w$/.test(peek(state))) state.pos += 1;
  const name = state.source.slice(start, state.pos);
  const verb = VERBS.get(name) ?? fault(`(*${name}) is not a verb, or stands where it means nothing`, opened);
  const argument = takeArgument(state, opened);
  if (!take(state, ")")) fault("the verb is malformed", state.pos);
  if (verb === "mark" && argument === null) fault("(*MARK) must have an argument", opened);
  const node: SyntaxNode = verb === "fail" ? { kind: "fail" } : { kind: "verb", verb, argument, at: opened };
  // (*ACCEPT:name) and (*FAIL:name) set a mark first.
  if (argument === null || (verb !== "accept" && verb !== "fail"))
    return { node, quantifiable: verb === "accept" };
  const mark: SyntaxNode = { kind: "verb", verb: "mark", argument, at: opened };
  return { node: { kind: "sequence", items: [mark, node] }, quantifiable: verb === "accept" };
}
