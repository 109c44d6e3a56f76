import { describeStep, planBuckets, setUpBuckets } from "../setup/bucket-setup.ts";
import type { BucketPlan } from "../setup/bucket-setup.ts";
import { formatSetupSheet, readSetupSheet } from "../setup/first-deploy.ts";
import type { CommandContext } from "./context.ts";

/**
 * What `--create` does before the deploy: the buckets, which need no more than the deployer's key. It comes first because
 * the edge's key can only be made for buckets whose names are known to be free.
 */
export async function createBuckets(context: CommandContext): Promise<readonly BucketPlan[]> {
  const fleet = await context.fleet();
  if (context.dryRun) return planBuckets(fleet);
  const buckets = await setUpBuckets(fleet);
  const done = buckets.some(({ steps }) => steps.length > 0)
    ? "buckets set up"
    : "buckets are as they should be";
  context.report.progress(
    `${done}; for their keys see: sitefleet deploy policies --env ${fleet.environment.name}`,
  );
  return buckets;
}

/** What a run with `--create` adds to its result: as a document and as text. */
export async function tellSetup(
  context: CommandContext,
  buckets: readonly BucketPlan[],
): Promise<{ readonly document: object; readonly text: string }> {
  if (context.dryRun) return { document: { buckets }, text: formatBuckets(buckets) };
  const sheet = await readSetupSheet(await context.fleet());
  return { document: { buckets, ...sheet }, text: `\n${formatSetupSheet(sheet)}` };
}

function formatBuckets(buckets: readonly BucketPlan[]): string {
  const lines = buckets.flatMap(({ bucket, region, steps }) =>
    steps.map((step) => `bucket "${bucket}" (${region}): ${describeStep(step)}`),
  );
  return `\n${lines.length === 0 ? "buckets: nothing to do" : lines.join("\n")}`;
}
