import { assertNever } from "../lib/errors.ts";
import type { Program } from "./compiler.ts";
import { createMachine, OUTCOME, resetStack } from "./machine.ts";
import type { Machine, Step } from "./machine.ts";
import type { SearchPlan, StartPlan } from "./start-plan.ts";
import { isAnchored } from "./start-traps.ts";
import type { ParsedPattern } from "./syntax.ts";

/** How much a match may take. */
export interface MatchLimits {
  /** Backtracks, loop passages and calls; long texts compared or scanned count too. */
  readonly steps: number;
  /** Entries on the backtracking stack. */
  readonly depth: number;
  /** What the match took is added here, for whoever has a budget over many matches. */
  readonly meter?: { steps: number };
}

export type MatchResult =
  | {
      readonly kind: "match";
      /** Start and end of the match, then of each group; -1 where a group is not set. */
      readonly captures: readonly number[];
    }
  | { readonly kind: "no-match" }
  | { readonly kind: "limit"; readonly limit: "steps" | "depth" };

export interface Matcher {
  exec(subject: string, from: number, limits: MatchLimits): MatchResult;
}

const NO_MATCH: MatchResult = { kind: "no-match" };
const STEPS_LIMIT: MatchResult = { kind: "limit", limit: "steps" };
const DEPTH_LIMIT: MatchResult = { kind: "limit", limit: "depth" };

/** The next place from `at` on where an attempt is worth it, -1 when there is none. */
function nextStart(m: Machine, plan: StartPlan, at: number): number {
  switch (plan.kind) {
    case "subject-start":
      return at === 0 ? 0 : -1;
    case "search-start":
      return at === m.from ? at : -1;
    case "line-starts": {
      if (at === m.from || m.subject.charCodeAt(at - 1) === 10) return at;
      const newline = m.subject.indexOf("\n", at);
      return newline < 0 ? -1 : newline + 1;
    }
    case "text":
      return m.subject.indexOf(plan.text, at);
    case "set": {
      const { subject, end } = m;
      for (let candidate = at; candidate < end; candidate += 1)
        if (plan.set[subject.charCodeAt(candidate)] === 1) return candidate;
      return -1;
    }
    case "everywhere":
      return at;
    default:
      return assertNever(plan);
  }
}

/** One attempt at `start`; the machine's outcome tells how it went. */
function attempt(m: Machine, program: Program, start: number): void {
  const { regs } = m;
  m.pos = start;
  m.sp = 0;
  m.outcome = OUTCOME.running;
  m.skipArguments = 0;
  regs.fill(-1);
  m.budget -= program.pairs >> 5;
  regs[0] = start;
  if (program.top >= 0) {
    regs[program.top * 2] = 1;
    regs[program.top * 2 + 1] = 0;
  }
  let step: Step | null = program.entry;
  while (step !== null) step = step(m);
}

function readCaptures(m: Machine, program: Program, groupCount: number): MatchResult {
  const { regs } = m;
  const captures: number[] = [regs[0] ?? 0, m.pos];
  const top = program.top >= 0 ? (regs[program.top * 2] ?? 0) : groupCount + 1;
  for (let group = 1; group <= groupCount; group += 1) {
    const isSet = group < top;
    captures.push(isSet ? (regs[group * 2] ?? -1) : -1, isSet ? (regs[group * 2 + 1] ?? -1) : -1);
  }
  return { kind: "match", captures };
}

/** Where the search goes on after a failed attempt at `start`; -1 when `(*COMMIT)` ended it. */
function nextAfter(m: Machine, start: number): number {
  if (m.outcome === OUTCOME.verb) {
    if (m.verb === "commit") return -1;
    if (m.verb === "skip" && m.skipTo > start) return m.skipTo;
    if (m.verb === "skip-argument") {
      m.ignoredSkips = m.skipArguments;
      return start;
    }
  }
  m.ignoredSkips = 0;
  return start + 1;
}

/** Passes over the LF of a CRLF when a newline may be CRLF and the pattern names neither byte (pcre2api, "CRLF newlines"). */
function passCrlf(m: Machine, at: number): number {
  if (at <= m.from || at >= m.end) return at;
  return m.subject.charCodeAt(at - 1) === 13 && m.subject.charCodeAt(at) === 10 ? at + 1 : at;
}

function search(m: Machine, program: Program, options: SearchOptions): MatchResult {
  const { plan, groupCount, passesCrlf, isAnchored } = options;
  let attempts = 0;
  let at = m.from;
  while (at >= 0 && at <= m.end) {
    const start = nextStart(m, plan.start, at);
    if (start < 0 || m.end - start < plan.minLength) return NO_MATCH;
    // Attempts that fail at once are cheap: eight of them cost a step.
    attempts += 1;
    if ((attempts & 7) === 0) m.budget -= 1;
    if (m.budget < 0) return STEPS_LIMIT;
    attempt(m, program, start);
    if (m.outcome === OUTCOME.match) return readCaptures(m, program, groupCount);
    if (m.outcome === OUTCOME.steps) return STEPS_LIMIT;
    if (m.outcome === OUTCOME.depth) return DEPTH_LIMIT;
    // PCRE2 does not try an anchored pattern again without the (*SKIP:name) that found no mark.
    if (isAnchored && m.outcome === OUTCOME.verb && m.verb === "skip-argument") return NO_MATCH;
    at = nextAfter(m, start);
    if (passesCrlf && at >= 0) at = passCrlf(m, at);
  }
  return NO_MATCH;
}

interface SearchOptions {
  readonly plan: SearchPlan;
  readonly groupCount: number;
  readonly passesCrlf: boolean;
  readonly isAnchored: boolean;
}

/** A matcher for a compiled pattern. It keeps one machine: matching is synchronous and calls nothing that could call it again. */
export function createMatcher(parsed: ParsedPattern, program: Program, plan: SearchPlan): Matcher {
  const m = createMachine(program);
  const { newline, maxSteps, maxDepth } = parsed.settings;
  const passesCrlf =
    (newline === "crlf" || newline === "any" || newline === "anycrlf") && !parsed.hasLineByte;
  const options: SearchOptions = {
    plan,
    groupCount: parsed.groupCount,
    passesCrlf,
    isAnchored: isAnchored(parsed.root),
  };
  return {
    exec: (subject, from, limits) => {
      if (from < 0 || from > subject.length) return NO_MATCH;
      if (plan.required !== "" && !subject.includes(plan.required, from)) return NO_MATCH;
      m.subject = subject;
      m.end = subject.length;
      m.from = from;
      const budget = Math.min(limits.steps, maxSteps);
      m.budget = budget;
      m.ignoredSkips = 0;
      resetStack(m, Math.min(limits.depth, maxDepth));
      const result = search(m, program, options);
      m.subject = "";
      if (limits.meter !== undefined) limits.meter.steps += budget - m.budget;
      return result;
    },
  };
}
