import { isFull } from "./byte-mask.ts";
import type { CallLayout, Capture } from "./call-steps.ts";
import type { Barrier, Step } from "./machine.ts";
import { fail } from "./machine.ts";
import type { First, NodeFacts } from "./node-facts.ts";
import type { Survey } from "./pattern-survey.ts";
import type { ParsedPattern, SyntaxNode } from "./syntax.ts";

/** What comes after a node: its first step, and what the text must start with for it to match. */
export interface Tail {
  readonly step: Step;
  readonly first: First;
}

/** A capturing group that is open where the compiler stands, for `(*ACCEPT)`. */
export interface OpenCapture extends Capture {
  readonly lookDepth: number;
}

/** Where the compiler stands. Steps are made from the end of the pattern to its start, so that each knows the next. */
export interface CompileContext {
  readonly parsed: ParsedPattern;
  readonly survey: Survey;
  readonly factsOf: (node: SyntaxNode) => NodeFacts;
  readonly resume: Step[];
  readonly barriers: (Barrier | null)[];
  /** Entry of each called group's body; filled in when the group is compiled. */
  readonly bodies: Map<number, { step: Step }>;
  readonly layout: { -readonly [Key in keyof CallLayout]: CallLayout[Key] };
  readonly openCaptures: OpenCapture[];
  /** What `(*ACCEPT)` leads to inside each enclosing lookaround. */
  readonly acceptTargets: Step[];
  readonly end: Step;
  pairs: number;
}

/** Compiles a node; handed to the files that compile one kind each, so that they do not import each other in circles. */
export type CompileNode = (context: CompileContext, node: SyntaxNode, tail: Tail) => Step;

export function newPair(context: CompileContext): number {
  context.pairs += 1;
  return context.pairs - 1;
}

/** Adds a step that backtracking may come back to; its index is the tag of stack entries. */
export function addResume(context: CompileContext, step: Step, barrier: Barrier | null = null): number {
  context.resume.push(step);
  context.barriers.push(barrier);
  return context.resume.length - 1;
}

/** Adds a resume step that is known only later. */
export function reserveResume(context: CompileContext, barrier: Barrier | null = null): number {
  return addResume(context, fail, barrier);
}

/** What may be tested before trying a way; null when the test could never say no, or when verbs must see every attempt. */
export function hint(context: CompileContext, first: First): First | null {
  if (context.survey.hasActingVerbs) return null;
  return first.atEnd && isFull(first.set) ? null : first;
}

/** The entry of a group's body for calls. */
export function bodyOf(context: CompileContext, group: number): { step: Step } {
  const known = context.bodies.get(group);
  if (known !== undefined) return known;
  const body = { step: fail };
  context.bodies.set(group, body);
  return body;
}

/** True when a step may be left out that only calls or `(*ACCEPT)` need. */
export function isPlain(context: CompileContext): boolean {
  return context.survey.called.size === 0 && !context.survey.hasAccept;
}
