import { parseNested, take } from "./parse-state.ts";
import type { ParseState } from "./parse-state.ts";
import { fault } from "./syntax-error.ts";
import type { LookNode, SyntaxNode } from "./syntax.ts";

/** Longest symbols first. */
const SYMBOLS = ["<=", "<!", "<*", "=", "!", "*"] as const;

/** The top-level branches of a lookaround's body; the lengths of a lookbehind are worked out once all groups are known. */
function branchesOf(body: SyntaxNode): readonly SyntaxNode[] {
  return body.kind === "alternation" ? body.branches : [body];
}

/** Parses a lookaround; the position stands after `(?`, or after the name when `symbol` is given. Null when it is none. */
export function parseLook(state: ParseState, opened: number, symbol?: string): LookNode | null {
  const found = symbol ?? SYMBOLS.find((candidate) => take(state, candidate));
  if (found === undefined) return null;
  state.lookDepth += 1;
  const body = parseNested(state, opened);
  state.lookDepth -= 1;
  return {
    kind: "look",
    behind: found.startsWith("<"),
    negative: found.endsWith("!"),
    atomic: !found.endsWith("*"),
    branches: branchesOf(body).map((branch) => ({ body: branch, back: 0 })),
    at: opened,
  };
}

/** Refuses `\K` in a lookaround, as PCRE2 does since 10.38. */
export function refuseKeepInLook(state: ParseState): void {
  if (state.lookDepth > 0) fault("\\K is not allowed in a lookaround", state.pos - 2);
}
