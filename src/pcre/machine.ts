/**
 * One instruction. It returns the next one, or null when the attempt is over and `outcome` says how. Instructions never call
 * each other, so that no pattern and no subject can overflow the JavaScript stack.
 */
export interface Step {
  (machine: Machine): Step | null;
}

export const OUTCOME = {
  running: 0,
  match: 1,
  failed: 2,
  steps: 3,
  depth: 4,
  /** A backtracking verb reached the top; `verb` says which. */
  verb: 5,
} as const;

/** What a choice on the stack does when a backtracking verb unwinds past it; see verb-steps.ts. */
export type Barrier =
  | { readonly kind: "negative" }
  | { readonly kind: "branch"; readonly end: number }
  | { readonly kind: "look-branch" }
  | { readonly kind: "call"; readonly group: number }
  | { readonly kind: "mark"; readonly name: string };

/**
 * The state of a match. `regs` holds pairs of numbers: pair 0 is the reported start and the current call frame, pair n the
 * capture n, later pairs belong to loops and groups. `stack` holds entries of three numbers: a choice (its index in
 * `resume`, a position, a number of its own) or the old values of a pair (-1 - pair, first, second).
 */
export interface Machine {
  subject: string;
  end: number;
  /** Where the search was asked to start, for `\G`. */
  from: number;
  pos: number;
  /** The third number of the choice that was resumed. */
  extra: number;
  stack: Int32Array;
  sp: number;
  /** Where pushing must stop to look at the depth limit or enlarge the stack. */
  stackLimit: number;
  maxDepth: number;
  /** Steps left; below zero ends the match. */
  budget: number;
  tooDeep: boolean;
  outcome: number;
  readonly regs: Int32Array;
  readonly resume: readonly Step[];
  readonly barriers: readonly (Barrier | null)[];
  /** Call frames, see call-steps.ts. */
  frames: Int32Array;
  frameTop: number;
  verb: string;
  skipTo: number;
  skipArguments: number;
  ignoredSkips: number;
}

const ENTRY = 3;
const FIRST_STACK = 64 * ENTRY;

export function createMachine(program: {
  readonly pairs: number;
  readonly resume: readonly Step[];
  readonly barriers: readonly (Barrier | null)[];
}): Machine {
  return {
    subject: "",
    end: 0,
    from: 0,
    pos: 0,
    extra: 0,
    stack: new Int32Array(FIRST_STACK),
    sp: 0,
    stackLimit: FIRST_STACK,
    maxDepth: 0,
    budget: 0,
    tooDeep: false,
    outcome: OUTCOME.running,
    regs: new Int32Array(program.pairs * 2),
    resume: program.resume,
    barriers: program.barriers,
    frames: new Int32Array(0),
    frameTop: 0,
    verb: "",
    skipTo: 0,
    skipArguments: 0,
    ignoredSkips: 0,
  };
}

/** Ends the match because a limit was reached. */
export function exhausted(machine: Machine): null {
  machine.outcome = machine.tooDeep ? OUTCOME.depth : OUTCOME.steps;
  return null;
}

/** Makes the next look at the budget end the match. */
export function stopDeep(machine: Machine): void {
  machine.tooDeep = true;
  machine.budget = -1;
}

function enlarge(machine: Machine): void {
  if (machine.sp >= machine.maxDepth * ENTRY) stopDeep(machine);
  // Past the limit the stack still grows: the few pushes until the budget is looked at need room.
  if (machine.sp + ENTRY > machine.stack.length) {
    const larger = new Int32Array(machine.stack.length * 2);
    larger.set(machine.stack);
    machine.stack = larger;
  }
  machine.stackLimit = machine.tooDeep
    ? machine.stack.length
    : Math.min(machine.stack.length, machine.maxDepth * ENTRY);
}

/** Prepares the stack for a match under a depth limit, and gives back what an earlier deep match took. */
export function resetStack(machine: Machine, maxDepth: number): void {
  if (machine.stack.length > FIRST_STACK * 64) machine.stack = new Int32Array(FIRST_STACK);
  if (machine.frames.length > FIRST_STACK * 64) machine.frames = new Int32Array(0);
  machine.maxDepth = maxDepth;
  machine.tooDeep = false;
  machine.stackLimit = Math.min(machine.stack.length, maxDepth * ENTRY);
}

/** Puts an entry on the stack. */
export function push(machine: Machine, tag: number, first: number, second: number): void {
  if (machine.sp + ENTRY > machine.stackLimit) enlarge(machine);
  const { stack, sp } = machine;
  stack[sp] = tag;
  stack[sp + 1] = first;
  stack[sp + 2] = second;
  machine.sp = sp + ENTRY;
}

/** Sets a pair of registers; backtracking will put the old values back. With nothing on the stack nothing can backtrack. */
export function setPair(machine: Machine, pair: number, first: number, second: number): void {
  const { regs } = machine;
  const at = pair * 2;
  if (machine.sp !== 0) push(machine, -1 - pair, regs[at] ?? 0, regs[at + 1] ?? 0);
  regs[at] = first;
  regs[at + 1] = second;
}

/** Backtracks: undoes register changes up to the youngest choice and resumes it. */
export function fail(machine: Machine): Step | null {
  const { stack, regs } = machine;
  let { sp } = machine;
  while (sp > 0) {
    sp -= ENTRY;
    const tag = stack[sp] ?? 0;
    if (tag >= 0) {
      machine.sp = sp;
      machine.pos = stack[sp + 1] ?? 0;
      machine.extra = stack[sp + 2] ?? 0;
      machine.budget -= 1;
      if (machine.budget < 0) return exhausted(machine);
      return machine.resume[tag] ?? null;
    }
    const at = (-1 - tag) * 2;
    regs[at] = stack[sp + 1] ?? 0;
    regs[at + 1] = stack[sp + 2] ?? 0;
  }
  machine.sp = 0;
  machine.outcome = OUTCOME.failed;
  return null;
}

/** Drops everything above `base`, putting old register values back. */
export function unwind(machine: Machine, base: number): void {
  const { stack, regs } = machine;
  for (let sp = machine.sp - ENTRY; sp >= base; sp -= ENTRY) {
    const tag = stack[sp] ?? 0;
    if (tag >= 0) continue;
    const at = (-1 - tag) * 2;
    regs[at] = stack[sp + 1] ?? 0;
    regs[at + 1] = stack[sp + 2] ?? 0;
  }
  machine.sp = base;
}

/**
 * Drops the choices above `base` but keeps the old register values, of each pair only the oldest: what was matched stays, and
 * backtracking past it still undoes it.
 */
export function commit(machine: Machine, base: number): void {
  const { stack, sp } = machine;
  if (sp === base) return;
  if (base === 0) {
    machine.sp = 0;
    return;
  }
  const seen = sp - base > ENTRY * 16 ? new Set<number>() : null;
  let kept = base;
  for (let at = base; at < sp; at += ENTRY) {
    const tag = stack[at] ?? 0;
    if (tag >= 0 || seen?.has(tag) === true) continue;
    seen?.add(tag);
    stack[kept] = tag;
    stack[kept + 1] = stack[at + 1] ?? 0;
    stack[kept + 2] = stack[at + 2] ?? 0;
    kept += ENTRY;
  }
  machine.sp = kept;
  machine.budget -= (sp - base) >> 6;
}
