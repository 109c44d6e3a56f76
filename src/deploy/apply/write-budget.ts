import type { FastlyClient } from "../../fastly/client.ts";
import type { Clock } from "../../lib/clock.ts";
import { SitefleetError } from "../../lib/errors.ts";
import type { DeployStep } from "../plan/deploy-plan.ts";

export interface BudgetJob {
  readonly client: Pick<FastlyClient, "writeBudget">;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

/** Activating and the journal before and after it. */
const GOING_LIVE = 3;
/** Putting the former version back, and saying so in the journal: a deploy that goes live must be able to. */
const GOING_BACK = 2;

/** The writes that a plan takes after its draft is made, with those that would take it back. */
export function writesFor(steps: readonly DeployStep[]): number {
  return steps.reduce((sum, step) => sum + writesOf(step), GOING_LIVE + GOING_BACK);
}

function writesOf(step: DeployStep): number {
  switch (step.do) {
    case "create-service":
    case "create-store":
      return 0; // made before the first version's draft is
    case "put-private-items":
      return 2 + batches(step.remove.length);
    case "put-items":
      return batches(step.put.length) + batches(step.remove.length);
    case "put-entries":
      return batches(step.put.length + step.remove.length);
    default:
      return 1;
  }
}

/** Fastly takes 1,000 items or entries a call. */
function batches(count: number): number {
  return Math.ceil(count / 1_000);
}

/** The longest wait for the hour's writes to be there again. */
const LONGEST_WAIT_MS = 300_000;

/**
 * Makes sure that Fastly takes all the writes that are still to come: a deploy that runs dry halfway would wait with a
 * version that is live and not proven. Waits when the count begins anew soon.
 *
 * Fastly tells the count with answers to writes only (reference/api, "Rate limiting"), so the first moment to ask is after
 * the draft is made, when nothing is lost yet: the next run goes on with it.
 * @throws SitefleetError `fastly/rate-limited`
 */
export async function awaitWrites(job: BudgetJob, needed: number): Promise<void> {
  const { client, clock, signal, progress } = job;
  const budget = client.writeBudget;
  if (budget === undefined || budget.remaining >= needed) return;
  const waitMs = budget.resetAt - clock.now();
  if (waitMs <= 0) return;
  const until = new Date(budget.resetAt).toISOString();
  const short = `the deploy needs ${needed} more writes and Fastly takes ${budget.remaining} until ${until}`;
  if (waitMs > LONGEST_WAIT_MS) {
    throw new SitefleetError("fastly/rate-limited", short, {
      hint: "run it again then: it goes on where it stopped; what is live has not changed",
    });
  }
  progress(`${short}: waiting ${Math.ceil(waitMs / 1_000)} s`);
  // Its clock may be behind ours by a little, and the time it names has no milliseconds.
  await clock.sleep(waitMs + 1_000, signal);
}
