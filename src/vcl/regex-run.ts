import type { MatchLimits } from "../pcre/pattern.ts";
import { compilePattern } from "../pcre/pattern.ts";
import { VclRuntimeError } from "./diagnostics.ts";
import type { Transaction } from "./runtime.ts";
import type { RegexValue } from "./values.ts";

/** Steps one match may take before it counts as failed (Fastly's own figure is not published). */
const STEPS_PER_MATCH = 100_000;

/** Steps all matches of one state run may take together; beyond that the request ends with a 503. */
const STEPS_PER_STATE = 1_000_000;

/** One meter is enough: a match is synchronous. */
const METER = { steps: 0 };
const MATCH_LIMITS: MatchLimits = { steps: STEPS_PER_MATCH, depth: 100_000, meter: METER };

/** Compiles a regex literal. Throws what the pattern compiler throws on a malformed one. */
export function compileRegex(source: string): RegexValue {
  return { kind: "regex", source, pattern: compilePattern(source) };
}

/**
 * Offsets of one match as pairs (start, end), -1 where a group took no part; `null` when there is none. A match that
 * hits its limit is no match and sets `fastly.error` to EREGRECUR (reference/vcl/functions/strings/regsub).
 */
export function execRegex(
  t: Transaction,
  regex: RegexValue,
  subject: { readonly text: string; readonly from?: number },
): readonly number[] | null {
  METER.steps = 0;
  const result = regex.pattern.exec(subject.text, subject.from ?? 0, MATCH_LIMITS);
  // Scanning for a place to start is not a step, but it is not free either.
  chargeSteps(t, METER.steps + 1 + (subject.text.length >> 6));
  if (result.kind === "match") return result.captures;
  if (result.kind === "limit") t.vclError = "EREGRECUR";
  return null;
}

function chargeSteps(t: Transaction, steps: number): void {
  t.regexSteps = (t.regexSteps ?? 0) + steps;
  if (t.regexSteps > STEPS_PER_STATE) {
    throw new VclRuntimeError(
      "limit/regex-steps",
      `one subroutine run spent more than ${STEPS_PER_STATE} regex steps`,
    );
  }
}

/** The text of every group of a match, `null` for those that took no part. */
export function captureTexts(text: string, offsets: readonly number[]): (string | null)[] {
  const groups: (string | null)[] = [];
  for (let i = 0; i + 1 < offsets.length; i += 2) {
    const start = offsets[i] ?? -1;
    groups.push(start === -1 ? null : text.slice(start, offsets[i + 1]));
  }
  return groups;
}
