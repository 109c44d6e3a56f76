import { messageOf } from "../../lib/caught.ts";
import type { ErrorCode } from "../../lib/error-codes.ts";
import { SitefleetError } from "../../lib/errors.ts";
import { InterruptedError } from "../../lib/interruption.ts";
import { parseStamp } from "../live/stamp.ts";
import { activate, activeVersion, waitForEdge, writeJournal } from "./activation.ts";
import type { Activation } from "./activation.ts";
import { sayLive } from "./left-behind.ts";
import type { LiveNotice } from "./live-notice.ts";

/** Why a version does not hold. */
export interface CheckFailure {
  readonly code: ErrorCode;
  readonly what: string;
  readonly problems: readonly string[];
  readonly cause: unknown;
}

/** How taking a version back went. `overtaken`: another one is live, which is not ours to undo. */
type TakenBack =
  | { readonly ok: true; readonly notes: readonly string[] }
  | { readonly ok: false; readonly overtaken: number | null }
  | { readonly ok: false; readonly cause: unknown };

/** Puts the former version back and resolves to the error that says so. */
export async function restore(
  job: Activation,
  { failure, notice }: { readonly failure: CheckFailure; readonly notice: LiveNotice },
): Promise<SitefleetError> {
  const { former, version } = job;
  const told = { cause: failure.cause, details: [...failure.problems, ...job.lasting] };
  if (former === version) {
    // What stays live stays unproven: the next run has to verify it again.
    return new SitefleetError(
      failure.code,
      `${failure.what}; it stays live, for it is the version that was live before`,
      { ...told, hint: "look at the problems, fix them and deploy again" },
    );
  }
  notice.now({ live: `version ${version} is live and does not hold`, next: "going on to take it back" });
  const back = await takeBack(job, { notice, because: "failed" });
  if (!back.ok) {
    return "overtaken" in back
      ? overtaken(job, { live: back.overtaken, details: told.details })
      : notTakenBack(job, { failure, cause: back.cause });
  }
  notice.now({ live: sayLive(former), next: "stopping" });
  const after = former === null ? "nothing is live, as before" : await describeRestored(job, former);
  return new SitefleetError(failure.code, `${failure.what}; ${after}`, {
    cause: failure.cause,
    hint: "look at the problems, fix them and deploy again",
    details: [...told.details, ...back.notes],
  });
}

/**
 * Ends an interrupted deploy whose version is live and not verified: a new version is taken back, because nobody has seen
 * it to be right; one that was live before stays.
 */
export async function breakOff(
  job: Activation,
  notice: LiveNotice,
): Promise<SitefleetError | InterruptedError> {
  const { former, version, interrupted, lasting } = job;
  if (former === version || interrupted === "stay") {
    const live = `version ${version} is live; its verification was cut short, and the next deploy makes up for it`;
    return new InterruptedError(live, lasting);
  }
  const back = await takeBack(job, { notice, because: "interrupted" });
  if (!back.ok) {
    if ("overtaken" in back) return overtaken(job, { live: back.overtaken, details: lasting });
    return new InterruptedError(
      `version ${version} is live as far as is known, is not verified and could not be taken back`,
      [messageOf(back.cause), wayBack(former), ...lasting],
    );
  }
  notice.now({ live: sayLive(former), next: "stopping" });
  const live = former === null ? "nothing is live, as before" : `version ${former} is live again`;
  return new InterruptedError(`${live}; version ${version} was taken back, for it was not verified yet`, [
    ...lasting,
    ...back.notes,
  ]);
}

async function takeBack(
  job: Activation,
  { notice, because }: { readonly notice: LiveNotice; readonly because: "failed" | "interrupted" },
): Promise<TakenBack> {
  const { former, version, client, serviceId } = job;
  try {
    const live = await activeVersion(job);
    if (live !== version) return { ok: false, overtaken: live };
    job.progress(former === null ? "taking it down again" : `putting version ${former} back`);
    const after = former === null ? "nothing is any more" : `version ${former} is again`;
    notice.now({
      live: `version ${version} is live and not verified, or ${after}: \`sitefleet deploy status\` shows it`,
      next: "going on to take it back",
    });
    if (former === null) await client.deactivateVersion({ serviceId, version });
    else await activate(job, former);
  } catch (cause) {
    return { ok: false, cause };
  }
  try {
    await writeJournal(job, { state: because, version, former });
    return { ok: true, notes: [] };
  } catch (cause) {
    // What is live is right already, and the journal's `activating` is about a version that is not.
    return { ok: true, notes: [`that it was taken back could not be remembered: ${messageOf(cause)}`] };
  }
}

/** Somebody else made another version live while ours was being verified. */
export function overtaken(
  job: Activation,
  seen: { readonly live: number | null; readonly details: readonly string[] },
): SitefleetError {
  const { live, details } = seen;
  const done = live === null ? "took it down" : `made version ${live} live, which stays`;
  return new SitefleetError(
    "deploy/changed-meanwhile",
    `while version ${job.version} was being verified somebody else ${done}`,
    { hint: "look at it with `sitefleet deploy status`, then deploy again", details },
  );
}

function notTakenBack(
  job: Activation,
  why: { readonly failure: CheckFailure; readonly cause: unknown },
): SitefleetError {
  const { failure, cause } = why;
  const live = `version ${job.version} is live as far as is known`;
  return new SitefleetError(failure.code, `${failure.what}, and it could not be taken back: ${live}`, {
    cause,
    hint: wayBack(job.former),
    details: [...failure.problems, messageOf(cause), ...job.lasting],
  });
}

function wayBack(former: number | null): string {
  return former === null
    ? "run `sitefleet deploy apply` again: it verifies again and takes back what fails"
    : `run \`sitefleet deploy rollback --to ${former}\``;
}

async function describeRestored(job: Activation, former: number): Promise<string> {
  const info = job.versions.find(({ number }) => number === former);
  const revision = parseStamp(info?.comment ?? "")?.revision;
  // What matters is said in the message: that the edge was not seen to answer with it, be it for an interruption.
  const seen = await waitForEdge(job, { revision, version: former }).catch(() => false);
  const put = `version ${former} was put back`;
  return seen ? put : `${put}, but the edge has not been seen to answer with it yet`;
}
