import type { FastlyClient } from "../../fastly/client.ts";
import { RemoteError } from "../../fastly/remote-error.ts";
import type { VersionInfo } from "../../fastly/wire.ts";
import type { Clock } from "../../lib/clock.ts";
import { SitefleetError } from "../../lib/errors.ts";
import type { ErrorCode } from "../../lib/error-codes.ts";
import type { DeployRecord } from "../plan/deploy-plan.ts";
import { tellMessages } from "./draft.ts";
import { parseStamp } from "../live/stamp.ts";
import { STATE_KEYS, formatJournal, formatRecord } from "../live/state.ts";
import type { Journal } from "../live/state.ts";
import type { StepTimer } from "./step-timer.ts";
import type { SentFile } from "./vcl-message.ts";

/** What the edge should answer with. */
export interface ExpectedEdge {
  /** Revision that the edge tells; `undefined` for a version that sitefleet did not make. */
  readonly revision: string | undefined;
  readonly version: number;
}

export type Verification =
  { readonly ok: true } | { readonly ok: false; readonly problems: readonly string[] };

/** How a deploy looks at the edge; both are told which version should be there. */
export interface EdgeChecks {
  /** Whether the edge answers with that version yet. */
  probe(expected: ExpectedEdge): Promise<boolean>;
  /** Whether what it answers is right. */
  verify(expected: ExpectedEdge): Promise<Verification>;
}

export interface Activation {
  readonly client: FastlyClient;
  readonly checks: EdgeChecks;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
  readonly serviceId: string;
  readonly versions: readonly VersionInfo[];
  /** Version to make live, or live already and to be verified. */
  readonly version: number;
  readonly revision: string | undefined;
  /** Version to put back when verification fails; `null` leaves nothing live. */
  readonly former: number | null;
  /** State dictionary; without one nothing is remembered over a crash. */
  readonly stateDictionary: string | undefined;
  /** What is remembered from the moment the version is verified; absent where that does not change. */
  readonly record?: DeployRecord | undefined;
  /** Digest of the version's content, as far as it is known. */
  readonly content?: string | undefined;
  /** Longest wait for the edge to answer with the version, in milliseconds. */
  readonly deadlineMs: number;
  /** What stays changed when a version is put back. */
  readonly lasting: readonly string[];
  /** Texts of the version, by which warnings about it are told with the template's line. */
  readonly files: readonly SentFile[];
  readonly timer: StepTimer;
}

/**
 * Makes a version live and proves it at the edge; puts the former version back when it does not hold.
 * @throws SitefleetError `deploy/verification-failed`, `deploy/activation-not-seen`
 */
export async function activateAndVerify(job: Activation): Promise<void> {
  await writeJournal(job, { state: "activating", version: job.version, former: job.former });
  await activate(job, job.version);
  job.timer.end("activate");
  await proveOrRestore(job);
}

/** Verifies a version that is live already; the second half of `activateAndVerify`. */
export async function proveOrRestore(job: Activation): Promise<void> {
  const failure = await findFailure(job);
  if (failure) {
    throw await restore(job, failure);
  }
  await writeJournal(job, { state: "verified", version: job.version, former: job.former });
  job.timer.end("record");
}

interface CheckFailure {
  readonly code: ErrorCode;
  readonly what: string;
  readonly problems: readonly string[];
  readonly cause: unknown;
}

