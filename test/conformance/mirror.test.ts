import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CASES } from "../../src/conformance/cases.ts";
import { runCases } from "../../src/conformance/run.ts";
import type { CaseResult } from "../../src/conformance/run.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";

describe("the rendered service on the mirror", () => {
  let fleet: Fleet;
  let results: ReadonlyMap<string, CaseResult>;

  beforeAll(async () => {
    fleet = await startFleet();
    await fleet.deploy();
    await fleet.prepare();
    results = new Map((await runCases(CASES, fleet.target)).map((result) => [result.id, result]));
  }, 120_000);
  afterAll(() => fleet.close());

  it.each(CASES.map((row) => [row.id, row.title] as const))("%s: %s", (id) => {
    expect(results.get(id)).toMatchObject({ verdict: "passed", reasons: [] });
  });

  it("has a case of each id once", () => {
    expect(new Set(CASES.map(({ id }) => id)).size).toBe(CASES.length);
  });
});
