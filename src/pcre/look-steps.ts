import { commit, exhausted, fail, push, setPair, unwind } from "./machine.ts";
import type { Step } from "./machine.ts";

/** Steps a lookbehind's branch back. */
export function backStep(length: number, next: Step): Step {
  return (m) => {
    if (m.pos < length) return fail(m);
    m.pos -= length;
    return next;
  };
}

/** Ends a positive lookaround: back to where it began. Its choices go, unless it is of the non-atomic kind. */
export function lookCloseStep(pair: number, atomic: boolean, next: Step): Step {
  return (m) => {
    if (atomic) commit(m, m.regs[pair * 2] ?? 0);
    m.pos = m.regs[pair * 2 + 1] ?? 0;
    return m.budget < 0 ? exhausted(m) : next;
  };
}

/**
 * Starts a lookaround that is followed elsewhere when it fails: a negative one, or a condition. `failed` is the index of the
 * step to go on with then.
 */
export function guardedOpenStep(pair: number, failed: number, next: Step): Step {
  return (m) => {
    setPair(m, pair, m.sp, m.pos);
    m.regs[pair * 2] = m.sp;
    push(m, failed, m.pos, 0);
    return next;
  };
}

/** A negative lookaround has matched: nothing of it stays, and it fails. */
export function negativeCloseStep(pair: number): Step {
  return (m) => {
    unwind(m, m.regs[pair * 2] ?? 0);
    return fail(m);
  };
}

/** A lookaround that is a condition has matched: its captures stay, its choices and the way for its failure go. */
export function conditionCloseStep(pair: number, next: Step): Step {
  return (m) => {
    m.pos = m.regs[pair * 2 + 1] ?? 0;
    commit(m, m.regs[pair * 2] ?? 0);
    return m.budget < 0 ? exhausted(m) : next;
  };
}
