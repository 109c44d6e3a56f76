import { childrenOf } from "./syntax-children.ts";
import type { GroupNode, SyntaxNode } from "./syntax.ts";

/** What a pattern uses, found before compiling it. */
export interface Survey {
  /** Numbers of the groups that are called; 0 is the whole pattern. */
  readonly called: ReadonlySet<number>;
  readonly referenced: ReadonlySet<number>;
  /** The group that a call of each number runs: the first with that number. */
  readonly firstGroups: ReadonlyMap<number, GroupNode>;
  /** Verbs that act when backtracked onto; they make the order of attempts visible, so nothing may be skipped. */
  readonly hasActingVerbs: boolean;
  readonly hasThen: boolean;
  readonly hasAccept: boolean;
  readonly hasKeep: boolean;
  /** `(*SKIP:name)` occurs, so marks matter. */
  readonly hasSkipArgument: boolean;
  readonly hasConditionLook: boolean;
}

type Flags = { -readonly [Key in keyof Survey as Survey[Key] extends boolean ? Key : never]: boolean };
type Mutable = Flags & {
  readonly called: Set<number>;
  readonly referenced: Set<number>;
  readonly firstGroups: Map<number, GroupNode>;
};

function note(survey: Mutable, node: SyntaxNode): void {
  switch (node.kind) {
    case "group":
      if (node.capture > 0 && !survey.firstGroups.has(node.capture))
        survey.firstGroups.set(node.capture, node);
      break;
    case "call":
      survey.called.add(node.group);
      break;
    case "reference":
      for (const group of node.groups) survey.referenced.add(group);
      break;
    case "keep":
      survey.hasKeep = true;
      break;
    case "conditional":
      if (node.condition.kind === "look") survey.hasConditionLook = true;
      break;
    case "verb":
      if (node.verb === "accept") survey.hasAccept = true;
      else if (node.verb !== "mark") survey.hasActingVerbs = true;
      if (node.verb === "then") survey.hasThen = true;
      if (node.verb === "skip" && node.argument !== null) survey.hasSkipArgument = true;
      break;
    default:
  }
}

/** Walks the tree once. */
export function surveyPattern(root: SyntaxNode): Survey {
  const survey: Mutable = {
    called: new Set(),
    referenced: new Set(),
    firstGroups: new Map(),
    hasActingVerbs: false,
    hasThen: false,
    hasAccept: false,
    hasKeep: false,
    hasSkipArgument: false,
    hasConditionLook: false,
  };
  const walk = (node: SyntaxNode): void => {
    note(survey, node);
    for (const child of childrenOf(node)) walk(child);
  };
  walk(root);
  return survey;
}
