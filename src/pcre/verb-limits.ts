import { single } from "./byte-set.ts";
import { childrenOf } from "./syntax-children.ts";
import type { Survey } from "./pattern-survey.ts";
import type { StartPlan } from "./start-plan.ts";
import { fault } from "./syntax-error.ts";
import type { AlternationNode, ParsedPattern, SyntaxNode } from "./syntax.ts";

/** Refuses the combinations of verbs with other things whose exact behaviour in PCRE2 this matcher does not reproduce. */
export function refuseUnsupportedVerbs(root: SyntaxNode, survey: Survey): void {
  if (survey.hasThen && survey.called.size > 0)
    fault("(*THEN) together with subroutine calls is not supported", 0);
  if (survey.hasThen) refuseCountedThen(root, false);
  if (survey.hasAccept) refuseNestedAccept(root, { looks: 0, calls: survey.called.size > 0 });
  if (survey.hasKeep && survey.hasConditionLook && survey.called.size > 0)
    fault("\\K together with subroutine calls and lookaround conditions is not supported", 0);
}

/** PCRE2 copies counted groups, and where `(*THEN)` leads depends on the copies. */
function refuseCountedThen(node: SyntaxNode, counted: boolean): void {
  if (node.kind === "verb" && node.verb === "then" && counted)
    fault("(*THEN) inside a group with a counted quantifier is not supported", node.at);
  const isCount = node.kind === "repeat" && node.max !== 1 && !(node.min <= 1 && node.max === Infinity);
  for (const child of childrenOf(node)) refuseCountedThen(child, counted || isCount);
}

function refuseNestedAccept(
  node: SyntaxNode,
  inside: { readonly looks: number; readonly calls: boolean },
): void {
  if (
    node.kind === "verb" &&
    node.verb === "accept" &&
    inside.looks > 0 &&
    (inside.calls || inside.looks > 1)
  )
    fault("(*ACCEPT) in a lookaround together with calls or another lookaround is not supported", node.at);
  // A lookaround beside the verb counts like one around it.
  const looks = node.kind === "look" ? inside.looks + countLooks(node) : inside.looks;
  for (const child of childrenOf(node)) refuseNestedAccept(child, { ...inside, looks });
}

function countLooks(node: SyntaxNode): number {
  let count = node.kind === "look" ? 1 : 0;
  for (const child of childrenOf(node)) count += countLooks(child);
  return count;
}

/** Whether a verb that ends or moves the search can act before any byte is taken, and whether the node can be passed without taking one. */
interface Early {
  readonly verb: boolean;
  readonly passable: boolean;
}

/** Whether a verb can leave a lookaround and move the search: out of a negative one only `(*SKIP:name)` does. */
function leavesLook(node: SyntaxNode, confined: boolean): boolean {
  if (node.kind === "verb")
    return node.verb === "skip" ? !confined || node.argument !== null : node.verb === "commit" && !confined;
  const inside = confined || (node.kind === "look" && node.negative);
  return childrenOf(node).some((child) => leavesLook(child, inside));
}

function earlyVerb(node: SyntaxNode): Early {
  switch (node.kind) {
    case "literal":
    case "set":
    case "fail":
      return { verb: false, passable: false };
    case "verb":
      return { verb: node.verb === "commit", passable: true };
    case "look":
      return { verb: leavesLook(node, false), passable: true };
    // What a call runs is not looked into: it counts as a verb.
    case "call":
      return { verb: true, passable: true };
    case "sequence":
      for (const item of node.items) {
        const early = earlyVerb(item);
        if (early.verb || !early.passable) return early;
      }
      return { verb: false, passable: true };
    case "repeat": {
      const early = earlyVerb(node.body);
      return { verb: early.verb, passable: early.passable || node.min === 0 };
    }
    default: {
      const all = childrenOf(node).map(earlyVerb);
      const open = node.kind === "conditional" && node.no === null;
      return {
        verb: all.some((early) => early.verb),
        passable: open || all.length === 0 || all.some((early) => early.passable),
      };
    }
  }
}

/** The first byte PCRE2 notes for a node: a byte, "none", "unset" when nothing came yet, or "unknown" where this file does not follow it. */
type NotedByte = { readonly text: string; readonly caseless: boolean } | "none" | "unset" | "unknown";

function notedInSequence(items: readonly SyntaxNode[]): NotedByte {
  for (const item of items) {
    const noted = notedByte(item);
    if (noted !== "unset") return noted;
  }
  return "unset";
}

function notedInAlternation(node: AlternationNode): NotedByte {
  const all = node.branches.map(notedByte);
  const [head = "none"] = all;
  if (all.includes("unknown")) return "unknown";
  const agree = all.every((noted) => JSON.stringify(noted) === JSON.stringify(head));
  return agree ? head : "none";
}

export function notedByte(node: SyntaxNode): NotedByte {
  switch (node.kind) {
    case "literal":
      return { text: node.text.slice(0, 1), caseless: node.caseless };
    case "set":
      return node.literal === undefined ? "none" : notedByte(node.literal);
    case "assertion":
      return node.test === "line-start" ? "none" : "unset";
    case "empty":
    case "keep":
    case "fail":
      return "unset";
    case "verb":
      return node.verb === "accept" ? "unknown" : "unset";
    case "sequence":
      return notedInSequence(node.items);
    case "alternation":
      return notedInAlternation(node);
    case "group":
      return notedByte(node.body);
    case "repeat":
      return node.min > 0 ? notedByte(node.body) : "unknown";
    default:
      return "unknown";
  }
}

/**
 * The start plan for patterns in which a verb may act before the first byte. PCRE2 then answers differently depending on which
 * starts its optimiser skips (pcre2pattern, "Optimizations that affect backtracking verbs"); null where the plan stays as it is.
 */
export function planVerbStart(parsed: ParsedPattern): StartPlan | null {
  if (!earlyVerb(parsed.root).verb || !parsed.settings.startOptimize) return null;
  const noted = notedByte(parsed.root);
  if (noted === "unknown")
    fault("a verb that acts before the first byte is not supported here; (*NO_START_OPT) helps", 0);
  if (noted === "none" || noted === "unset") return null;
  return { kind: "set", set: single(noted.text.charCodeAt(0), noted.caseless) };
}
