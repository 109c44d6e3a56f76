import { exhausted, fail, OUTCOME, push, setPair, stopDeep, unwind } from "./machine.ts";
import type { Machine, Step } from "./machine.ts";

/** Numbers in front of a frame's copy of the registers: caller's frame, group, position of the call, resume index, stack height. */
const HEADER = 5;
/** Frames may take this many numbers for each level of the depth limit. */
const NUMBERS_PER_LEVEL = 12;

/** What calls need to know of the program. `top` is the pair (highest capture set so far + 1, numbers in use in `frames`). */
export interface CallLayout {
  readonly groupCount: number;
  readonly pairs: number;
  readonly top: number;
}

function currentFrame(m: Machine): number {
  return m.regs[1] ?? -1;
}

/** True inside a call of one of the groups; of any when the list is empty. */
export function insideCall(m: Machine, groups: readonly number[]): boolean {
  const frame = currentFrame(m);
  return frame >= 0 && (groups.length === 0 || groups.includes(m.frames[frame + 1] ?? -1));
}

/** PCRE2 stops with an error where a group is called again inside itself at the same position. */
function loops(m: Machine, group: number): boolean {
  for (let frame = currentFrame(m); frame >= 0; frame = m.frames[frame] ?? -1) {
    m.budget -= 1;
    if (m.frames[frame + 1] === group) return m.frames[frame + 2] === m.pos;
  }
  return false;
}

function saveFrame(m: Machine, layout: CallLayout, header: readonly number[]): void {
  const at = m.regs[layout.top * 2 + 1] ?? 0;
  const size = HEADER + layout.pairs * 2;
  if (at + size > m.frames.length) {
    if (at + size > m.maxDepth * NUMBERS_PER_LEVEL) stopDeep(m);
    const larger = new Int32Array(Math.max(at + size, m.frames.length * 2));
    larger.set(m.frames);
    m.frames = larger;
  }
  m.frames.set(header, at);
  m.frames.set(m.regs, at + HEADER);
  m.budget -= layout.pairs >> 3;
}

/** Calls a group: its body runs with a frame of its own, and `back` is the resume index of what follows the call. */
export function callStep(
  layout: CallLayout,
  options: {
    readonly group: number;
    readonly body: { step: Step };
    readonly back: number;
    /** A barrier that stops verbs met inside the call, -1 when the pattern has none. */
    readonly barrier: number;
  },
): Step {
  const { group, body, back, barrier } = options;
  const { top } = layout;
  return (m) => {
    m.budget -= 1;
    if (loops(m, group)) stopDeep(m);
    const at = m.regs[top * 2 + 1] ?? 0;
    saveFrame(m, layout, [currentFrame(m), group, m.pos, back, m.sp]);
    if (m.budget < 0) return exhausted(m);
    // These changes are recorded even on an empty stack, because the end of a recursion unwinds to the height saved above.
    push(m, -1, m.regs[0] ?? 0, currentFrame(m));
    m.regs[1] = at;
    setPair(m, top, m.regs[top * 2] ?? 0, at + HEADER + layout.pairs * 2);
    if (barrier >= 0) push(m, barrier, m.pos, 0);
    return body.step;
  };
}

/**
 * The end of a called group. Captures below the caller's highest go back to what they were before the call, and so do the
 * registers of loops and groups. Choices inside the call stay: a call is not atomic.
 */
function leaveGroup(m: Machine, layout: CallLayout, frame: number): Step | null {
  const saved = frame + HEADER;
  const callerTop = m.frames[saved + layout.top * 2] ?? 0;
  for (let pair = 1; pair < layout.pairs; pair += 1) {
    // PCRE2 leaves captures above the caller's highest as they are; a later capture brings them to light.
    if (pair === layout.top || (pair <= layout.groupCount && pair >= callerTop)) continue;
    const first = m.frames[saved + pair * 2] ?? 0;
    const second = m.frames[saved + pair * 2 + 1] ?? 0;
    if (m.regs[pair * 2] !== first || m.regs[pair * 2 + 1] !== second) setPair(m, pair, first, second);
  }
  setPair(m, layout.top, callerTop, m.regs[layout.top * 2 + 1] ?? 0);
  const back = m.frames[frame + 3] ?? 0;
  setPair(m, 0, m.regs[0] ?? 0, m.frames[frame] ?? -1);
  m.budget -= layout.pairs >> 3;
  return m.budget < 0 ? exhausted(m) : (m.resume[back] ?? null);
}

/** The closing parenthesis of a group that may be called: returns to the caller if it was, else goes on with `close`. */
export function returnStep(layout: CallLayout, group: number, close: Step): Step {
  return (m) => {
    const frame = currentFrame(m);
    return frame >= 0 && m.frames[frame + 1] === group ? leaveGroup(m, layout, frame) : close;
  };
}

/** Closes a capture and keeps track of the highest one, in patterns with calls. */
export function closeTrackedStep(layout: CallLayout, options: Capture, next: Step): Step {
  const { capture, startPair } = options;
  const { top } = layout;
  return (m) => {
    setPair(m, capture, m.regs[startPair * 2] ?? 0, m.pos);
    if ((m.regs[top * 2] ?? 0) <= capture) setPair(m, top, capture + 1, m.regs[top * 2 + 1] ?? 0);
    return next;
  };
}

export interface Capture {
  readonly capture: number;
  readonly startPair: number;
}

/**
 * The end of the pattern, or `(*ACCEPT)`, inside a call: PCRE2 10.42 returns from the innermost call as if it were atomic, with
 * only the position and `\K` kept.
 */
function leaveWhole(m: Machine, frame: number): Step | null {
  const back = m.frames[frame + 3] ?? 0;
  const keep = m.regs[0] ?? 0;
  unwind(m, m.frames[frame + 4] ?? 0);
  if (m.regs[0] !== keep) setPair(m, 0, keep, m.regs[1] ?? -1);
  return m.resume[back] ?? null;
}

/** The end of the pattern. `refuses` implements (*NOTEMPTY) and (*NOTEMPTY_ATSTART). */
export function endStep(refuses: ((m: Machine) => boolean) | null, hasCalls: boolean): Step {
  return (m) => {
    if (hasCalls) {
      const frame = currentFrame(m);
      if (frame >= 0) return leaveWhole(m, frame);
    }
    if (refuses !== null && refuses(m)) return fail(m);
    m.outcome = OUTCOME.match;
    return null;
  };
}
