/**
 * PCRE2 makes a repeat of one byte possessive when nothing that can follow starts with such a byte. Its check (compare_opcodes in
 * pcre2_auto_possess.c, all releases so far) goes wrong where an atomic or possessive group follows that can be empty by leaving
 * out a group or by an empty branch before the last: it then overlooks what comes after the group, and `\d+(?:\.\d+)?+5` does
 * not match "125". This matcher refuses a pattern whose answers would depend on that fault.
 */
import type { RepeatNode, SyntaxNode } from "./syntax.ts";

/** True for possessive repeats that PCRE2 turns into an atomic group. */
export function isWrapped(node: RepeatNode): boolean {
  if (node.mode !== "possessive" || node.body.kind === "set" || node.body.kind === "literal") return false;
  return !(node.min <= 1 && node.max === Infinity);
}

/** True when the path that PCRE2's check follows itself, not in a nested check, reaches the end of the node; it then gives up. */
export function passesOnMainPath(node: SyntaxNode): boolean {
  switch (node.kind) {
    case "empty":
      return true;
    case "sequence":
      return node.items.every(passesOnMainPath);
    case "alternation": {
      const last = node.branches.at(-1);
      return last !== undefined && passesOnMainPath(last);
    }
    case "group":
      return passesOnMainPath(node.body);
    case "repeat":
      if (node.body.kind === "set" || node.body.kind === "literal") return node.min === 0;
      return passesOnMainPath(node.body);
    default:
      return false;
  }
}
