import { assertNever } from "../lib/errors.ts";
import { childrenOf } from "./syntax-children.ts";
import { fault } from "./syntax-error.ts";
import type { LookNode, ParsedPattern, SyntaxNode } from "./syntax.ts";

/** PCRE2's LOOKBEHIND_MAX. */
const MAX_BACK = 65_535;

interface LengthContext {
  readonly groups: ReadonlyMap<number, SyntaxNode>;
  readonly hasSharedNumbers: boolean;
  /** Groups that enclose the item being measured, to notice recursion. */
  readonly open: Set<number>;
  readonly known: Map<number, number>;
}

/** Stands for a length that is not fixed. */
const NOT_FIXED = Symbol("not fixed");
type Length = number | typeof NOT_FIXED;

function times(length: Length, count: number): Length {
  return length === NOT_FIXED || length * count > MAX_BACK ? NOT_FIXED : length * count;
}

function sequenceLength(context: LengthContext, items: readonly SyntaxNode[]): Length {
  let total = 0;
  for (const item of items) {
    // What follows (*ACCEPT) or (*FAIL) is never reached.
    if (item.kind === "fail" || (item.kind === "verb" && item.verb === "accept")) return total;
    const length = fixedLength(context, item);
    if (length === NOT_FIXED) return NOT_FIXED;
    total += length;
  }
  return total > MAX_BACK ? NOT_FIXED : total;
}

function equalLength(context: LengthContext, branches: readonly SyntaxNode[]): Length {
  let common: Length | null = null;
  for (const branch of branches) {
    const length = fixedLength(context, branch);
    if (length === NOT_FIXED || (common !== null && common !== length)) return NOT_FIXED;
    common = length;
  }
  return common ?? 0;
}

/** The length of a group that is called or referred to, unless it is the one being measured. */
function groupLength(context: LengthContext, group: number): Length {
  const known = context.known.get(group);
  if (context.open.has(group)) return NOT_FIXED;
  if (known !== undefined) return known;
  const node = context.groups.get(group);
  if (group === 0 || node === undefined) return NOT_FIXED;
  const length = fixedLength(context, node);
  if (length !== NOT_FIXED) context.known.set(group, length);
  return length;
}

/** Runs `work` inside a group, where a reference to that group has no fixed length. */
function within<Result>(context: LengthContext, capture: number, work: () => Result): Result {
  if (capture === 0 || context.open.has(capture)) return work();
  context.open.add(capture);
  const result = work();
  context.open.delete(capture);
  return result;
}

function fixedLength(context: LengthContext, node: SyntaxNode): Length {
  switch (node.kind) {
    case "empty":
    case "assertion":
    case "keep":
    case "fail":
    case "verb":
    case "look":
      return 0;
    case "literal":
      return node.text.length;
    case "set":
      return 1;
    case "sequence":
      return sequenceLength(context, node.items);
    case "alternation":
      return equalLength(context, node.branches);
    case "group":
      if (node.isNewlines === true) return NOT_FIXED;
      return within(context, node.capture, () => fixedLength(context, node.body));
    case "repeat":
      // PCRE2 passes over the quantifier of a lookahead here, but not over that of a lookbehind.
      if (node.body.kind === "look" && !node.body.behind) return 0;
      return node.min === node.max ? times(fixedLength(context, node.body), node.min) : NOT_FIXED;
    case "reference": {
      const [group = 0, ...others] = node.groups;
      return context.hasSharedNumbers || others.length > 0 ? NOT_FIXED : groupLength(context, group);
    }
    case "call":
      return groupLength(context, node.group);
    case "conditional":
      return conditionalLength(context, node);
    default:
      return assertNever(node);
  }
}

/** A missing second branch does not count as an empty one here: PCRE2 measures only what is written. */
function conditionalLength(
  context: LengthContext,
  node: SyntaxNode & { readonly kind: "conditional" },
): Length {
  if (node.condition.kind === "constant" && !node.condition.value && node.no === null) return 0;
  return equalLength(context, node.no === null ? [node.yes] : [node.yes, node.no]);
}

function collectGroups(node: SyntaxNode, groups: Map<number, SyntaxNode>): void {
  if (node.kind === "group" && node.capture > 0 && !groups.has(node.capture)) groups.set(node.capture, node);
  for (const child of childrenOf(node)) collectGroups(child, groups);
}

function measured(context: LengthContext, look: LookNode): LookNode {
  const branches = look.branches.map((branch) => {
    const body = rebuild(context, branch.body);
    if (!look.behind) return { body, back: 0 };
    const back = fixedLength(context, branch.body);
    if (back === NOT_FIXED) fault("a lookbehind is not of fixed length, or too long", look.at);
    return { body, back };
  });
  return { ...look, branches };
}

function rebuild(context: LengthContext, node: SyntaxNode): SyntaxNode {
  switch (node.kind) {
    case "sequence":
      return { ...node, items: node.items.map((item) => rebuild(context, item)) };
    case "alternation":
      return { ...node, branches: node.branches.map((branch) => rebuild(context, branch)) };
    case "group":
      return within(context, node.capture, () => ({ ...node, body: rebuild(context, node.body) }));
    case "repeat":
      return { ...node, body: rebuild(context, node.body) };
    case "look":
      return measured(context, node);
    case "conditional": {
      const { condition } = node;
      return {
        ...node,
        condition:
          condition.kind === "look" ? { ...condition, look: measured(context, condition.look) } : condition,
        yes: rebuild(context, node.yes),
        no: node.no === null ? null : rebuild(context, node.no),
      };
    }
    default:
      return node;
  }
}

function hasLookbehind(node: SyntaxNode): boolean {
  return (node.kind === "look" && node.behind) || childrenOf(node).some(hasLookbehind);
}

/** The tree with the length of every lookbehind branch filled in; throws where one is not fixed. */
export function setLookbehinds(pattern: ParsedPattern): SyntaxNode {
  if (!hasLookbehind(pattern.root)) return pattern.root;
  const groups = new Map<number, SyntaxNode>();
  collectGroups(pattern.root, groups);
  const { hasSharedNumbers } = pattern;
  return rebuild({ groups, hasSharedNumbers, open: new Set(), known: new Map() }, pattern.root);
}
