import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { startEdge } from "../../src/mirror/edge/edge.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { serviceOf } from "../mirror/edge/harness.ts";
import { readFastlyResults, readSuites } from "./cases.ts";
import type { Results, Suite } from "./cases.ts";
import { DIFFERENCES } from "./differences.ts";
import { LockStep } from "./lock-step.ts";
import { olderService } from "./older-service.ts";
import { runCases } from "./run-cases.ts";
import type { Outcome } from "./run-cases.ts";
import { startScriptedOrigin } from "./scripted-origin.ts";

const root = dirname(fileURLToPath(import.meta.resolve("http-cache-tests/package.json")));
const suites = await readSuites(root);
const published = await readFastlyResults(root);

/** A case's end as the published list would have it. */
function publishedKind(results: Results, id: string): string | null {
  const result = results[id];
  if (result === undefined) return null;
  return result === true ? "passed" : result[0];
}

interface Comparison {
  readonly agreed: number;
  readonly compared: number;
  /** `id: published, ours` of every difference. */
  readonly differing: readonly string[];
}

function compare(suite: Suite, outcomes: ReadonlyMap<string, Outcome>): Comparison {
  const differing: string[] = [];
  let compared = 0;
  for (const { id } of suite.tests) {
    const theirs = publishedKind(published, id);
    const ours = outcomes.get(id);
    if (theirs === null || ours === undefined) continue;
    compared += 1;
    if (theirs !== ours.kind) differing.push(id);
  }
  return { agreed: compared - differing.length, compared, differing };
}

describe("the edge against the published results of the real Fastly", () => {
  let outcomes: ReadonlyMap<string, Outcome> = new Map();

  beforeAll(async () => {
    outcomes = await runAll();
    process.stdout.write(tableOf(suites.map((suite) => [suite.id, compare(suite, outcomes)])));
  });

  it.each(suites.map((suite) => [suite.id, suite] as const))(
    "answers the suite %s as Fastly does, but for the listed differences",
    (_id, suite) => {
      const { differing } = compare(suite, outcomes);
      const unlisted = differing.filter((id) => !DIFFERENCES.has(id));
      expect(unlisted.map((id) => ({ id, published: published[id], ours: outcomes.get(id) }))).toEqual([]);
    },
  );

  it("lists no difference that is none any more", () => {
    const differing = new Set(suites.flatMap((suite) => compare(suite, outcomes).differing));
    expect([...DIFFERENCES.keys()].filter((id) => !differing.has(id))).toEqual([]);
  });

  it("compares every published result, and agrees on at least 97 of 100", () => {
    const all = suites.map((suite) => compare(suite, outcomes));
    const compared = all.reduce((sum, one) => sum + one.compared, 0);
    const agreed = all.reduce((sum, one) => sum + one.agreed, 0);
    expect(compared).toBe(Object.keys(published).length);
    expect(agreed / compared).toBeGreaterThanOrEqual(0.97);
  });
});

describe("the package of the cases", () => {
  it("is installed without the programs it names as dependencies", async () => {
    const text = await readFile(new URL("../../package-lock.json", import.meta.url), "utf8");
    const lock = z.object({ packages: z.record(z.string(), z.unknown()) }).parse(JSON.parse(text));
    const unwanted = ["liquidjs", "node-fetch", "npm"].filter((name) =>
      Object.keys(lock.packages).some((path) => path.endsWith(`node_modules/${name}`)),
    );
    expect(unwanted).toEqual([]);
    expect(lock.packages["node_modules/http-cache-tests"]).not.toHaveProperty("dependencies");
  });
});

async function runAll(): Promise<ReadonlyMap<string, Outcome>> {
  const stateDir = await mkdtemp(join(tmpdir(), "sitefleet-cache-tests-"));
  const clock = new FakeClock();
  const edge = await startEdge({ httpPort: 0, httpsPort: 0, stateDir, clock, onLog: () => undefined });
  const lockStep = new LockStep(clock, () => edge.idle());
  const origin = await startScriptedOrigin({ clock, sleep: (ms) => lockStep.sleep(ms) });
  edge.activate(serviceOf(olderService(origin.port)));
  try {
    const cases = suites.flatMap((suite) => suite.tests);
    return await runCases(cases, { edgePort: edge.httpPort, origin, lockStep });
  } finally {
    await edge.close();
    await origin.close();
    await rm(stateDir, { recursive: true });
  }
}

function tableOf(rows: readonly (readonly [string, Comparison])[]): string {
  const lines = rows.map(([id, { agreed, compared }]) => `  ${id.padEnd(20)} ${agreed} of ${compared}\n`);
  const agreed = rows.reduce((sum, [, one]) => sum + one.agreed, 0);
  const compared = rows.reduce((sum, [, one]) => sum + one.compared, 0);
  const share = ((100 * agreed) / compared).toFixed(1);
  const differences = [...DIFFERENCES].map(([id, reason]) => `  ${id}: ${reason}\n`);
  return `Agreement with the published results of Fastly: ${agreed} of ${compared} (${share} %)\n${lines.join("")}Differences:\n${differences.join("")}`;
}