async function findFailure(job: Activation): Promise<CheckFailure | undefined> {
  const expected: ExpectedEdge = { revision: job.revision, version: job.version };
  try {
    if (!(await waitForEdge(job, expected))) {
      const what = `the edge did not answer with version ${job.version} within ${Math.round(job.deadlineMs / 1000)} s`;
      return { code: "deploy/activation-not-seen", what, problems: [], cause: undefined };
    }
    job.timer.end("edge");
    job.progress(`version ${job.version}: the edge answers with it`);
    const verification = await job.checks.verify(expected);
    job.timer.end("verify");
    if (verification.ok) {
      job.progress(`version ${job.version}: verified`);
      return undefined;
    }
    const what = `version ${job.version} did not pass verification`;
    return { code: "deploy/verification-failed", what, problems: verification.problems, cause: undefined };
  } catch (cause) {
    job.signal.throwIfAborted(); // interrupted: the journal has the next run go on from here
    const why = cause instanceof Error ? cause.message : "no reason given";
    const what = `version ${job.version} could not be verified`;
    return { code: "deploy/verification-failed", what, problems: [why], cause };
  }
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;

async function waitForEdge(job: Activation, expected: ExpectedEdge): Promise<boolean> {
  const end = job.clock.now() + job.deadlineMs;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(LONGEST_PAUSE_MS, pause * 2)) {
    if (await job.checks.probe(expected)) return true;
    if (job.clock.now() + pause > end) return false;
    await job.clock.sleep(pause, job.signal);
  }
}

async function activate(job: Activation, version: number): Promise<void> {
  const { client, serviceId } = job;
  try {
    const { msg } = await client.activateVersion({ serviceId, version });
    for (const line of tellMessages(msg, version === job.version ? job.files : [])) {
      job.progress(`version ${version}: Fastly warns: ${line}`);
    }
  } catch (error) {
    if (!(error instanceof RemoteError)) throw error;
    // The answer may have got lost after the work was done.
    if (error.landed === "no" || !(await isActive(job, version))) throw error;
  }
  job.progress(`version ${version}: active`);
}

async function isActive(job: Activation, version: number): Promise<boolean> {
  const versions = await job.client.listVersions(job.serviceId);
  return versions.some((info) => info.active && info.number === version);
}

/** Puts the former version back and resolves to the error that says so. */
async function restore(job: Activation, failure: CheckFailure): Promise<SitefleetError> {
  const { former, version, serviceId } = job;
  if (former !== version) {
    job.progress(former === null ? "taking it down again" : `putting version ${former} back`);
  }
  try {
    if (former === null) await job.client.deactivateVersion({ serviceId, version });
    else if (former !== version) await activate(job, former);
    // What stays live stays unproven: the next run has to verify it again.
    if (former !== version) await writeJournal(job, { state: "failed", version, former });
  } catch (cause) {
    job.signal.throwIfAborted();
    return new SitefleetError(failure.code, `${failure.what}, and it could not be taken back`, {
      cause,
      hint:
        former === null
          ? "run `sitefleet deploy apply` again: it verifies again and takes back what fails"
          : `run \`sitefleet deploy rollback --to ${former}\``,
      details: [...failure.problems, cause instanceof Error ? cause.message : "no reason given"],
    });
  }
  const after = former === null ? "nothing is live, as before" : await describeRestored(job, former);
  return new SitefleetError(failure.code, `${failure.what}; ${after}`, {
    cause: failure.cause,
    hint: "look at the problems, fix them and deploy again",
    details: [...failure.problems, ...job.lasting],
  });
}

async function describeRestored(job: Activation, former: number): Promise<string> {
  if (former === job.version) return `it stays live, for it is the version that was live before`;
  const info = job.versions.find(({ number }) => number === former);
  const revision = parseStamp(info?.comment ?? "")?.revision;
  const seen = await waitForEdge(job, { revision, version: former }).catch(() => {
    job.signal.throwIfAborted();
    return false; // what matters is said in the message: that the edge was not seen to answer with it
  });
  const put = `version ${former} was put back`;
  return seen ? put : `${put}, but the edge has not been seen to answer with it yet`;
}

/** Keeps how far the change of the live version came, for whichever run comes next. */
export async function writeJournal(job: Activation, journal: Journal): Promise<void> {
  if (job.stateDictionary === undefined) return;
  await job.client.putItems({ serviceId: job.serviceId, dictionaryId: job.stateDictionary }, [
    { key: STATE_KEYS.journal, value: formatJournal({ ...journal, content: job.content }) },
    ...(job.record && journal.state === "verified" ? formatRecord(job.record) : []),
  ]);
}
