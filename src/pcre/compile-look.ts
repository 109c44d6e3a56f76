import { assertNever } from "../lib/errors.ts";
import { insideCall } from "./call-steps.ts";
import { addResume, newPair, reserveResume } from "./compile-context.ts";
import type { CompileContext, CompileNode, Tail } from "./compile-context.ts";
import { setOf } from "./compile-repeat.ts";
import { atomicOpenStep, choiceSteps } from "./group-steps.ts";
import {
  backStep,
  conditionCloseStep,
  guardedOpenStep,
  lookCloseStep,
  negativeCloseStep,
} from "./look-steps.ts";
import { fail } from "./machine.ts";
import type { Machine, Step } from "./machine.ts";
import { ANYTHING, FINAL } from "./node-facts.ts";
import type { ConditionalNode, LookNode } from "./syntax.ts";
import { barrierStep, failStep } from "./verb-steps.ts";

interface Rest {
  readonly tail: Tail;
  readonly compile: CompileNode;
}

/** The steps of a lookaround's branches, tried in order; `close` ends each of them. */
function compileBranches(
  context: CompileContext,
  look: LookNode,
  ends: { readonly close: Step; readonly accept: Step; readonly compile: CompileNode },
): Step {
  context.acceptTargets.push(ends.accept);
  const bodies = look.branches.map((branch) => {
    const body = ends.compile(context, branch.body, {
      step: ends.close,
      first: look.atomic ? FINAL : ANYTHING,
    });
    return branch.back > 0 ? backStep(branch.back, body) : body;
  });
  context.acceptTargets.pop();
  if (context.survey.hasThen) return barBranches(context, look, bodies);
  const [only = fail] = bodies;
  if (bodies.length === 1) return only;
  const again = reserveResume(context);
  const ways = bodies.map((step) => ({ step, first: null }));
  const steps = choiceSteps(ways, again);
  context.resume[again] = steps.resume;
  return steps.enter;
}

/** A `(*THEN)` never leaves a lookaround: it goes to the next branch. */
function barBranches(context: CompileContext, look: LookNode, bodies: readonly Step[]): Step {
  let following: Step = failStep;
  for (let at = bodies.length - 1; at >= 0; at -= 1) {
    const body = bodies[at] ?? fail;
    const isLast = at === bodies.length - 1;
    // Behind the last branch of a negative one stands the barrier that lets the lookaround succeed.
    if (isLast && look.negative) following = body;
    else following = barrierStep(addResume(context, following, { kind: "look-branch" }), body);
  }
  return following;
}

function compilePositive(context: CompileContext, look: LookNode, rest: Rest): Step {
  const { tail, compile } = rest;
  const pair = newPair(context);
  let after = tail.step;
  if (context.survey.hasThen && look.atomic) {
    // PCRE2 keeps the lookaround's frame, where a (*THEN) that comes later ends as an ordinary failure.
    after = barrierStep(addResume(context, failStep, { kind: "look-branch" }), after);
  }
  const close = lookCloseStep(pair, look.atomic, after);
  const accept = look.atomic ? close : lookCloseStep(pair, true, tail.step);
  return atomicOpenStep(pair, compileBranches(context, look, { close, accept, compile }));
}

/** A lookaround at one byte needs no bookkeeping. */
function compilePeek(look: LookNode, next: Step): Step | null {
  const [branch, ...others] = look.branches;
  const set = branch === undefined || others.length > 0 ? null : setOf(branch.body);
  if (set === null) return null;
  const offset = look.behind ? -1 : 0;
  const { negative } = look;
  return (m) => {
    const at = m.pos + offset;
    const found = at >= 0 && at < m.end && set[m.subject.charCodeAt(at)] === 1;
    return found === negative ? fail(m) : next;
  };
}

export function compileLook(context: CompileContext, look: LookNode, rest: Rest): Step {
  const peek = compilePeek(look, rest.tail.step);
  if (peek !== null && !context.survey.hasThen) return peek;
  if (!look.negative) return compilePositive(context, look, rest);
  const pair = newPair(context);
  const failed = addResume(context, rest.tail.step, { kind: "negative" });
  const close = negativeCloseStep(pair);
  const body = compileBranches(context, look, { close, accept: close, compile: rest.compile });
  return guardedOpenStep(pair, failed, body);
}

function compileLookCondition(
  context: CompileContext,
  look: LookNode,
  ways: { readonly yes: Step; readonly no: Step; readonly compile: CompileNode },
): Step {
  const pair = newPair(context);
  const failed = addResume(context, look.negative ? ways.yes : ways.no, { kind: "negative" });
  // PCRE2 keeps the captures of a condition that matched even when it is a negative one.
  const close = conditionCloseStep(pair, look.negative ? ways.no : ways.yes);
  // The barrier just below stops every verb, so the last branch needs none of its own.
  const guarded: LookNode = { ...look, negative: true };
  const body = compileBranches(context, guarded, { close, accept: close, compile: ways.compile });
  return guardedOpenStep(pair, failed, body);
}

/** True when the group has captured something; with calls only captures below the highest one set so far count. */
export function isSet(context: CompileContext): (m: Machine, group: number) => boolean {
  if (context.survey.called.size === 0) return (m, group) => (m.regs[group * 2] ?? -1) >= 0;
  const { top } = context.layout;
  return (m, group) => (m.regs[group * 2] ?? -1) >= 0 && group < (m.regs[top * 2] ?? 0);
}

export function compileConditional(context: CompileContext, node: ConditionalNode, rest: Rest): Step {
  const { tail, compile } = rest;
  const { condition } = node;
  const yes = compile(context, node.yes, tail);
  const no = node.no === null ? tail.step : compile(context, node.no, tail);
  switch (condition.kind) {
    case "constant":
      return condition.value ? yes : no;
    case "look":
      return compileLookCondition(context, condition.look, { yes, no, compile });
    case "called": {
      const { groups } = condition;
      return (m) => (insideCall(m, groups) ? yes : no);
    }
    case "set": {
      const { groups } = condition;
      const test = isSet(context);
      return (m) => (groups.some((group) => test(m, group)) ? yes : no);
    }
    default:
      return assertNever(condition);
  }
}
