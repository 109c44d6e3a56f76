/**
 * PCRE2 skips starts where fewer bytes are left than any match takes. Its count (find_minlength in pcre2_study.c) leaves out a branch
 * that refers back to a group it stands in, even where the reference is optional: `1(.|\1*)` does not match "1". This matcher refuses
 * patterns with such a reference.
 */
import { childrenOf } from "./syntax-children.ts";
import { fault } from "./syntax-error.ts";
import type { ParsedPattern, SyntaxNode } from "./syntax.ts";

/** For each group the groups that its text opens, calls or refers to. */
type Mentions = Map<number, Set<number>>;

function mentionedBy(node: SyntaxNode): readonly number[] {
  if (node.kind === "reference") return node.groups;
  if (node.kind === "call") return [node.group];
  return node.kind === "group" && node.capture > 0 ? [node.capture] : [];
}

function collect(node: SyntaxNode, enclosing: readonly number[], mentions: Mentions): void {
  for (const group of enclosing) {
    const set = mentions.get(group) ?? new Set<number>();
    for (const mentioned of mentionedBy(node)) set.add(mentioned);
    mentions.set(group, set);
  }
  const inner = node.kind === "group" && node.capture > 0 ? [node.capture] : enclosing;
  for (const child of childrenOf(node)) collect(child, inner, mentions);
}

function reaches(from: readonly number[], target: number, mentions: Mentions): boolean {
  const seen = new Set(from);
  for (const group of seen) {
    if (group === target) return true;
    for (const next of mentions.get(group) ?? []) seen.add(next);
  }
  return false;
}

function refuse(node: SyntaxNode, enclosing: number, mentions: Mentions): void {
  if (node.kind === "repeat" && node.min === 0 && node.body.kind === "reference" && enclosing > 0) {
    if (reaches(node.body.groups, enclosing, mentions))
      fault("PCRE2 mishandles an optional back-reference to a group that it stands in", 0);
  }
  const inner = node.kind === "group" && node.capture > 0 ? node.capture : enclosing;
  for (const child of childrenOf(node)) refuse(child, inner, mentions);
}

/** Refuses what PCRE2's minimum length gets wrong. */
export function refuseLengthTraps(parsed: ParsedPattern, hasReferences: boolean): void {
  if (!hasReferences || !parsed.settings.startOptimize) return;
  const mentions: Mentions = new Map();
  collect(parsed.root, [], mentions);
  refuse(parsed.root, 0, mentions);
}
