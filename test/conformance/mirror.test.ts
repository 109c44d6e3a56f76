import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DIFFERENCES } from "../../compute/differences.ts";
import type { Difference } from "../../compute/differences.ts";
import { CASES } from "../../src/conformance/cases.ts";
import { runCases } from "../../src/conformance/run.ts";
import type { CaseResult } from "../../src/conformance/run.ts";
import { CAPABILITIES, startFleet } from "../support/fleet.ts";
import type { Fleet, Target } from "../support/fleet.ts";

/** Cases that a target cannot run, and why: `compute/differences.ts`, which has each of them once. */
function excused(kind: Target): ReadonlyMap<string, string> {
  const differences: readonly Difference[] = DIFFERENCES;
  const holding = differences.filter(
    ({ id }) => id !== "no-http-cache" || kind === "compute without HTTP cache",
  );
  return new Map(holding.flatMap(({ cases = [], why }) => cases.map((id) => [id, why] as const)));
}

/** Ids of the cases that a target has not all the capabilities for. */
function skippedOn(kind: Target): readonly string[] {
  const has = new Set(CAPABILITIES[kind]);
  return CASES.filter(({ needs = [] }) => needs.some((need) => !has.has(need))).map(({ id }) => id);
}

const KINDS = ["vcl", "compute", "compute without HTTP cache"] as const;

describe.each(KINDS)("the service on the mirror: %s", (kind) => {
  const skipped = skippedOn(kind);
  let fleet: Fleet;
  let results: ReadonlyMap<string, CaseResult>;

  beforeAll(async () => {
    fleet = await startFleet(kind);
    await fleet.deploy();
    await fleet.prepare();
    results = new Map((await runCases(CASES, fleet.target)).map((result) => [result.id, result]));
  }, 180_000);
  afterAll(() => fleet.close());

  it.each(CASES.filter(({ id }) => !skipped.includes(id)).map((row) => [row.id, row.title] as const))(
    "%s: %s",
    (id) => {
      expect(results.get(id)).toMatchObject({ verdict: "passed", reasons: [] });
    },
  );

  it("skips no case but those that the list of differences has, with its reason", () => {
    const reasons = excused(kind);
    for (const id of skipped) process.stdout.write(`skipped on ${kind}: ${id}: ${reasons.get(id)}\n`);
    expect(skipped.filter((id) => !reasons.has(id))).toEqual([]);
    const seen = [...results.values()].filter(({ verdict }) => verdict === "skipped");
    expect(seen.map(({ id }) => id)).toEqual(skipped);
  });
});

describe("the conformance cases", () => {
  it("have each id once", () => {
    expect(new Set(CASES.map(({ id }) => id)).size).toBe(CASES.length);
  });

  it("are each run on one target at least, and on all unless a difference names them, once", () => {
    const named = DIFFERENCES.flatMap((difference: Difference) => difference.cases ?? []);
    expect(new Set(named).size).toBe(named.length);
    const unrun = new Map(CASES.map(({ id }) => [id, KINDS.filter((kind) => skippedOn(kind).includes(id))]));
    const counts = named.map((id) => [id, unrun.get(id)?.length ?? 0] as const);
    expect(counts.filter(([, count]) => count === 0 || count === KINDS.length)).toEqual([]);
  });
});
