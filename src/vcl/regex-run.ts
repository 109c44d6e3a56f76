import type { MatchLimits, MatchResult, Pattern } from "../pcre/pattern.ts";
import { compilePattern } from "../pcre/pattern.ts";
import { VclRuntimeError } from "./diagnostics.ts";
import { RegexMemory } from "./regex-memory.ts";
import type { PastMatch } from "./regex-memory.ts";
import type { Transaction } from "./runtime.ts";
import type { RegexValue } from "./values.ts";

/** Steps one match may take before it counts as failed (Fastly's own figure is not published). */
const STEPS_PER_MATCH = 100_000;

/** Steps all matches of one state run may take together; beyond that the request ends with a 503. */
const STEPS_PER_STATE = 1_000_000;

/** One meter is enough: a match is synchronous. */
const METER = { steps: 0 };
const MATCH_LIMITS: MatchLimits = { steps: STEPS_PER_MATCH, depth: 100_000, meter: METER };

interface CompiledPattern {
  readonly pattern: Pattern;
  readonly memory: RegexMemory;
}

/** Patterns compiled last, by their text: versions of a service have nearly all of them in common. */
const compiled = new Map<string, CompiledPattern>();
const MOST_COMPILED = 2_000;

/** Compiles a regex literal. Throws what the pattern compiler throws on a malformed one. */
export function compileRegex(source: string): RegexValue {
  const known = compiled.get(source);
  if (known !== undefined) return { kind: "regex", source, ...known };
  const made = { pattern: compilePattern(source), memory: new RegexMemory() };
  if (compiled.size >= MOST_COMPILED) compiled.clear();
  compiled.set(source, made);
  return { kind: "regex", source, ...made };
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
  const { text, from = 0 } = subject;
  if (from === 0) return offsetsOf(t, matchWhole(t, regex, text).result);
  const result = search(regex, text, from);
  chargeSteps(t, costOf(text));
  return offsetsOf(t, result);
}

/** Whether the text matches. */
export function testRegex(t: Transaction, regex: RegexValue, text: string): boolean {
  return offsetsOf(t, matchWhole(t, regex, text).result) !== null;
}

/** The text of every group of a match, `null` for those that took no part; `null` for all where there is none. */
export function matchTexts(
  t: Transaction,
  regex: RegexValue,
  text: string,
): readonly (string | null)[] | null {
  const past = matchWhole(t, regex, text);
  const offsets = offsetsOf(t, past.result);
  return offsets === null ? null : (past.texts ??= captureTexts(text, offsets));
}

/** A match from the text's beginning: what the regex has just said of the same text, it says again at the same cost. */
function matchWhole(t: Transaction, regex: RegexValue, text: string): PastMatch {
  const known = regex.memory.find(text);
  if (known !== undefined) {
    chargeSteps(t, known.cost);
    return known;
  }
  const result = search(regex, text, 0);
  const past: PastMatch = { text, result, cost: costOf(text), texts: null };
  regex.memory.keep(past);
  chargeSteps(t, past.cost);
  return past;
}

function search({ pattern }: RegexValue, text: string, from: number): MatchResult {
  METER.steps = 0;
  return pattern.exec(text, from, MATCH_LIMITS);
}

/** What the search just made costs. Scanning for a place to start is not a step, but it is not free either. */
function costOf(text: string): number {
  return METER.steps + 1 + (text.length >> 6);
}

function offsetsOf(t: Transaction, result: MatchResult): readonly number[] | null {
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
