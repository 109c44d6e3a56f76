import { compileProgram } from "./compiler.ts";
import { refuseLengthTraps } from "./length-trap.ts";
import { createMatcher } from "./matcher.ts";
import type { MatchLimits, MatchResult } from "./matcher.ts";
import { parsePattern } from "./parser.ts";
import { surveyPattern } from "./pattern-survey.ts";
import { planSearch } from "./start-plan.ts";
import { refuseStartTraps } from "./start-traps.ts";
import { planVerbStart, refuseUnsupportedVerbs } from "./verb-limits.ts";

export type { MatchLimits, MatchResult } from "./matcher.ts";
export { PatternSyntaxError } from "./syntax-error.ts";

export interface PatternOptions {
  /** As if the pattern began with `(?i)`. */
  readonly caseInsensitive?: boolean;
}

/** Enough for any sane pattern on a header; the steps take a few milliseconds at most. */
export const DEFAULT_LIMITS: MatchLimits = { steps: 100_000, depth: 100_000 };

/** A compiled pattern. */
export interface Pattern {
  readonly source: string;
  readonly groupCount: number;
  /**
   * Searches `subject`, a latin1 string whose char codes are bytes, from offset `from` on. Text before `from` is seen by
   * lookbehinds and `^`. Never throws; a match that would take more than `limits` ends as kind "limit".
   */
  exec(subject: string, from?: number, limits?: MatchLimits): MatchResult;
}

/**
 * Compiles a pattern in the syntax of PCRE2 10.42 without UTF. Unicode properties, callouts and UTF mode are refused.
 * Throws PatternSyntaxError, whose offset says where in the pattern the fault is.
 */
export function compilePattern(source: string, options: PatternOptions = {}): Pattern {
  const parsed = parsePattern(source, options.caseInsensitive ?? false);
  const survey = surveyPattern(parsed.root);
  refuseUnsupportedVerbs(parsed.root, survey);
  refuseStartTraps(parsed);
  refuseLengthTraps(parsed, survey.referenced.size > 0);
  const program = compileProgram(parsed, survey);
  const plan = planSearch(parsed, survey, program.facts);
  const verbStart = survey.hasActingVerbs && plan.start.kind === "everywhere" ? planVerbStart(parsed) : null;
  const matcher = createMatcher(parsed, program, verbStart === null ? plan : { ...plan, start: verbStart });
  return {
    source,
    groupCount: parsed.groupCount,
    exec: (subject, from = 0, limits = DEFAULT_LIMITS) => matcher.exec(subject, from, limits),
  };
}
