import { RemoteError } from "../../fastly/remote-error.ts";
import { SitefleetError } from "../../lib/errors.ts";
import {
  activate,
  activeVersion,
  orInterrupted,
  putJournalText,
  readJournalText,
  waitForEdge,
  writeJournal,
} from "./activation.ts";
import type { Activation, ExpectedEdge } from "./activation.ts";
import { sayLive, sayNothingActivated, withLines } from "./left-behind.ts";
import { LiveNotice } from "./live-notice.ts";
import type { LiveMoment } from "./live-notice.ts";
import { breakOff, overtaken, restore } from "./restore.ts";
import type { CheckFailure } from "./restore.ts";

/**
 * Makes a version live and proves it at the edge; puts the former version back when it does not hold. From the first call
 * on Ctrl-C breaks no call off: it ends the verification, and what is not verified is taken back.
 * @param live version that is live before; `null` when none is
 * @throws SitefleetError `deploy/verification-failed`, `deploy/activation-not-seen`, `deploy/changed-meanwhile` when
 * somebody else makes another version live meanwhile
 * @throws InterruptedError that says what is live
 */
export async function activateAndVerify(job: Activation, live: number | null): Promise<void> {
  await withNotice(job, { live: sayLive(live), next: "stopping" }, async (notice) => {
    const before = await announce(job, live);
    notice.now({
      live: `version ${job.version} is being made live, and ${sayLive(live)} until then`,
      next: "waiting for Fastly's answer, to take it back",
    });
    await activateOrSay(job, { live, before });
    job.timer.end("activate");
    await prove(job, notice);
  });
}

/** Writes down that the version is about to go live. Resolves to what was written there before. */
async function announce(job: Activation, live: number | null): Promise<string | undefined> {
  const { signal, lasting, version, former } = job;
  try {
    signal.throwIfAborted();
    const before = await readJournalText(job);
    await writeJournal(job, { state: "activating", version, former });
    signal.throwIfAborted();
    return before;
  } catch (error) {
    const next = "the next run goes on from here";
    throw sayNothingActivated(error, { signal, live, lasting, next });
  }
}

/** Verifies a version that is live already; the second half of `activateAndVerify`. */
export async function proveOrRestore(job: Activation): Promise<void> {
  await withNotice(job, unproven(job), (notice) => prove(job, notice));
}

async function withNotice(
  job: Activation,
  first: LiveMoment,
  work: (notice: LiveNotice) => Promise<void>,
): Promise<void> {
  const notice = new LiveNotice(job, first);
  try {
    await job.client.sheltered(() => work(notice));
  } finally {
    notice.close();
  }
}

function unproven({ version, former, interrupted }: Activation): LiveMoment {
  const live = `version ${version} is live and not verified yet`;
  if (former === version || interrupted === "stay") return { live, next: "it stays live" };
  return { live, next: former === null ? "taking it down again" : `putting version ${former} back` };
}

/** What is live after a refused activation is not left to be guessed. */
async function activateOrSay(
  job: Activation,
  { live, before }: { readonly live: number | null; readonly before: string | undefined },
): Promise<void> {
  try {
    await activate(job, job.version);
  } catch (error) {
    if (!(error instanceof SitefleetError)) throw error;
    const isKnown = error instanceof RemoteError && error.landed === "no";
    throw withLines(error, [
      isKnown
        ? `version ${job.version} was not made live: ${sayLive(live)}, as before`
        : `whether version ${job.version} went live is not known: \`sitefleet deploy status\` shows it`,
      ...job.lasting,
      ...(isKnown ? await takeBackJournal(job, before) : []),
    ]);
  }
}

/** What was said of the version that stays live holds again: it may have been verified, or not. */
async function takeBackJournal(job: Activation, before: string | undefined): Promise<readonly string[]> {
  try {
    await putJournalText(job, before);
    return [];
  } catch (cause) {
    if (!(cause instanceof RemoteError)) throw cause;
    return [`that it was refused could not be remembered: ${cause.message}`];
  }
}

async function prove(job: Activation, notice: LiveNotice): Promise<void> {
  notice.now(unproven(job));
  const failure = await findFailure(job);
  if (failure === "interrupted") throw await breakOff(job, notice);
  if (failure) throw await restore(job, { failure, notice });
  const verified = `version ${job.version} is live and verified`;
  notice.now({ live: verified, next: "finishing" });
  try {
    const live = await activeVersion(job);
    if (live !== job.version) throw overtaken(job, { live, details: job.lasting });
    await job.settle?.();
    await writeJournal(job, { state: "verified", version: job.version, former: job.former });
  } catch (error) {
    if (!(error instanceof RemoteError)) throw error;
    throw withLines(error, [`${verified}; that is not remembered, so the next run verifies it again`]);
  }
  job.timer.end("record");
}

async function findFailure(job: Activation): Promise<CheckFailure | "interrupted" | undefined> {
  const expected: ExpectedEdge = { revision: job.revision, version: job.version };
  try {
    if (!(await waitForEdge(job, expected))) {
      const what = `the edge did not answer with version ${job.version} within ${Math.round(job.deadlineMs / 1000)} s`;
      return { code: "deploy/activation-not-seen", what, problems: [], cause: undefined };
    }
    job.timer.end("edge");
    job.progress(`version ${job.version}: the edge answers with it`);
    const verification = await orInterrupted(job.checks.verify(expected), job.signal);
    job.timer.end("verify");
    if (verification.ok) {
      job.progress(`version ${job.version}: verified`);
      return undefined;
    }
    const what = `version ${job.version} did not pass verification`;
    return { code: "deploy/verification-failed", what, problems: verification.problems, cause: undefined };
  } catch (cause) {
    if (job.signal.aborted) return "interrupted";
    const why = cause instanceof Error ? cause.message : "no reason given";
    const what = `version ${job.version} could not be verified`;
    return { code: "deploy/verification-failed", what, problems: [why], cause };
  }
}
