import * as fc from "fast-check";
import { equalityCase } from "./arbitraries/cases.ts";
import type { EqualityCase } from "./equality-case.ts";
import { runCase } from "./run-case.ts";
import type { Counterexample, Targets } from "./run-case.ts";
import type { Tally } from "./tally.ts";

export interface SearchOptions {
  readonly cases: number;
  readonly seed: number;
  /** Whether what is found is made as small as it can be; yes unless given. */
  readonly mayShrink?: boolean;
  /** Counts what is excused. */
  readonly tally?: Tally;
}

/** A case in which the targets differ, and how it differs. */
export interface Difference {
  readonly one: EqualityCase;
  readonly found: Counterexample;
}

/** Looks for a case in which two targets differ; `null` = none among so many. @throws Error where a case could not be run */
export async function searchDifference(targets: Targets, options: SearchOptions): Promise<Difference | null> {
  const { cases, seed, mayShrink = true, tally } = options;
  const property = fc.asyncProperty(equalityCase, async (one) => {
    return (await runCase(one, targets, tally)) === null;
  });
  const run = await fc.check(property, { numRuns: cases, seed, endOnFailure: !mayShrink });
  if (!run.failed) return null;
  const [one] = run.counterexample ?? [];
  if (one === undefined)
    throw new Error(`the search with seed ${seed} failed: ${fc.defaultReportMessage(run)}`);
  const found = await runCase(one, targets);
  if (found === null) throw new Error(`a case that differed is alike when it is run again (seed ${seed})`);
  return { one, found };
}
