import { hasByte } from "./byte-mask.ts";
import { commit, exhausted, fail, push, setPair } from "./machine.ts";
import type { Machine, Step } from "./machine.ts";
import type { First } from "./node-facts.ts";

/** One way to go on, and what the text must start with for it to have a chance; null when anything may. */
export interface Way {
  step: Step;
  first: First | null;
}

function possible(m: Machine, first: First | null): boolean {
  if (first === null) return true;
  return m.pos < m.end ? hasByte(first.set, m.subject.charCodeAt(m.pos)) : first.atEnd;
}

/**
 * Tries two ways in order. The ways may be filled in after this call, so that loops can refer to themselves. `again` is the index
 * of the second way among the resume steps. Every passage costs a step, which bounds loops that never backtrack.
 */
export function forkStep(preferred: Way, other: Way, again: number): Step {
  return (m) => {
    m.budget -= 1;
    if (m.budget < 0) return exhausted(m);
    if (!possible(m, preferred.first)) return possible(m, other.first) ? other.step : fail(m);
    if (possible(m, other.first)) push(m, again, m.pos, 0);
    return preferred.step;
  };
}

/** Tries any number of ways in order; `again` is the index of the returned resume step. */
export function choiceSteps(
  ways: readonly Way[],
  again: number,
): { readonly enter: Step; readonly resume: Step } {
  const choose = (m: Machine, from: number): Step | null => {
    let at = from;
    while (at < ways.length && !possible(m, ways[at]?.first ?? null)) at += 1;
    const way = ways[at];
    if (way === undefined) return fail(m);
    let later = at + 1;
    while (later < ways.length && !possible(m, ways[later]?.first ?? null)) later += 1;
    m.budget -= (later - from) >> 3;
    if (later < ways.length) push(m, again, m.pos, later);
    return way.step;
  };
  return { enter: (m) => choose(m, 0), resume: (m) => choose(m, m.extra) };
}

/** Remembers where a group starts, in the first register of a pair of its own. */
export function openStep(pair: number, next: Step): Step {
  return (m) => {
    setPair(m, pair, m.pos, 0);
    return next;
  };
}

/** Closes a capture whose start `openStep` put into `startPair`. */
export function closeStep(capture: number, startPair: number, next: Step): Step {
  return (m) => {
    setPair(m, capture, m.regs[startPair * 2] ?? 0, m.pos);
    return next;
  };
}

/** Closes a capture whose text always has the same length, so that its start needs no register. */
export function closeExactStep(capture: number, length: number, next: Step): Step {
  return (m) => {
    setPair(m, capture, m.pos - length, m.pos);
    return next;
  };
}

/** `\K`. */
export function keepStep(next: Step): Step {
  return (m) => {
    setPair(m, 0, m.pos, m.regs[1] ?? -1);
    return next;
  };
}

/** Starts an atomic stretch: remembers the stack's height and the position. */
export function atomicOpenStep(pair: number, next: Step): Step {
  return (m) => {
    setPair(m, pair, m.sp, m.pos);
    // The entry just pushed lies below the stretch: it must survive.
    m.regs[pair * 2] = m.sp;
    return next;
  };
}

export function atomicCloseStep(pair: number, next: Step): Step {
  return (m) => {
    commit(m, m.regs[pair * 2] ?? 0);
    return m.budget < 0 ? exhausted(m) : next;
  };
}

/** What a loop over a group needs. `counter` is a pair (iterations, start of this one); the ways lead into the body and out of it. */
export interface CountedLoop {
  readonly min: number;
  readonly max: number;
  readonly lazy: boolean;
  readonly counter: number;
  readonly body: Way;
  readonly exit: Way;
  /** Index of `resume` among the resume steps. */
  readonly again: number;
}

function startIteration(m: Machine, loop: CountedLoop, count: number): Step {
  setPair(m, loop.counter, count + 1, m.pos);
  return loop.body.step;
}

function turn(m: Machine, loop: CountedLoop): Step | null {
  m.budget -= 1;
  if (m.budget < 0) return exhausted(m);
  const count = m.regs[loop.counter * 2] ?? 0;
  if (count < loop.min) return startIteration(m, loop, count);
  if (count >= loop.max) return loop.exit.step;
  if (loop.lazy) {
    if (possible(m, loop.body.first)) push(m, loop.again, m.pos, count);
    return loop.exit.step;
  }
  if (!possible(m, loop.body.first)) return loop.exit.step;
  if (possible(m, loop.exit.first)) push(m, loop.again, m.pos, count);
  return startIteration(m, loop, count);
}

/**
 * A repeat with counts, run by a counter instead of copies. PCRE2 makes copies and looks for an empty iteration only in the last
 * one, which is the one that repeats without bound: hence the test of `min`.
 */
export function countedSteps(loop: CountedLoop): {
  readonly enter: Step;
  readonly after: Step;
  readonly resume: Step;
} {
  const { min, max, counter } = loop;
  return {
    enter: (m) => {
      setPair(m, counter, 0, m.pos);
      return turn(m, loop);
    },
    after: (m) => {
      const count = m.regs[counter * 2] ?? 0;
      const empty = m.regs[counter * 2 + 1] === m.pos;
      return empty && max === Infinity && count >= min ? loop.exit.step : turn(m, loop);
    },
    resume: (m) => (loop.lazy ? startIteration(m, loop, m.extra) : loop.exit.step),
  };
}

/** Ends an iteration of an unbounded loop whose body may match nothing: after an empty one the loop is left. */
export function afterIteration(startPair: number, loop: Way, exit: Way): Step {
  return (m) => (m.regs[startPair * 2] === m.pos ? exit.step : loop.step);
}
