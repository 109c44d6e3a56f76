import { compilePattern, PatternSyntaxError } from "../../src/pcre/pattern.ts";

/** Offsets of the captures, 0 for no match, "limit" where libpcre2 gave up. */
export type Answer = readonly number[] | 0 | "limit";
/** A pattern, whether it ignores case, and its answers, or the error's offset when libpcre2 does not compile it. */
export type Case = readonly [
  pattern: string,
  caseless: number,
  answers: number | readonly (readonly [subject: string, from: number, answer: Answer])[],
];
export interface Corpus {
  readonly version: string;
  readonly cases: readonly Case[];
}

export interface Comparison {
  /** Subjects whose answers were compared. */
  compared: number;
  /** Patterns that libpcre2 takes and this matcher refuses, by message. */
  readonly refused: Map<string, string[]>;
  /** Subjects on which only this matcher reached a limit. */
  limited: number;
  readonly differences: string[];
}

function compareCase(comparison: Comparison, [source, caseless, answers]: Case): void {
  let pattern;
  try {
    pattern = compilePattern(source, { caseInsensitive: caseless === 1 });
  } catch (error) {
    if (!(error instanceof PatternSyntaxError)) throw error;
    if (typeof answers !== "number")
      comparison.refused.set(error.message, [...(comparison.refused.get(error.message) ?? []), source]);
    return;
  }
  if (typeof answers === "number") {
    comparison.differences.push(`${JSON.stringify(source)} is accepted, libpcre2 says error at ${answers}`);
    return;
  }
  for (const [subject, from, answer] of answers) {
    const result = pattern.exec(subject, from);
    if (answer === "limit") continue;
    comparison.compared += 1;
    if (result.kind === "limit") comparison.limited += 1;
    else {
      const ours = JSON.stringify(result.kind === "match" ? result.captures : 0);
      if (ours === JSON.stringify(answer)) continue;
      const where = `${JSON.stringify(source)} on ${JSON.stringify(subject)} from ${from}`;
      comparison.differences.push(`${where}: libpcre2 ${JSON.stringify(answer)}, ours ${ours}`);
    }
  }
}

/** Holds the matcher against answers of the real library. */
export function compareAnswers(corpus: Corpus): Comparison {
  const comparison: Comparison = { compared: 0, refused: new Map(), limited: 0, differences: [] };
  for (const one of corpus.cases) compareCase(comparison, one);
  return comparison;
}

/** Checks the shape of JSON that make-corpus.py wrote, as far as this project relies on it. */
export function readCorpus(text: string): Corpus {
  const value: unknown = JSON.parse(text);
  if (typeof value !== "object" || value === null || !("cases" in value) || !Array.isArray(value.cases))
    throw new TypeError("this is no corpus");
  return value as Corpus;
}
