import type { ByteSet } from "./byte-set.ts";

/** Zero-width tests that need no operand. `^` and `$` have been resolved against the multiline flag. */
export type Assertion =
  | "subject-start"
  | "line-start"
  | "search-start"
  | "subject-end"
  | "subject-end-or-newline"
  | "line-end"
  | "word-boundary"
  | "not-word-boundary";

/** How a repeat shares text with what follows it. */
export type RepeatMode = "greedy" | "lazy" | "possessive";

export interface EmptyNode {
  readonly kind: "empty";
}
/** Bytes in order; `caseless` compares ASCII letters without case. */
export interface LiteralNode {
  readonly kind: "literal";
  readonly text: string;
  readonly caseless: boolean;
}
/** One byte out of a set. */
export interface SetNode {
  readonly kind: "set";
  readonly set: ByteSet;
  /** Set for a class that PCRE2 compiles to a literal: one byte, or the two cases of a letter. */
  readonly literal?: LiteralNode;
  /** A bit of TYPE in type-trap.ts for some type escapes outside of classes. */
  readonly type?: number;
}
export interface AssertionNode {
  readonly kind: "assertion";
  readonly test: Assertion;
}
/** `\K`: the reported match starts here. */
export interface KeepNode {
  readonly kind: "keep";
}
/** `(*FAIL)`: never matches. */
export interface FailNode {
  readonly kind: "fail";
}
export interface SequenceNode {
  readonly kind: "sequence";
  readonly items: readonly SyntaxNode[];
}
/** Two or more branches; `ends` are the pattern offsets where each branch stops, which `(*THEN)` needs. */
export interface AlternationNode {
  readonly kind: "alternation";
  readonly branches: readonly SyntaxNode[];
  readonly ends: readonly number[];
}
/** `capture` is the group's number, 0 for a group that does not capture. */
export interface GroupNode {
  readonly kind: "group";
  readonly capture: number;
  readonly atomic: boolean;
  readonly body: SyntaxNode;
  /** Pattern offset of the closing parenthesis. */
  readonly end: number;
  /** True for `\R`, which is an atomic group of its line ends. */
  readonly isNewlines?: boolean;
}
/** One top-level branch of a lookaround; `back` is how many bytes a lookbehind steps back first. */
export interface LookBranch {
  readonly body: SyntaxNode;
  readonly back: number;
}
export interface LookNode {
  readonly kind: "look";
  readonly behind: boolean;
  readonly negative: boolean;
  /** False only for the non-atomic positive forms `(?*` and `(?<*`. */
  readonly atomic: boolean;
  readonly branches: readonly LookBranch[];
  readonly at: number;
}
/** `max` is `Infinity` when there is no upper bound. */
export interface RepeatNode {
  readonly kind: "repeat";
  readonly body: SyntaxNode;
  readonly min: number;
  readonly max: number;
  readonly mode: RepeatMode;
}
/** A back-reference; with duplicate names the first group that is set counts. */
export interface ReferenceNode {
  readonly kind: "reference";
  readonly groups: readonly number[];
  readonly caseless: boolean;
  readonly byName: boolean;
}
/** A subroutine call or recursion; group 0 is the whole pattern. */
export interface CallNode {
  readonly kind: "call";
  readonly group: number;
}
export type Condition =
  | { readonly kind: "set"; readonly groups: readonly number[] }
  /** Inside a call of one of these groups; an empty list means inside any call. */
  | { readonly kind: "called"; readonly groups: readonly number[] }
  | { readonly kind: "constant"; readonly value: boolean }
  | { readonly kind: "look"; readonly look: LookNode };
/** `no` is null when the group has one branch only. */
export interface ConditionalNode {
  readonly kind: "conditional";
  readonly condition: Condition;
  readonly yes: SyntaxNode;
  readonly no: SyntaxNode | null;
}
export type VerbName = "accept" | "commit" | "prune" | "skip" | "then" | "mark";
/** A backtracking verb; `at` is its pattern offset. */
export interface VerbNode {
  readonly kind: "verb";
  readonly verb: VerbName;
  readonly argument: string | null;
  readonly at: number;
}

export type SyntaxNode =
  | EmptyNode
  | LiteralNode
  | SetNode
  | AssertionNode
  | KeepNode
  | FailNode
  | SequenceNode
  | AlternationNode
  | GroupNode
  | LookNode
  | RepeatNode
  | ReferenceNode
  | CallNode
  | ConditionalNode
  | VerbNode;

/** What `.`, `^`, `$` and `\N` take for a line end (pcre2pattern, "Newline conventions"). */
export type Newline = "lf" | "cr" | "nul" | "crlf" | "anycrlf" | "any";

/** What the `(*...)` items at the pattern's very start ask for. Limits may only lower those of the caller. */
export interface PatternSettings {
  readonly newline: Newline;
  /** True when `\R` takes only CR, LF and CRLF. */
  readonly narrowNewlineSequence: boolean;
  readonly notEmpty: boolean;
  readonly notEmptyAtStart: boolean;
  readonly startOptimize: boolean;
  readonly autoPossess: boolean;
  readonly maxSteps: number;
  readonly maxDepth: number;
}

export interface ParsedPattern {
  readonly root: SyntaxNode;
  readonly groupCount: number;
  readonly settings: PatternSettings;
  /** True when the pattern has a literal CR or LF, which changes how a search passes over CRLF. */
  readonly hasLineByte: boolean;
  /** True when two groups may share a number, through `(?|`. */
  readonly hasSharedNumbers: boolean;
}

export const EMPTY: EmptyNode = { kind: "empty" };
