import type { FastlyClient } from "../../fastly/client.ts";
import { RemoteError } from "../../fastly/remote-error.ts";
import type { VersionInfo } from "../../fastly/wire.ts";
import { abandonedComment } from "../live/clones.ts";
import { ownStamp, parseStamp } from "../live/stamp.ts";
import { isUntouched } from "../live/untouched.ts";

export interface OrphanJob {
  readonly client: FastlyClient;
  readonly serviceId: string;
  /** Version that is live and verified. */
  readonly live: number;
  readonly progress: (line: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Says of every draft of an earlier run that nothing will be deployed from it. Fastly cannot delete versions, and a draft
 * is of use only as long as the version is live that it was made from: what others change in a later one is not in it.
 * Locking it would say so too, but Fastly takes locked versions for ones that may be activated.
 *
 * The deploy itself is over by now and stands: a draft that cannot be marked is told, and the next deploy marks it, as it
 * does those that an interruption leaves.
 */
export async function markOrphans(job: OrphanJob, versions: readonly VersionInfo[]): Promise<void> {
  for (const draft of versions) {
    if (draft.active || draft.locked || draft.number === job.live) continue;
    try {
      await markOrphan(job, draft);
    } catch (error) {
      if (job.signal.aborted) return;
      if (!(error instanceof RemoteError)) throw error;
      job.progress(
        `version ${draft.number}: a draft that is of no use any more, not marked: ${error.message}`,
      );
    }
  }
}

async function markOrphan(job: OrphanJob, draft: VersionInfo): Promise<void> {
  const from = await abandonedFrom(job, draft);
  if (from === undefined) return;
  const comment = abandonedComment(draft.number, from);
  await job.client.commentVersion({ serviceId: job.serviceId, version: draft.number }, comment);
  job.progress(`version ${draft.number}: a draft that is of no use any more, marked as abandoned`);
}

/**
 * The version that an abandoned draft was made from; `undefined` for the drafts of others. A clone that was cut off before
 * its stamp still has the comment of the version that it was cloned from.
 */
async function abandonedFrom(job: OrphanJob, draft: VersionInfo): Promise<number | null | undefined> {
  const own = ownStamp(draft);
  if (own) return own.from === job.live ? undefined : own.from;
  const source = parseStamp(draft.comment)?.version;
  if (source === undefined || source === job.live || source >= draft.number) return undefined;
  return (await isUntouched(job, draft.number, source)) ? source : undefined;
}
