import type { ConformanceCase } from "../conformance/case.ts";
import { runCases } from "../conformance/run.ts";
import type { CaseResult, RunOptions } from "../conformance/run.ts";
import { environmentTarget, verifySettings } from "./conformance-target.ts";
import { fixtureSites } from "./fixture-sites.ts";
import type { FixtureSites } from "./fixture-sites.ts";
import type { Fleet } from "./fleet.ts";
import { openPublishing } from "./publish-session.ts";

export interface VerifyOptions {
  readonly cases: readonly ConformanceCase[];
  /** Whether the conformance sites are published first; cases that need it are skipped otherwise. */
  readonly publish: boolean;
}

/**
 * Runs cases against the edge of a fleet, at the URL that its settings' `verify` names.
 * @throws SitefleetError `settings/invalid` when they name none
 */
export async function verifyFleet(fleet: Fleet, options: VerifyOptions): Promise<readonly CaseResult[]> {
  const { hostSuffix } = verifySettings(fleet.environment);
  if (!options.publish) return runAgainst(fleet, options.cases, undefined);
  const session = openPublishing(fleet);
  try {
    const fixtures = fixtureSites({ ...session.deps, onProgress: () => undefined }, hostSuffix);
    fleet.notes.progress("publishing the conformance sites");
    await fixtures.prepare();
    return await runAgainst(fleet, options.cases, fixtures);
  } finally {
    await session.close();
  }
}

async function runAgainst(
  fleet: Fleet,
  cases: readonly ConformanceCase[],
  fixtures: FixtureSites | undefined,
): Promise<readonly CaseResult[]> {
  return runCases(cases, await environmentTarget(fleet, fixtures), caseOptions(fleet));
}

/** How cases run on behalf of a fleet: its signal ends them, failures are told at once. */
export function caseOptions({ clock, signal, notes }: Pick<Fleet, "clock" | "signal" | "notes">): RunOptions {
  return {
    clock,
    signal,
    onResult({ verdict, id, reasons }) {
      if (verdict === "failed") notes.progress(`failed   ${id}: ${reasons.join("; ")}`);
    },
  };
}
