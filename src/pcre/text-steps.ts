import { hasByte } from "./byte-mask.ts";
import { LOWER_CASE } from "./byte-set.ts";
import type { ByteSet } from "./byte-set.ts";
import { exhausted, fail, push, setPair } from "./machine.ts";
import type { Machine, Step } from "./machine.ts";
import type { First } from "./node-facts.ts";

/** Text compared or scanned for one step of the budget, as a power of two: 16 bytes. */
const BYTES_PER_STEP = 4;

export function byteStep(byte: number, next: Step): Step {
  return (m) => {
    if (m.pos < m.end && m.subject.charCodeAt(m.pos) === byte) {
      m.pos += 1;
      return next;
    }
    return fail(m);
  };
}

export function setStep(set: ByteSet, next: Step): Step {
  return (m) => {
    if (m.pos < m.end && set[m.subject.charCodeAt(m.pos)] === 1) {
      m.pos += 1;
      return next;
    }
    return fail(m);
  };
}

export function literalStep(text: string, next: Step): Step {
  if (text.length === 1) return byteStep(text.charCodeAt(0), next);
  const codes = Uint8Array.from(text, (character) => character.charCodeAt(0));
  const { length } = codes;
  return (m) => {
    const { subject, pos } = m;
    if (pos + length > m.end) return fail(m);
    for (let at = 0; at < length; at += 1) {
      if (subject.charCodeAt(pos + at) !== codes[at]) {
        m.budget -= at >> BYTES_PER_STEP;
        return fail(m);
      }
    }
    m.budget -= length >> BYTES_PER_STEP;
    m.pos = pos + length;
    return next;
  };
}

export function caselessStep(text: string, next: Step): Step {
  const codes = Uint8Array.from(text, (character) => LOWER_CASE[character.charCodeAt(0)] ?? 0);
  const { length } = codes;
  return (m) => {
    const { subject, pos } = m;
    if (pos + length > m.end) return fail(m);
    for (let at = 0; at < length; at += 1) {
      if (LOWER_CASE[subject.charCodeAt(pos + at)] !== codes[at]) {
        m.budget -= at >> BYTES_PER_STEP;
        return fail(m);
      }
    }
    m.budget -= length >> BYTES_PER_STEP;
    m.pos = pos + length;
    return next;
  };
}

/** A repeat of one set. `capture` is the pair that gets the text when the repeat is all that a capturing group holds, else -1. */
export interface Run {
  readonly set: ByteSet;
  readonly min: number;
  readonly max: number;
  readonly capture: number;
}

/** How far the run's set reaches from `from`, at most to `limit`. */
function scan(m: Machine, set: ByteSet, limit: number): number {
  const { subject } = m;
  let at = m.pos;
  while (at < limit && set[subject.charCodeAt(at)] === 1) at += 1;
  m.budget -= (at - m.pos) >> BYTES_PER_STEP;
  return at;
}

/** A run that gives nothing back. */
export function possessiveRun(run: Run, next: Step): Step {
  const { set, min, max, capture } = run;
  return (m) => {
    const from = m.pos;
    const at = scan(m, set, Math.min(m.end, from + max));
    if (at - from < min) return fail(m);
    if (m.budget < 0) return exhausted(m);
    m.pos = at;
    if (capture >= 0) setPair(m, capture, from, at);
    return next;
  };
}

/** A greedy run. `again` is the index of the returned resume step; `follow` is null when anything may follow. */
export function greedyRun(
  run: Run,
  options: { readonly next: Step; readonly again: number; readonly follow: First | null },
): { readonly enter: Step; readonly resume: Step } {
  const { set, min, max } = run;
  const { next, again, follow } = options;
  /** Takes the longest length from which what follows can start. */
  const settle = (m: Machine, floor: number, highest: number): Step | null => {
    let at = highest;
    if (follow !== null) {
      const { subject, end } = m;
      if (at === end && !follow.atEnd) at -= 1;
      while (at >= floor && at < end && !hasByte(follow.set, subject.charCodeAt(at))) at -= 1;
      m.budget -= (highest - at) >> BYTES_PER_STEP;
    }
    if (at < floor) return fail(m);
    if (m.budget < 0) return exhausted(m);
    if (at > floor) push(m, again, at - 1, floor);
    m.pos = at;
    return next;
  };
  return {
    enter: (m) => {
      const from = m.pos;
      const at = scan(m, set, Math.min(m.end, from + max));
      return at - from < min ? fail(m) : settle(m, from + min, at);
    },
    resume: (m) => settle(m, m.extra, m.pos),
  };
}

/** A lazy run: takes a byte only when what follows has failed. */
export function lazyRun(
  run: Run,
  options: { readonly next: Step; readonly again: number; readonly follow: First | null },
): { readonly enter: Step; readonly resume: Step } {
  const { set, min, max } = run;
  const { next, again, follow } = options;
  const settle = (m: Machine, from: number, ceiling: number): Step | null => {
    const { subject, end } = m;
    let at = from;
    if (follow !== null) {
      while (at < end ? !hasByte(follow.set, subject.charCodeAt(at)) : !follow.atEnd) {
        if (at >= ceiling || set[subject.charCodeAt(at)] !== 1) return fail(m);
        at += 1;
      }
      m.budget -= (at - from) >> BYTES_PER_STEP;
    }
    if (m.budget < 0) return exhausted(m);
    if (at < ceiling && set[subject.charCodeAt(at)] === 1) push(m, again, at + 1, ceiling);
    m.pos = at;
    return next;
  };
  return {
    enter: (m) => {
      const from = m.pos;
      const at = min === 0 ? from : scan(m, set, Math.min(m.end, from + min));
      return at - from < min ? fail(m) : settle(m, at, Math.min(m.end, from + max));
    },
    resume: (m) => settle(m, m.pos, m.extra),
  };
}

/** A back-reference. `groupOf` gives the first of the groups that is set, or -1: an unset group never matches. */
export function referenceStep(groupOf: (m: Machine) => number, caseless: boolean, next: Step): Step {
  return (m) => {
    const group = groupOf(m);
    if (group < 0) return fail(m);
    const from = m.regs[group * 2] ?? 0;
    const length = (m.regs[group * 2 + 1] ?? 0) - from;
    const { subject, pos } = m;
    if (pos + length > m.end) return fail(m);
    m.budget -= length >> BYTES_PER_STEP;
    for (let at = 0; at < length; at += 1) {
      const ours = subject.charCodeAt(pos + at);
      const theirs = subject.charCodeAt(from + at);
      if (ours !== theirs && !(caseless && LOWER_CASE[ours] === LOWER_CASE[theirs])) return fail(m);
    }
    if (m.budget < 0) return exhausted(m);
    m.pos = pos + length;
    return next;
  };
}
