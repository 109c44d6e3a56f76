import { randomUUID } from "node:crypto";
import { traceOf } from "../lib/caught.ts";
import type { Clock } from "../lib/clock.ts";
import { SitefleetError } from "../lib/errors.ts";
import type { JobFiles } from "./job-files.ts";
import { isFinished, isShared, laneOf } from "./job.ts";
import type { Job, JobFailure, JobWork } from "./job.ts";
import type { HookLimits } from "./limits.ts";
import { RetryLater } from "./refusal.ts";

export interface JobQueueOptions {
  readonly files: JobFiles;
  readonly clock: Clock;
  readonly limits: HookLimits;
  /** Does the work of jobs that may be done as one (mostly one alone); what it resolves with is the result of each. */
  readonly run: (jobs: readonly Job[], signal: AbortSignal) => Promise<Record<string, unknown>>;
  readonly warn: (line: string) => void;
  /** Told of each job as it begins and ends, for the log of the endpoint. */
  readonly note?: ((line: string) => void) | undefined;
}

interface Entry {
  job: Job;
  readonly waiters: Set<() => void>;
}

/** After so many beginnings without an end, a job is what kills the process. */
const ATTEMPTS = 5;
/** Most jobs that are run as one. */
const SHARED = 256;
const DETAILS = 100;
/** Seconds after which a full queue is asked again. */
const RETRY_AFTER = 5;

/**
 * Jobs, bounded and durable: what was taken is done, also by the next process. Those of one lane run in the order in
 * which they came, those of different lanes side by side.
 */
export class JobQueue {
  readonly #options: JobQueueOptions;
  readonly #entries = new Map<string, Entry>();
  #queued: Entry[] = [];
  /** Jobs that are being written down. */
  #coming = 0;
  /** Ids, longest ago first. */
  #finished: string[] = [];
  readonly #lanes = new Set<string>();
  readonly #running = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  #started = false;
  #stopping = false;

  private constructor(options: JobQueueOptions) {
    this.#options = options;
  }

  /** Takes up what an earlier process left; `start` begins to work. */
  static async open(options: JobQueueOptions): Promise<JobQueue> {
    const queue = new JobQueue(options);
    for (const job of await options.files.readAll()) await queue.#adopt(job);
    queue.#finished.sort((a, b) => (queue.#finishedAt(a) < queue.#finishedAt(b) ? -1 : 1));
    await queue.#forgetOld();
    return queue;
  }

  start(): void {
    this.#started = true;
    this.#startNext();
  }

