import type { EdgeChecks, Verification } from "../deploy/apply/activation.ts";
import { edgeChecksFor } from "./edge-checks.ts";
import type { Fleet } from "./fleet.ts";

/**
 * How a deploy proves the edge: first that it answers with the version and reads the config bucket, then every
 * conformance case that the environment's edge can run.
 */
export function deployChecks(fleet: Fleet): EdgeChecks {
  const quick = edgeChecksFor(fleet.environment, fleet.notes);
  if (!fleet.environment.verify) return quick;
  return {
    probe: (expected) => quick.probe(expected),
    async verify(expected) {
      const first = await quick.verify(expected);
      return first.ok ? runAllCases(fleet) : first;
    },
  };
}

async function runAllCases(fleet: Fleet): Promise<Verification> {
  // The cases and what publishes their sites are for deploys that did something.
  const { CASES } = await import("../conformance/cases.ts");
  const { verifyFleet } = await import("./verification.ts");
  const results = await verifyFleet(fleet, { cases: CASES, publish: true });
  const failed = results.filter(({ verdict }) => verdict === "failed");
  const passed = results.filter(({ verdict }) => verdict === "passed").length;
  fleet.notes.progress(`conformance: ${passed} cases passed, ${failed.length} failed`);
  if (failed.length === 0) return { ok: true };
  return { ok: false, problems: failed.map(({ id, reasons }) => `${id}: ${reasons.join("; ")}`) };
}
