import { areDisjoint } from "./byte-mask.ts";
import { single } from "./byte-set.ts";
import type { ByteSet } from "./byte-set.ts";
import { addResume, hint, newPair, reserveResume } from "./compile-context.ts";
import type { CompileContext, CompileNode, Tail } from "./compile-context.ts";
import {
  afterIteration,
  atomicCloseStep,
  atomicOpenStep,
  countedSteps,
  forkStep,
  openStep,
} from "./group-steps.ts";
import type { Way } from "./group-steps.ts";
import { commit, exhausted, fail } from "./machine.ts";
import type { Step } from "./machine.ts";
import { ANYTHING, either, FINAL, followedBy } from "./node-facts.ts";
import type { First } from "./node-facts.ts";
import { isIdleConditional } from "./parse-quantifier.ts";
import { fault } from "./syntax-error.ts";
import type { RepeatNode, SyntaxNode } from "./syntax.ts";
import { NO_TYPED, seemsDisjoint, TYPE, wronglyPossessive } from "./type-trap.ts";
import { greedyRun, lazyRun, possessiveRun } from "./text-steps.ts";
import type { Run } from "./text-steps.ts";

/** The set of a node that always takes one byte out of a set, else null. */
export function setOf(node: SyntaxNode): ByteSet | null {
  if (node.kind === "set") return node.set;
  if (node.kind === "literal" && node.text.length === 1)
    return single(node.text.charCodeAt(0), node.caseless);
  return null;
}

/**
 * A repeat of one set as one step. A greedy one becomes possessive where no byte of the set can start what follows: giving bytes
 * back could then never help.
 */
export function compileRun(context: CompileContext, node: RepeatNode, options: RunOptions): Step | null {
  const { set, tail, capture } = options;
  const run: Run = { set, min: node.min, max: node.max, capture };
  const follow = hint(context, tail.first);
  const mask = context.factsOf(node.body).set;
  const givesBack =
    node.mode !== "possessive" &&
    node.min !== node.max &&
    !(node.mode === "greedy" && (tail.first.final || (follow !== null && areDisjoint(mask, follow.set))));
  if (!givesBack) return possessiveRun(run, tail.step);
  if (isMisjudged(context, node, tail.first)) return possessiveRun(run, tail.step);
  if (capture >= 0) return null;
  const again = reserveResume(context);
  const build = node.mode === "lazy" ? lazyRun : greedyRun;
  const steps = build(run, { next: tail.step, again, follow });
  context.resume[again] = steps.resume;
  return steps.enter;
}

function trapType(body: SyntaxNode): number {
  if (body.kind === "group" && body.isNewlines === true) return TYPE.newlines;
  return body.kind === "set" ? (body.type ?? 0) : 0;
}

/**
 * True for a repeat that PCRE2 wrongly makes possessive in a way that can be followed (type-trap.ts); refuses the pattern where it
 * cannot, and in the cases of possessive-trap.ts.
 */
function isMisjudged(context: CompileContext, node: RepeatNode, follow: First): boolean {
  if (!context.parsed.settings.autoPossess) return false;
  const repeated = { type: trapType(node.body), mask: context.factsOf(node.body).set };
  if (follow.trap !== null && seemsDisjoint(repeated, follow.trap))
    fault(
      "PCRE2 mishandles a repeat followed by an atomic or possessive group that can be empty; make that group non-atomic",
      0,
    );
  const verdict = wronglyPossessive(repeated, follow);
  if (verdict === "no") return false;
  const follows = verdict === "yes" && node.mode === "greedy" && node.body.kind === "set";
  if (!follows || context.survey.called.size > 0)
    fault("PCRE2 mishandles a repeated type escape before \\R, \\h, \\v, \\S or \\s; use classes instead", 0);
  return true;
}

export interface RunOptions {
  readonly set: ByteSet;
  readonly tail: Tail;
  /** The capture that the run fills, -1 for none; then null comes back if the run might give bytes back. */
  readonly capture: number;
}

/** Compiles a node that keeps nothing to backtrack into. */
function compileAtomic(context: CompileContext, tail: Tail, compileBody: (tail: Tail) => Step): Step {
  const pair = newPair(context);
  const close = atomicCloseStep(pair, tail.step);
  return atomicOpenStep(pair, compileBody({ step: close, first: FINAL }));
}

interface LoopParts {
  readonly node: RepeatNode;
  readonly tail: Tail;
  readonly compile: CompileNode;
}

/** The two ways at the head of a loop, the body's not compiled yet. */
function waysOf(context: CompileContext, parts: LoopParts): { readonly body: Way; readonly exit: Way } {
  const { node, tail } = parts;
  const facts = context.factsOf(node.body);
  // An iteration may be empty and then be followed by the exit.
  const first = hint(context, followedBy(facts, either(facts, tail.first)));
  return { body: { step: fail, first }, exit: { step: tail.step, first: hint(context, tail.first) } };
}

