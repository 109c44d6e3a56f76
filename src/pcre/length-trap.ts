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

interface Place {
  /** The innermost capturing group around, 0 for none. */
  readonly capture: number;
  /** Whether the innermost group of any kind has branches: only among branches one can be left out. */
  readonly branching: boolean;
}

function refuse(node: SyntaxNode, place: Place, mentions: Mentions): void {
  const isOptional = node.kind === "repeat" && node.min === 0;
  if (isOptional && node.body.kind === "reference" && place.branching && place.capture > 0) {
    if (reaches(node.body.groups, place.capture, mentions))
      fault("PCRE2 mishandles an optional back-reference in a branch of the group that it refers to", 0);
  }
  const capture = node.kind === "group" && node.capture > 0 ? node.capture : place.capture;
  const opens = node.kind === "group" || node.kind === "look";
  const branches = node.kind === "alternation" || node.kind === "conditional";
  const branching = branches || (!opens && place.branching);
  for (const child of childrenOf(node)) refuse(child, { capture, branching }, mentions);
}

/** Refuses what PCRE2's minimum length gets wrong. */
export function refuseLengthTraps(parsed: ParsedPattern, hasReferences: boolean): void {
  if (!hasReferences || !parsed.settings.startOptimize) return;
  const mentions: Mentions = new Map();
  collect(parsed.root, [], mentions);
  refuse(parsed.root, { capture: 0, branching: false }, mentions);
}
