import type { FastlyClient } from "../../fastly/client.ts";
import { RemoteError } from "../../fastly/remote-error.ts";
import type { VersionInfo } from "../../fastly/wire.ts";
import type { DeployPlan } from "../plan/deploy-plan.ts";
import { ownStamp } from "../live/stamp.ts";
import { isUntouched } from "../live/untouched.ts";

/** What finding or making a draft takes. */
export interface DraftSource {
  readonly client: FastlyClient;
  readonly serviceId: string;
  readonly plan: Pick<DeployPlan, "baseVersion">;
  readonly progress: (line: string) => void;
}

/** An unlocked version that a deploy writes to. */
export interface Draft {
  readonly number: number;
  readonly comment: string;
  /** Whether its content is known to be that of the plan's base version. */
  readonly fresh: boolean;
}

/**
 * The draft that an earlier run left, else a clone of the live version; the first version of a service that never had
 * one live is its own draft.
 */
export async function obtainDraft(job: DraftSource, versions: readonly VersionInfo[]): Promise<Draft> {
  const left = await findUnfinished(job, versions);
  if (left) {
    const what = ownStamp(left)
      ? "going on with the draft of an earlier run"
      : "not touched yet, taken as draft";
    job.progress(`version ${left.number}: ${what}`);
    return { number: left.number, comment: left.comment, fresh: false };
  }
  const { baseVersion } = job.plan;
  const source = baseVersion ?? Math.max(...versions.map(({ number }) => number));
  try {
    const made = await job.client.cloneVersion({ serviceId: job.serviceId, version: source });
    job.progress(`version ${made.number}: cloned from ${source}`);
    return { number: made.number, comment: made.comment, fresh: baseVersion !== null };
  } catch (error) {
    if (!(error instanceof RemoteError) || error.landed === "no") throw error;
    const adopted = await findUnfinished(job, await job.client.listVersions(job.serviceId));
    if (!adopted) throw error;
    return { number: adopted.number, comment: adopted.comment, fresh: false };
  }
}

/**
 * A draft that an earlier run left: one that it stamped, made from the same base (another base may hold objects that
 * sitefleet does not manage), or one that it cloned and was stopped before stamping.
 */
async function findUnfinished(
  job: DraftSource,
  versions: readonly VersionInfo[],
): Promise<VersionInfo | undefined> {
  const { baseVersion } = job.plan;
  const drafts = versions
    .filter(({ active, locked }) => !active && !locked)
    .sort((a, b) => b.number - a.number);
  const stamped = drafts.find((draft) => ownStamp(draft)?.from === baseVersion);
  if (stamped) return stamped;
  if (baseVersion === null) {
    return versions.length === 1 ? drafts.find(({ comment }) => comment === "") : undefined;
  }
  const base = versions.find(({ number }) => number === baseVersion);
  const clone = drafts.find(
    ({ number, comment }) => number > baseVersion && base && ownStamp(base) && comment === base.comment,
  );
  return clone && (await isUntouched(job, clone.number, baseVersion)) ? clone : undefined;
}
