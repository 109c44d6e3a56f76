import { CASES } from "../conformance/cases.ts";
import type { EdgeChecks, Verification } from "../deploy/activate.ts";
import type { Environment } from "../settings/environment.ts";
import type { CommandContext } from "./context.ts";
import { edgeChecksFor } from "./edge-checks.ts";
import { verifyEnvironment } from "./verify.ts";

/**
 * How a deploy proves the edge: first that it answers with the version and reads the config bucket, then every
 * conformance case that the environment's edge can run.
 */
export function deployChecks(context: CommandContext, environment: Environment): EdgeChecks {
  const quick = edgeChecksFor(environment, context.report);
  if (!environment.verify) return quick;
  return {
    probe: (expected) => quick.probe(expected),
    async verify(expected) {
      const first = await quick.verify(expected);
      return first.ok ? runAllCases(context) : first;
    },
  };
}

async function runAllCases(context: CommandContext): Promise<Verification> {
  const results = await verifyEnvironment(context, { cases: CASES, publish: true });
  const failed = results.filter(({ verdict }) => verdict === "failed");
  const passed = results.filter(({ verdict }) => verdict === "passed").length;
  context.report.progress(`conformance: ${passed} cases passed, ${failed.length} failed`);
  if (failed.length === 0) return { ok: true };
  return { ok: false, problems: failed.map(({ id, reasons }) => `${id}: ${reasons.join("; ")}`) };
}
