import { isFull, setOfMask } from "./byte-mask.ts";
import { onlyByte, sizeOf } from "./byte-set.ts";
import type { ByteSet } from "./byte-set.ts";
import { childrenOf } from "./syntax-children.ts";
import type { NodeFacts } from "./node-facts.ts";
import type { Survey } from "./pattern-survey.ts";
import { fault } from "./syntax-error.ts";
import type { Assertion, ParsedPattern, SyntaxNode } from "./syntax.ts";

/** Where a search has to try. */
export type StartPlan =
  | { readonly kind: "subject-start" }
  /** Only where the search begins. */
  | { readonly kind: "search-start" }
  /** There, and after every LF. */
  | { readonly kind: "line-starts" }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "set"; readonly set: ByteSet }
  | { readonly kind: "everywhere" };

export interface SearchPlan {
  readonly start: StartPlan;
  /** No match is shorter. */
  readonly minLength: number;
  /** Text that every match holds, "" when none is known or looking for it would not pay. */
  readonly required: string;
}

function isZeroWidth(node: SyntaxNode): boolean {
  return node.kind === "empty" || node.kind === "assertion" || node.kind === "look" || node.kind === "keep";
}

/** True when every way into the node begins with the assertion. */
function beginsWith(node: SyntaxNode, test: Assertion): boolean {
  switch (node.kind) {
    case "assertion":
      return node.test === test;
    case "sequence":
      for (const item of node.items) {
        if (beginsWith(item, test)) return true;
        if (!isZeroWidth(item)) return false;
      }
      return false;
    case "alternation":
      return node.branches.every((branch) => beginsWith(branch, test));
    case "group":
      return beginsWith(node.body, test);
    case "repeat":
      return node.min > 0 && beginsWith(node.body, test);
    case "conditional":
      return node.no !== null && beginsWith(node.yes, test) && beginsWith(node.no, test);
    default:
      return false;
  }
}

/** `.*` that can reach every later start; "line" when a newline stops it. Not where its length is fixed for good or referred to. */
function beginsWithDotStar(node: SyntaxNode, survey: Survey): "all" | "line" | null {
  switch (node.kind) {
    case "sequence": {
      const [head] = node.items;
      return head === undefined ? null : beginsWithDotStar(head, survey);
    }
    case "alternation": {
      const kinds = node.branches.map((branch) => beginsWithDotStar(branch, survey));
      if (kinds.includes(null)) return null;
      return kinds.includes("line") ? "line" : "all";
    }
    case "group":
      return node.atomic || survey.referenced.has(node.capture) ? null : beginsWithDotStar(node.body, survey);
    case "repeat": {
      if (node.body.kind !== "set" || node.min > 0 || node.max !== Infinity) return null;
      const size = sizeOf(node.body.set);
      if (size === 256) return "all";
      return size === 255 && node.body.set[10] === 0 ? "line" : null;
    }
    default:
      return null;
  }
}

/** The longest text that a match cannot do without. */
function requiredText(node: SyntaxNode): string {
  switch (node.kind) {
    case "literal":
      return node.caseless && /[A-Za-z]/.test(node.text) ? "" : node.text;
    case "sequence":
      return longestRun(node.items);
    case "group":
      return requiredText(node.body);
    case "repeat":
      return node.min > 0 ? requiredText(node.body) : "";
    default:
      return "";
  }
}

function longestRun(items: readonly SyntaxNode[]): string {
  let best = "";
  let run = "";
  for (const item of items) {
    const text = requiredText(item);
    run = item.kind === "literal" && text !== "" ? run + text : text;
    if (run.length > best.length) best = run;
    if (item.kind !== "literal") run = "";
  }
  return best;
}

/** The literal a pattern starts with, "" if it starts otherwise. */
function leadingText(node: SyntaxNode): string {
  if (node.kind === "literal") return requiredText(node);
  if (node.kind === "group") return leadingText(node.body);
  if (node.kind !== "sequence") return "";
  let text = "";
  for (const item of node.items) {
    if (item.kind !== "literal" || requiredText(item) === "") break;
    text += item.text;
  }
  const [head] = node.items;
  return text === "" && head?.kind === "group" ? leadingText(head) : text;
}

function planStart(parsed: ParsedPattern, survey: Survey, facts: NodeFacts): StartPlan {
  const { root } = parsed;
  if (beginsWith(root, "subject-start")) return { kind: "subject-start" };
  if (beginsWith(root, "search-start")) return { kind: "search-start" };
  if (survey.hasActingVerbs) return { kind: "everywhere" };
  const isLf = parsed.settings.newline === "lf";
  if (isLf && beginsWith(root, "line-start")) return { kind: "line-starts" };
  const dotStar = survey.called.size > 0 ? null : beginsWithDotStar(root, survey);
  if (dotStar === "all") return { kind: "search-start" };
  if (dotStar === "line" && isLf) return { kind: "line-starts" };
  const text = leadingText(root);
  if (text !== "") return { kind: "text", text };
  if (facts.transparent || facts.atEnd || isFull(facts.set)) return { kind: "everywhere" };
  const set = setOfMask(facts.set);
  const byte = onlyByte(set);
  return byte >= 0 ? { kind: "text", text: String.fromCharCode(byte) } : { kind: "set", set };
}

function hasLineStart(node: SyntaxNode): boolean {
  return (node.kind === "assertion" && node.test === "line-start") || childrenOf(node).some(hasLineStart);
}

/**
 * With these newlines PCRE2 passes over the LF of a CRLF where it looks for line starts, and whether it does depends on its
 * optimiser. Patterns that name neither CR nor LF pass over it anyway.
 */
function refuseLineStarts(parsed: ParsedPattern, survey: Survey): void {
  const { newline } = parsed.settings;
  if ((newline !== "any" && newline !== "anycrlf") || !parsed.hasLineByte) return;
  if (hasLineStart(parsed.root) || beginsWithDotStar(parsed.root, survey) !== null)
    fault("line starts and explicit CR or LF together are not supported with (*ANY) or (*ANYCRLF)", 0);
}

/** Works out what a search may skip. With acting verbs every attempt counts, so nothing is skipped. */
export function planSearch(parsed: ParsedPattern, survey: Survey, facts: NodeFacts): SearchPlan {
  refuseLineStarts(parsed, survey);
  const start = planStart(parsed, survey, facts);
  if (survey.hasActingVerbs || survey.hasAccept) return { start, minLength: 0, required: "" };
  const pays = start.kind === "everywhere" || start.kind === "set" || start.kind === "line-starts";
  return { start, minLength: facts.min, required: pays ? requiredText(parsed.root) : "" };
}