function compileOptional(context: CompileContext, parts: LoopParts): Step {
  const { body, exit } = waysOf(context, parts);
  body.step = parts.compile(context, parts.node.body, parts.tail);
  const [preferred, other] = parts.node.mode === "lazy" ? [exit, body] : [body, exit];
  return forkStep(preferred, other, addResume(context, other.step));
}

/** `*` and `+` over a group. A body that may match nothing needs a register for where its iteration started. */
function compileStar(context: CompileContext, parts: LoopParts): Step {
  const { node, tail, compile } = parts;
  const { body, exit } = waysOf(context, parts);
  const lazy = node.mode === "lazy";
  const again = reserveResume(context);
  const head = forkStep(lazy ? exit : body, lazy ? body : exit, again);
  const facts = context.factsOf(node.body);
  const mayBeEmpty = facts.min === 0;
  const start = mayBeEmpty ? newPair(context) : -1;
  const after = mayBeEmpty ? afterIteration(start, { step: head, first: null }, exit) : head;
  // Behind the end of a repeated group PCRE2's optimiser does not look.
  const first = { ...either(facts, tail.first), trap: null, opaque: true };
  const inner = compile(context, node.body, { step: after, first });
  body.step = mayBeEmpty ? openStep(start, inner) : inner;
  context.resume[again] = lazy ? body.step : exit.step;
  return node.min === 0 ? head : body.step;
}

/** `*+` and `++` over a group: every iteration is final, so the stack does not grow with their number. */
function compilePossessiveStar(context: CompileContext, parts: LoopParts): Step {
  const { node, tail, compile } = parts;
  const pair = newPair(context);
  const start = newPair(context);
  const close = atomicCloseStep(pair, tail.step);
  const body: Way = { step: fail, first: hint(context, context.factsOf(node.body)) };
  if (context.factsOf(node.body).transparent) body.first = null;
  const exit: Way = { step: close, first: null };
  const head = forkStep(body, exit, addResume(context, close));
  const next = afterIteration(start, { step: head, first: null }, exit);
  const settle: Step = (m) => {
    commit(m, m.regs[pair * 2] ?? 0);
    return m.budget < 0 ? exhausted(m) : next(m);
  };
  body.step = openStep(start, compile(context, node.body, { step: settle, first: FINAL }));
  return atomicOpenStep(pair, node.min === 0 ? head : body.step);
}

function compileCounted(context: CompileContext, parts: LoopParts): Step {
  const { node, tail, compile } = parts;
  const { body, exit } = waysOf(context, parts);
  const again = reserveResume(context);
  const counter = newPair(context);
  const loop = { min: node.min, max: node.max, lazy: node.mode === "lazy", counter, body, exit, again };
  const steps = countedSteps(loop);
  const facts = context.factsOf(node.body);
  const joined = either(facts, tail.first);
  // PCRE2 makes copies of the body and judges each by what follows that copy alone.
  const alone = facts.trap !== null && tail.first.trap !== null ? NO_TYPED : null;
  const trap = alone ?? facts.trap ?? tail.first.trap;
  const first = { ...joined, types: joined.types | TYPE.uncertain, trap };
  body.step = compile(context, node.body, { step: steps.after, first });
  context.resume[again] = steps.resume;
  return steps.enter;
}

function compileLoop(context: CompileContext, parts: LoopParts): Step {
  const { min, max } = parts.node;
  if (min === 1 && max === 1) return parts.compile(context, parts.node.body, parts.tail);
  if (min === 0 && max === 1) return compileOptional(context, parts);
  if (min <= 1 && max === Infinity) return compileStar(context, parts);
  return compileCounted(context, parts);
}

/** Compiles a repeat of anything. */
export function compileRepeat(
  context: CompileContext,
  node: RepeatNode,
  rest: { readonly tail: Tail; readonly compile: CompileNode },
): Step {
  const { tail, compile } = rest;
  if (isIdleConditional(node.body)) return compile(context, node.body, tail);
  if (node.max === 0) {
    // Nothing to match here, but groups inside may be called.
    compile(context, node.body, { step: fail, first: ANYTHING });
    return tail.step;
  }
  const set = setOf(node.body);
  const run = set === null ? null : compileRun(context, node, { set, tail, capture: -1 });
  if (run !== null) return run;
  if (node.body.kind === "group" && node.body.isNewlines === true && node.mode !== "possessive")
    isMisjudged(context, node, tail.first);
  if (node.mode !== "possessive") return compileLoop(context, { node, tail, compile });
  if (node.min <= 1 && node.max === Infinity) return compilePossessiveStar(context, { node, tail, compile });
  const greedy: RepeatNode = { ...node, mode: "greedy" };
  return compileAtomic(context, tail, (inner) =>
    compileLoop(context, { node: greedy, tail: inner, compile }),
  );
}
