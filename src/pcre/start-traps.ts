/**
 * Where PCRE2's search optimiser goes wrong. It finds out which byte a match must start with and which byte it must hold, and skips
 * starts by that; two faults in it (find_firstassertedcu and first_significant_code in pcre2_compile.c) make it miss matches. This
 * matcher refuses patterns whose answers would depend on them.
 */
import { LOWER_CASE } from "./byte-set.ts";
import { fault } from "./syntax-error.ts";
import type { LiteralNode, ParsedPattern, SyntaxNode } from "./syntax.ts";
import { notedByte } from "./verb-limits.ts";

function branchesOf(node: SyntaxNode): readonly SyntaxNode[] {
  if (node.kind === "alternation") return node.branches;
  if (node.kind === "look") return node.branches.map((branch) => branch.body);
  if (node.kind === "conditional") return node.no === null ? [node.yes] : [node.yes, node.no];
  return node.kind === "group" ? branchesOf(node.body) : [node];
}

function itemsOf(node: SyntaxNode): readonly SyntaxNode[] {
  return node.kind === "sequence" ? node.items : [node];
}

function isPassedMark(node: SyntaxNode): boolean {
  if (node.kind === "verb") return node.argument !== null && node.verb !== "accept";
  return node.kind === "conditional" && node.condition.kind === "constant" && node.no === null;
}

/** PCRE2's own test (is_anchored) for a pattern that is tried at one place only, without its `.*` rule. */
export function isAnchored(root: SyntaxNode): boolean {
  return branchesOf(root).every((branch) => {
    const head = itemsOf(branch).find((item) => !isPassedMark(item));
    switch (head?.kind) {
      case "assertion":
        return head.test === "subject-start" || head.test === "search-start";
      case "group":
        return isAnchored(head);
      case "look":
        return !head.behind && !head.negative && isAnchored(head);
      case "repeat":
        return head.min > 0 && head.body.kind === "group" && isAnchored(head.body);
      case "conditional": {
        const first = head.condition.kind === "look" ? head.condition.look : head.yes;
        return head.no !== null && isAnchored(first) && isAnchored(head.no);
      }
      default:
        return false;
    }
  });
}

/** True when a branch starts with something that PCRE2 would take for the start of the whole pattern. */
function startsSpecially(branch: SyntaxNode): boolean {
  const [head] = itemsOf(branch);
  switch (head?.kind) {
    case "assertion":
    case "look":
    case "conditional":
    case "verb":
      return true;
    case "group":
      return branchesOf(head).some(startsSpecially);
    case "repeat":
      return head.body.kind === "set" ? head.min === 0 && head.max === Infinity : startsSpecially(head.body);
    default:
      return false;
  }
}

/** A `{0}` group at the start: PCRE2 passes over its first branch only and reads the second as the pattern's beginning. */
function refuseSkippedGroup(root: SyntaxNode): void {
  for (const branch of branchesOf(root)) {
    for (const item of itemsOf(branch)) {
      if (item.kind === "repeat" && item.max === 0) {
        if (branchesOf(item.body).slice(1).some(startsSpecially))
          fault(
            "PCRE2 mishandles a {0} group with branches at the start of a pattern; use (?(DEFINE)...)",
            0,
          );
      } else if (item.kind === "look") refuseSkippedGroup(item);
      else if (item.kind !== "assertion" && !isPassedMark(item)) {
        if (item.kind === "group" || item.kind === "conditional") refuseSkippedGroup(item);
        if (item.kind === "repeat" && item.body.kind === "group") refuseSkippedGroup(item.body);
        break;
      }
    }
  }
}

/** The literal that a lookahead at the start demands, as find_firstassertedcu sees it; null when it sees none. */
function assertedLiteral(node: SyntaxNode, inLook: boolean): LiteralNode | null {
  let found: LiteralNode | null = null;
  for (const branch of branchesOf(node)) {
    const literal = assertedInBranch(branch, inLook);
    if (literal === null) return null;
    found ??= literal;
  }
  return found;
}

function isPassedLook(node: SyntaxNode): boolean {
  if (node.kind === "look") return node.behind || node.negative;
  return node.kind === "repeat" && (node.max === 0 || (node.min > 0 && isPassedLook(node.body)));
}

function assertedInBranch(branch: SyntaxNode, inLook: boolean): LiteralNode | null {
  const edges = new Set(["word-boundary", "not-word-boundary"]);
  const head = itemsOf(branch).find(
    (item) =>
      !isPassedMark(item) && !isPassedLook(item) && !(item.kind === "assertion" && edges.has(item.test)),
  );
  const inner = head?.kind === "repeat" && head.min > 0 ? head.body : head;
  switch (inner?.kind) {
    case "group":
      return assertedLiteral(inner, inLook);
    case "look":
      return assertedLiteral(inner, true);
    case "set":
      return inLook && inner.literal !== undefined ? inner.literal : null;
    case "literal":
      return inLook ? inner : null;
    default:
      return null;
  }
}

function isSameLetter(a: string, b: string): boolean {
  return LOWER_CASE[a.charCodeAt(0)] === LOWER_CASE[b.charCodeAt(0)];
}

/** The last byte every match must hold, as PCRE2 notes it: "" when it notes none, null when this file cannot tell. */
function requiredByte(node: SyntaxNode): string | null {
  switch (node.kind) {
    case "literal":
      return node.text.slice(-1);
    case "set":
      return node.literal === undefined ? "" : requiredByte(node.literal);
    case "sequence":
      for (const item of node.items.toReversed()) {
        const byte = requiredByte(item);
        if (byte !== "") return byte;
      }
      return "";
    case "group":
      return requiredByte(node.body);
    case "repeat":
      return node.min > 0 ? requiredByte(node.body) : "";
    case "alternation":
    case "conditional":
    case "look":
      return null;
    default:
      return "";
  }
}

function isLook(node: SyntaxNode): boolean {
  return node.kind === "look" || (node.kind === "repeat" && isLook(node.body));
}

/**
 * A lookahead at the start that demands a byte, followed by optional text and the same byte: PCRE2 then wants the byte twice, and
 * `(?=a)[a-z]*a` does not match "a".
 */
function refuseAssertedByte(root: SyntaxNode): void {
  const asserted = assertedLiteral(root, false);
  if (asserted === null) return;
  const rest = withoutLooks(root);
  if (typeof notedByte(rest) !== "string") return;
  const required = requiredByte(rest);
  if (required === null || (required !== "" && isSameLetter(required, asserted.text)))
    fault("PCRE2 mishandles a lookahead for a byte that the pattern itself ends up starting with", 0);
}

/** The pattern without the lookarounds it starts with. */
function withoutLooks(node: SyntaxNode): SyntaxNode {
  switch (node.kind) {
    case "sequence": {
      const first = node.items.findIndex((item) => !isLook(item));
      const rest = first < 0 ? [] : node.items.slice(first);
      return { ...node, items: rest.map((item, at) => (at === 0 ? withoutLooks(item) : item)) };
    }
    case "alternation":
      return { ...node, branches: node.branches.map(withoutLooks) };
    case "group":
      return { ...node, body: withoutLooks(node.body) };
    default:
      return isLook(node) ? { kind: "empty" } : node;
  }
}

/** Refuses what PCRE2's search gets wrong. */
export function refuseStartTraps(parsed: ParsedPattern): void {
  refuseSkippedGroup(parsed.root);
  if (parsed.settings.startOptimize) refuseAssertedByte(parsed.root);
}