  get counts(): { readonly queued: number; readonly running: number } {
    const unfinished = this.#entries.size - this.#finished.length;
    return { queued: this.#queued.length, running: unfinished - this.#queued.length };
  }

  /** Bytes of the bodies of all jobs that wait or run. */
  get spooledBytes(): number {
    let bytes = 0;
    for (const { job } of this.#entries.values()) {
      if (!isFinished(job) && job.work.kind === "publish" && job.work.source.kind === "tarball") {
        bytes += job.work.source.bytes;
      }
    }
    return bytes;
  }

  /** @throws RetryLater `hook/busy` when nothing more is taken */
  refuseBusy(): void {
    if (this.#stopping) throw new RetryLater("hook/busy", "the endpoint is stopping", RETRY_AFTER);
    if (this.#queued.length + this.#coming < this.#options.limits.queue) return;
    throw new RetryLater("hook/busy", `${this.#queued.length} jobs wait already`, RETRY_AFTER);
  }

  find(id: string): Job | undefined {
    return this.#entries.get(id)?.job;
  }

  /** The sites whose last job here failed: they may owe something. */
  failedSites(): readonly { readonly site: string; readonly siteEnv: string }[] {
    const last = new Map<string, Job>();
    for (const { job } of this.#entries.values()) last.set(laneOf(job.work), job);
    return [...last.values()].flatMap(({ state, work }) =>
      state === "failed" && work.kind !== "purge" ? [{ site: work.site, siteEnv: work.siteEnv }] : [],
    );
  }

  /**
   * Takes a job. When the last one that waits in its lane is the same work, that one is it: doing it later does both.
   * @param id of the body, when there is one
   * @throws RetryLater `hook/busy`
   */
  async submit(
    work: JobWork,
    id: string = randomUUID(),
  ): Promise<{ readonly job: Job; readonly isNew: boolean }> {
    this.refuseBusy();
    const same = this.#sameInLane(work);
    if (same) return { job: same, isNew: false };
    const createdAt = this.#now();
    const job: Job = {
      format: 1,
      id,
      work,
      state: "queued",
      createdAt,
      startedAt: null,
      finishedAt: null,
      attempts: 0,
      result: null,
      error: null,
    };
    this.#coming += 1;
    try {
      await this.#options.files.write(job);
    } finally {
      this.#coming -= 1;
    }
    const entry: Entry = { job, waiters: new Set() };
    this.#entries.set(id, entry);
    this.#queued.push(entry);
    this.#startNext();
    return { job, isNew: true };
  }

  /** Resolves when a job has ended, the time is over or the signal aborts; with the job as it is then. */
  async wait(id: string, ms: number, signal: AbortSignal): Promise<Job | undefined> {
    const entry = this.#entries.get(id);
    if (!entry || isFinished(entry.job)) return entry?.job;
    const over = new AbortController();
    const { clock } = this.#options;
    await Promise.race([
      new Promise<void>((resolve) => {
        entry.waiters.add(resolve);
        over.signal.addEventListener("abort", () => entry.waiters.delete(resolve), { once: true });
      }),
      endOfSleep(clock.sleep(ms, AbortSignal.any([over.signal, signal, this.#stop.signal]))),
    ]);
    over.abort(new Error("waited long enough"));
    return this.#entries.get(id)?.job;
  }

  /** Takes no more, begins no more, and waits for what runs; what has not ended then is left to the next process. */
  async close(): Promise<void> {
    this.#stopping = true;
    const { clock, limits } = this.#options;
    const over = new AbortController();
    const ended = Promise.all(this.#running);
    await Promise.race([ended, endOfSleep(clock.sleep(limits.graceMs, over.signal))]);
    over.abort(new Error("all ended"));
    this.#stop.abort(new Error("the endpoint stops"));
    await ended;
  }

  async #adopt(job: Job): Promise<void> {
    const entry: Entry = { job, waiters: new Set() };
    this.#entries.set(job.id, entry);
    if (isFinished(job)) {
      this.#finished.push(job.id);
      return;
    }
    if (job.attempts < ATTEMPTS) {
      entry.job = { ...job, state: "queued" };
      this.#queued.push(entry);
      return;
    }
    const message = `it was begun ${job.attempts} times and never ended`;
    await this.#finish(entry, {
      state: "failed",
      error: { code: "hook/interrupted", message, hint: "look at the log of the endpoint", details: [] },
    });
  }

  #sameInLane(work: JobWork): Job | undefined {
    const lane = laneOf(work);
    const waiting = this.#queued.filter(({ job }) => laneOf(job.work) === lane);
    // Where order matters only the last one will do: A, B, A has to end with A.
    const candidates = isShared(work) ? waiting : waiting.slice(-1);
    const text = JSON.stringify(work);
    return candidates.find(({ job }) => JSON.stringify(job.work) === text)?.job;
  }

  #startNext(): void {
    while (this.#started && !this.#stopping && this.#running.size < this.#options.limits.parallel) {
      const next = this.#queued.find(({ job }) => !this.#lanes.has(laneOf(job.work)));
      if (!next) return;
      const lane = laneOf(next.job.work);
      const batch = isShared(next.job.work)
        ? this.#queued.filter(({ job }) => laneOf(job.work) === lane).slice(0, SHARED)
        : [next];
      this.#queued = this.#queued.filter((entry) => !batch.includes(entry));
      this.#lanes.add(lane);
      const task = this.#runBatch(batch)
        .catch((error: unknown) =>
          this.#options.warn(`a job's state could not be written: ${traceOf(error)}`),
        )
        .finally(() => {
          this.#lanes.delete(lane);
          this.#running.delete(task);
          this.#startNext();
        });
      this.#running.add(task);
    }
  }

  async #runBatch(batch: readonly Entry[]): Promise<void> {
    const { files, run } = this.#options;
    for (const entry of batch) {
      const { job } = entry;
      entry.job = { ...job, state: "running", startedAt: this.#now(), attempts: job.attempts + 1 };
      await files.write(entry.job);
    }
    const jobs = batch.map(({ job }) => job);
    const { signal } = this.#stop;
    const { clock, note } = this.#options;
    const beganAt = clock.now();
    const tell = (what: string): void => jobs.forEach((job) => note?.(`${jobText(job)}: ${what}`));
    tell("begun");
    let end: Pick<Job, "state" | "error"> & Partial<Pick<Job, "result">>;
    try {
      end = { state: "done", result: await run(jobs, signal), error: null };
    } catch (error) {
      // What was begun is on disk as such: the next process does it again.
      if (signal.aborted) return;
      end = { state: "failed", error: this.#failureOf(error) };
    }
    const { error } = end;
    const after = `after ${((clock.now() - beganAt) / 1_000).toFixed(1)} s`;
    tell(error === null ? `done ${after}` : `failed ${after}: ${error.message} [${error.code}]`);
    for (const entry of batch) await this.#finish(entry, end);
  }

  async #finish(entry: Entry, end: Partial<Job>): Promise<void> {
    const { files } = this.#options;
    entry.job = { ...entry.job, ...end, finishedAt: this.#now() };
    this.#finished.push(entry.job.id);
    for (const wake of entry.waiters) wake();
    await files.write(entry.job);
    await files.deleteBody(entry.job.id);
    await this.#forgetOld();
  }

  async #forgetOld(): Promise<void> {
    const { files, limits, clock } = this.#options;
    const oldest = new Date(clock.now() - limits.keptMs).toISOString();
    for (;;) {
      const [id] = this.#finished;
      if (id === undefined) return;
      if (this.#finished.length <= limits.keptJobs && this.#finishedAt(id) >= oldest) return;
      this.#finished.shift();
      this.#entries.delete(id);
      await files.delete(id);
    }
  }

  #finishedAt(id: string): string {
    return this.#entries.get(id)?.job.finishedAt ?? "";
  }

  #failureOf(error: unknown): JobFailure {
    if (error instanceof SitefleetError && error.kind !== "fault") {
      const { code, message, hint = null, details } = error;
      return { code, message, hint, details: details.slice(0, DETAILS) };
    }
    this.#options.warn(`a job failed, and it is our fault: ${traceOf(error)}`);
    return { code: "fault/internal", message: "the job failed by a fault of ours", hint: null, details: [] };
  }

  #now(): string {
    return new Date(this.#options.clock.now()).toISOString();
  }
}

/** A job in a line of the log. */
function jobText({ id, work }: Job): string {
  const about = work.kind === "purge" ? "" : ` ${work.site} (${work.siteEnv})`;
  const domain = "domain" in work ? ` ${work.domain}` : "";
  return `job ${id}: ${work.kind}${about}${domain}`;
}

/** A sleep that ends early is over as well. */
function endOfSleep(sleep: Promise<void>): Promise<void> {
  return sleep.catch(() => undefined);
}
