import { assertNever } from "../lib/errors.ts";
import { exhausted, fail, OUTCOME, push } from "./machine.ts";
import type { Machine, Step } from "./machine.ts";

/** Verbs that act when they are backtracked onto. */
export type ActingVerb = "commit" | "prune" | "skip" | "then" | "skip-argument";

/** A verb on its way up: where `(*THEN)` stands, what `(*SKIP:name)` looks for, and the call the verb was met in. */
interface Unwinding {
  verb: ActingVerb;
  readonly at: number;
  readonly name: string;
  readonly group: number;
  position: number;
}

type Catch = "no" | "resume" | "fail";

/** Whether a choice stops the verb, as pcre2_match's groups, lookarounds and calls do. */
function catches(m: Machine, verb: Unwinding, tag: number): Catch {
  const barrier = m.barriers[tag];
  if (barrier === null || barrier === undefined) return "no";
  switch (barrier.kind) {
    case "negative":
      return verb.verb === "skip-argument" ? "no" : "resume";
    case "branch":
      return verb.verb === "then" && verb.at < barrier.end ? "resume" : "no";
    case "look-branch":
      return verb.verb === "then" ? "resume" : "no";
    case "call":
      return barrier.group === verb.group ? "fail" : "no";
    case "mark":
      return "no";
    default:
      return assertNever(barrier);
  }
}

/** Unwinds the stack until something stops the verb; at the bottom the search itself has to act on it. */
function unwindVerb(m: Machine, verb: Unwinding): Step | null {
  const { stack, regs } = m;
  while (m.sp > 0) {
    m.sp -= 3;
    const tag = stack[m.sp] ?? 0;
    const first = stack[m.sp + 1] ?? 0;
    const second = stack[m.sp + 2] ?? 0;
    if (tag < 0) {
      regs[(-1 - tag) * 2] = first;
      regs[(-1 - tag) * 2 + 1] = second;
      continue;
    }
    const barrier = m.barriers[tag];
    if (barrier?.kind === "mark" && verb.verb === "skip-argument" && barrier.name === verb.name) {
      verb.verb = "skip";
      verb.position = first;
      continue;
    }
    const caught = catches(m, verb, tag);
    if (caught === "no") continue;
    if (caught === "fail") return fail(m);
    m.pos = first;
    m.extra = second;
    m.budget -= 1;
    return m.budget < 0 ? exhausted(m) : (m.resume[tag] ?? null);
  }
  m.outcome = OUTCOME.verb;
  m.verb = verb.verb;
  m.skipTo = verb.position;
  return null;
}

/** Passes a verb: leaves an entry that acts when it is backtracked onto. */
export function passVerbStep(trigger: number, next: Step): Step {
  return (m) => {
    push(m, trigger, m.pos, 0);
    return next;
  };
}

/** `(*SKIP:name)` is ignored when an earlier try at this start found no such mark. */
export function passSkipArgumentStep(trigger: number, next: Step): Step {
  return (m) => {
    m.skipArguments += 1;
    if (m.skipArguments > m.ignoredSkips) push(m, trigger, m.pos, 0);
    return next;
  };
}

/** What happens when a verb is backtracked onto. */
export function triggerStep(verb: ActingVerb, options: { readonly at: number; readonly name: string }): Step {
  const { at, name } = options;
  return (m) => {
    const frame = m.regs[1] ?? -1;
    const group = frame >= 0 ? (m.frames[frame + 1] ?? -1) : -1;
    return unwindVerb(m, { verb, at, name, group, position: m.pos });
  };
}

/** The resume step of barriers that only stop verbs and are otherwise passed over. */
export function failStep(m: Machine): Step | null {
  return fail(m);
}

/** Leaves a barrier on the stack. */
export function barrierStep(tag: number, next: Step): Step {
  return (m) => {
    push(m, tag, m.pos, 0);
    return next;
  };
}
