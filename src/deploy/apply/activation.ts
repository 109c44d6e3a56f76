import type { FastlyClient } from "../../fastly/client.ts";
import { RemoteError } from "../../fastly/remote-error.ts";
import type { VersionInfo } from "../../fastly/wire.ts";
import type { Clock } from "../../lib/clock.ts";
import type { DeployRecord } from "../plan/deploy-plan.ts";
import { sayDomainTaken } from "./domain-taken.ts";
import { tellMessages } from "./draft.ts";
import { STATE_KEYS, formatJournal, formatRecord } from "../live/state.ts";
import type { Journal } from "../live/state.ts";
import type { ItemTable } from "../live/tables.ts";
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
  /**
   * What becomes of a version that is live and not verified yet when the run is interrupted: a new one is taken back; one
   * that was live before stays, because whoever goes back to it has a reason not to want the other.
   */
  readonly interrupted: "restore" | "stay";
  /** Where it is remembered how far this came; without it nothing is over a crash. */
  readonly state: ItemTable | undefined;
  /** What is still to be written once the version is verified. */
  readonly settle?: (() => Promise<void>) | undefined;
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

/** Makes a version live; an answer that got lost after the work was done is none the worse. */
export async function activate(job: Activation, version: number): Promise<void> {
  const { client, serviceId } = job;
  try {
    const { msg } = await client.activateVersion({ serviceId, version });
    for (const line of tellMessages(msg, version === job.version ? job.files : [])) {
      job.progress(`version ${version}: Fastly warns: ${line}`);
    }
  } catch (error) {
    if (!(error instanceof RemoteError)) throw error;
    // The answer may have got lost after the work was done.
    if (error.landed === "no" || (await activeVersion(job)) !== version) throw sayDomainTaken(error);
  }
  job.progress(`version ${version}: active`);
}

/** The version that is live at Fastly now; `null` when none is. */
export async function activeVersion(job: Pick<Activation, "client" | "serviceId">): Promise<number | null> {
  const versions = await job.client.listVersions(job.serviceId);
  return versions.find(({ active }) => active)?.number ?? null;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;

/**
 * Whether the edge answers with a version before the deadline.
 * @throws the signal's reason when the run is interrupted
 */
export async function waitForEdge(job: Activation, expected: ExpectedEdge): Promise<boolean> {
  const end = job.clock.now() + job.deadlineMs;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(LONGEST_PAUSE_MS, pause * 2)) {
    job.signal.throwIfAborted();
    if (await orInterrupted(job.checks.probe(expected), job.signal)) return true;
    if (job.clock.now() + pause > end) return false;
    await job.clock.sleep(pause, job.signal);
  }
}

/** Rejects as soon as the run is interrupted: what is under way may wait for an edge that does not answer. */
export async function orInterrupted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const ended = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    const onAbort = (): void => reject(new Error("interrupted"));
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { signal: ended.signal });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    ended.abort();
  }
}

/** Keeps how far the change of the live version came, for whichever run comes next. */
export async function writeJournal(job: Activation, journal: Journal): Promise<void> {
  await job.state?.put([
    { key: STATE_KEYS.journal, value: formatJournal({ ...journal, content: job.content }) },
    ...(job.record && journal.state === "verified" ? formatRecord(job.record) : []),
  ]);
}

/** The journal as it is written, to be put back; `undefined`: there is none. */
export async function readJournalText({ state }: Activation): Promise<string | undefined> {
  const items = (await state?.list()) ?? [];
  return items.find(({ item_key }) => item_key === STATE_KEYS.journal)?.item_value;
}

/** Writes the journal as it was read. */
export async function putJournalText({ state }: Activation, text: string | undefined): Promise<void> {
  if (text === undefined) await state?.remove([STATE_KEYS.journal]);
  else await state?.put([{ key: STATE_KEYS.journal, value: text }]);
}
