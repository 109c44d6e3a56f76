import { closeTrackedStep, returnStep } from "./call-steps.ts";
import { addResume, bodyOf, hint, isPlain, newPair, reserveResume } from "./compile-context.ts";
import type { CompileContext, CompileNode, Tail } from "./compile-context.ts";
import { compileRun, setOf } from "./compile-repeat.ts";
import {
  atomicCloseStep,
  atomicOpenStep,
  choiceSteps,
  closeExactStep,
  closeStep,
  forkStep,
  openStep,
} from "./group-steps.ts";
import type { Way } from "./group-steps.ts";
import type { Step } from "./machine.ts";
import { ANYTHING, FINAL, followedBy } from "./node-facts.ts";
import type { AlternationNode, GroupNode } from "./syntax.ts";
import { barrierStep, failStep } from "./verb-steps.ts";

interface Rest {
  readonly tail: Tail;
  readonly compile: CompileNode;
}

/** With `(*THEN)` in the pattern every branch leaves a barrier, so that the verb finds the innermost alternation it stands in. */
function compileBarredBranches(context: CompileContext, node: AlternationNode, rest: Rest): Step {
  let following: Step = failStep;
  for (let at = node.branches.length - 1; at >= 0; at -= 1) {
    const branch = node.branches[at];
    if (branch === undefined) continue;
    const tag = addResume(context, following, { kind: "branch", end: node.ends[at] ?? 0 });
    following = barrierStep(tag, rest.compile(context, branch, rest.tail));
  }
  return following;
}

export function compileAlternation(context: CompileContext, node: AlternationNode, rest: Rest): Step {
  if (context.survey.hasThen) return compileBarredBranches(context, node, rest);
  const { tail, compile } = rest;
  const ways = node.branches.map((branch): Way => {
    const first = hint(context, followedBy(context.factsOf(branch), tail.first));
    return { step: compile(context, branch, tail), first };
  });
  const [preferred, other, ...more] = ways;
  if (preferred !== undefined && other !== undefined && more.length === 0)
    return forkStep(preferred, other, addResume(context, other.step));
  const again = reserveResume(context);
  const steps = choiceSteps(ways, again);
  context.resume[again] = steps.resume;
  return steps.enter;
}

function compileAtomicGroup(context: CompileContext, node: GroupNode, rest: Rest): Step {
  const pair = newPair(context);
  let after = rest.tail.step;
  if (context.survey.hasThen && node.body.kind === "alternation") {
    // PCRE2 keeps the frame of the group's last branch, which still stops a (*THEN) written before the group's end.
    after = barrierStep(addResume(context, failStep, { kind: "branch", end: node.end }), after);
  }
  const close = atomicCloseStep(pair, after);
  return atomicOpenStep(pair, rest.compile(context, node.body, { step: close, first: FINAL }));
}

/** Captures that need no register for their start, because their text is one final run or has one length. */
function compileSimpleCapture(context: CompileContext, node: GroupNode, rest: Rest): Step | null {
  if (!isPlain(context)) return null;
  const { tail, compile } = rest;
  const { body, capture } = node;
  if (body.kind === "repeat" && body.max > 0) {
    const set = setOf(body.body);
    const run = set === null ? null : compileRun(context, body, { set, tail, capture });
    if (run !== null) return run;
  }
  const { exact } = context.factsOf(body);
  if (exact < 0) return null;
  return compile(context, body, { step: closeExactStep(capture, exact, tail.step), first: tail.first });
}

function compileCapture(context: CompileContext, node: GroupNode, rest: Rest): Step {
  const simple = compileSimpleCapture(context, node, rest);
  if (simple !== null) return simple;
  const { tail, compile } = rest;
  const { capture } = node;
  const startPair = newPair(context);
  const hasCalls = context.survey.called.size > 0;
  let close = hasCalls
    ? closeTrackedStep(context.layout, { capture, startPair }, tail.step)
    : closeStep(capture, startPair, tail.step);
  const called = context.survey.called.has(capture);
  if (called) close = returnStep(context.layout, capture, close);
  context.openCaptures.push({ capture, startPair, lookDepth: context.acceptTargets.length });
  const body = compile(context, node.body, { step: close, first: called ? ANYTHING : tail.first });
  context.openCaptures.pop();
  if (context.survey.firstGroups.get(capture) === node) bodyOf(context, capture).step = body;
  return openStep(startPair, body);
}

export function compileGroup(context: CompileContext, node: GroupNode, rest: Rest): Step {
  if (node.capture > 0) return compileCapture(context, node, rest);
  if (node.atomic) return compileAtomicGroup(context, node, rest);
  return rest.compile(context, node.body, rest.tail);
}
