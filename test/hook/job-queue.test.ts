import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { JobFiles } from "../../src/hook/job-files.ts";
import { JobQueue } from "../../src/hook/job-queue.ts";
import type { Job, JobWork } from "../../src/hook/job.ts";
import { DEFAULT_LIMITS } from "../../src/hook/limits.ts";
import type { HookLimits } from "../../src/hook/limits.ts";
import { SitefleetError } from "../../src/lib/errors.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { tempDir } from "../support/temp-dir.ts";

interface Begun {
  readonly jobs: readonly Job[];
  readonly signal: AbortSignal;
  end(result?: Record<string, unknown>): void;
  fail(error: Error): void;
}

/** A queue whose work ends when the test says so. */
async function openQueue(
  given: { readonly dir?: string; readonly limits?: Partial<HookLimits>; readonly clock?: FakeClock } = {},
) {
  const dir = given.dir ?? (await tempDir());
  const clock = given.clock ?? new FakeClock();
  const begun: Begun[] = [];
  const warnings: string[] = [];
  const notes: string[] = [];
  const queue = await JobQueue.open({
    files: await JobFiles.open(dir),
    clock,
    limits: { ...DEFAULT_LIMITS, ...given.limits },
    warn: (line) => warnings.push(line),
    note: (line) => notes.push(line),
    run: (jobs, signal) =>
      new Promise((resolve, reject) => {
        const fail = (error: unknown): void => reject(error instanceof Error ? error : new Error("aborted"));
        signal.addEventListener("abort", () => fail(signal.reason));
        begun.push({ jobs, signal, end: (result = {}) => resolve(result), fail });
      }),
  });
  queue.start();
  return { dir, clock, queue, begun, warnings, notes };
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setImmediate(resolve));
}

const remove = (site: string, domain: string): JobWork => ({
  kind: "remove-domain",
  site,
  siteEnv: "production",
  domain,
});
const purge = (key: string, soft = false): JobWork => ({
  kind: "purge",
  requests: [{ keys: [key], soft, reason: "test" }],
});
const sites = (begun: readonly Begun[]): readonly (string | undefined)[] =>
  begun.map(({ jobs: [job] }) =>
    job?.work.kind === "remove-domain" ? `${job.work.site} ${job.work.domain}` : "purge",
  );

describe("JobQueue", () => {
  it("runs jobs of one site in their order, those of others beside them, up to a limit", async () => {
    const { queue, begun } = await openQueue({ limits: { parallel: 2 } });
    for (const [site, domain] of [
      ["a", "1"],
      ["a", "2"],
      ["b", "1"],
      ["c", "1"],
    ] as const) {
      await queue.submit(remove(site, domain));
    }
    await until(() => begun.length === 2);
    expect(sites(begun)).toEqual(["a 1", "b 1"]);
    expect(queue.counts).toEqual({ queued: 2, running: 2 });
    begun[0]?.end();
    await until(() => begun.length === 3);
    begun[1]?.end();
    await until(() => begun.length === 4);
    expect(new Set(sites(begun).slice(2))).toEqual(new Set(["a 2", "c 1"]));
    begun[2]?.end();
    begun[3]?.end();
    await until(() => queue.counts.running === 0);
    await queue.close();
  });

  it("says of each job when it begins and how it ends", async () => {
    const { queue, begun, notes } = await openQueue({ limits: { parallel: 1 } });
    const first = await queue.submit(remove("a", "www.example.com"));
    const second = await queue.submit(purge("k"));
    await until(() => begun.length === 1);
    begun[0]?.fail(new SitefleetError("domain/not-found", "there is no such domain"));
    await until(() => begun.length === 2);
    begun[1]?.end();
    await until(() => queue.counts.running === 0);
    await queue.close();
    const [one, two] = [
      `job ${first.job.id}: remove-domain a (production) www.example.com: `,
      `job ${second.job.id}: purge: `,
    ];
    expect(notes).toEqual([
      `${one}begun`,
      `${one}failed after 0.0 s: there is no such domain [domain/not-found]`,
      `${two}begun`,
      `${two}done after 0.0 s`,
    ]);
  });

  it("takes the same work once while it waits, but never puts it before what came between", async () => {
    const { queue, begun } = await openQueue({ limits: { parallel: 1 } });
    await queue.submit(remove("a", "running"));
    await until(() => begun.length === 1);
    const one = await queue.submit(remove("a", "x"));
    const same = await queue.submit(remove("a", "x"));
    expect([same.isNew, same.job.id]).toEqual([false, one.job.id]);
    await queue.submit(remove("a", "y"));
    expect((await queue.submit(remove("a", "x"))).isNew).toBe(true);
    expect((await queue.submit(remove("a", "running"))).isNew).toBe(true);
    begun[0]?.end();
    await until(() => begun.length === 2);
    expect((await queue.submit(remove("a", "x"))).isNew).toBe(true);
    const closing = queue.close();
    begun[1]?.end();
    await closing;
  });

  it("runs purges that wait together as one, and tells each of its end", async () => {
    const { queue, begun } = await openQueue();
    await queue.submit(purge("s:first"));
    await until(() => begun.length === 1);
    const ids: string[] = [];
    for (const key of ["s:a", "s:b", "s:a", "s:c"]) ids.push((await queue.submit(purge(key))).job.id);
    begun[0]?.end();
    await until(() => begun.length === 2);
    expect(begun[1]?.jobs).toHaveLength(3);
    begun[1]?.end({ keys: 3 });
    await until(() => queue.counts.running === 0);
    for (const id of ids) expect(queue.find(id)).toMatchObject({ state: "done", result: { keys: 3 } });
    await queue.close();
  });

  it("takes no more than its limit", async () => {
    const { queue, begun } = await openQueue({ limits: { queue: 2, parallel: 1 } });
    await queue.submit(remove("a", "1"));
    await until(() => begun.length === 1);
    const outcomes = await Promise.allSettled(["2", "3", "4"].map((name) => queue.submit(remove("a", name))));
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected"]);
    await expect(queue.submit(remove("b", "1"))).rejects.toMatchObject({ code: "hook/busy", after: 5 });
    const closing = queue.close();
    begun[0]?.end();
    await closing;
  });

  it("keeps what a job ended with, for as long and as many as it says", async () => {
    const { queue, begun, clock, dir } = await openQueue({ limits: { keptJobs: 2, keptMs: 60_000 } });
    const ids: string[] = [];
    for (const name of ["1", "2", "3"]) {
      ids.push((await queue.submit(remove("a", name))).job.id);
      await until(() => begun.length === ids.length);
      begun
        .at(-1)
        ?.fail(new SitefleetError("site/not-found", "there is no such site", { hint: "publish it" }));
      await until(() => queue.counts.running === 0);
    }
    await queue.close();
    expect(ids.map((id) => queue.find(id)?.error?.code)).toEqual([
      undefined,
      "site/not-found",
      "site/not-found",
    ]);
    expect(queue.failedSites()).toEqual([{ site: "a", siteEnv: "production" }]);
    const next = await openQueue({ dir, clock, limits: { keptJobs: 2, keptMs: 60_000 } });
    expect(ids.map((id) => next.queue.find(id)?.state)).toEqual([undefined, "failed", "failed"]);
    await next.queue.close();
    clock.advance(61_000);
    const later = await openQueue({ dir, clock, limits: { keptMs: 60_000 } });
    expect(later.queue.counts).toEqual({ queued: 0, running: 0 });
    expect(await readdir(dir)).toEqual([]);
    await later.queue.close();
  });

  it("tells a caller who waits when the job ends, or when the time is over", async () => {
    const { queue, begun, clock } = await openQueue();
    const { signal } = new AbortController();
    const { job } = await queue.submit(remove("a", "1"));
    await until(() => begun.length === 1);
    const short = queue.wait(job.id, 1_000, signal);
    const long = queue.wait(job.id, 60_000, signal);
    clock.advance(1_000);
    expect((await short)?.state).toBe("running");
    begun[0]?.end({ ok: true });
    expect(await long).toMatchObject({ state: "done", result: { ok: true } });
    expect((await queue.wait(job.id, 60_000, signal))?.state).toBe("done");
    expect(clock.sleeping).toBe(0);
    await queue.close();
  });

  it("lets running jobs end before it closes, begins no more, and leaves the rest to the next process", async () => {
    const { queue, begun, dir } = await openQueue({ limits: { parallel: 1 } });
    const first = await queue.submit(remove("a", "1"));
    const second = await queue.submit(remove("a", "2"));
    await until(() => begun.length === 1);
    const closing = queue.close();
    await expect(queue.submit(remove("b", "1"))).rejects.toMatchObject({ code: "hook/busy" });
    begun[0]?.end();
    await closing;
    expect(begun).toHaveLength(1);
    const next = await openQueue({ dir });
    expect(next.queue.find(first.job.id)?.state).toBe("done");
    await until(() => next.begun.length === 1);
    expect(next.begun[0]?.jobs).toMatchObject([{ id: second.job.id, attempts: 1 }]);
    next.begun[0]?.end();
    await next.queue.close();
  });

  it("stops what does not end in time, and the next process does it again", async () => {
    const { queue, begun, clock, dir } = await openQueue({ limits: { graceMs: 5_000 } });
    const { job } = await queue.submit(remove("a", "1"));
    await until(() => begun.length === 1);
    const closing = queue.close();
    await until(() => clock.sleeping === 1);
    expect(begun[0]?.signal.aborted).toBe(false);
    clock.advance(5_000);
    await closing;
    expect(begun[0]?.signal.aborted).toBe(true);
    const next = await openQueue({ dir });
    await until(() => next.begun.length === 1);
    expect(next.queue.find(job.id)).toMatchObject({ state: "running", attempts: 2 });
    next.begun[0]?.end();
    await next.queue.close();
  });

  it("does not begin again what has killed the process five times", async () => {
    const dir = await tempDir();
    let id = "";
    for (let life = 1; life <= 5; life += 1) {
      const { queue, begun } = await openQueue({ dir });
      if (life === 1) id = (await queue.submit(remove("a", "1"))).job.id;
      await until(() => begun.length === 1);
      // No close: the process is gone.
    }
    const { queue, begun } = await openQueue({ dir });
    expect(queue.find(id)).toMatchObject({ state: "failed", error: { code: "hook/interrupted" } });
    expect(begun).toEqual([]);
    await queue.close();
  });

  it("tells nobody but its log of a fault of ours", async () => {
    const { queue, begun, warnings } = await openQueue();
    const { job } = await queue.submit(remove("a", "1"));
    await until(() => begun.length === 1);
    begun[0]?.fail(new TypeError("secret detail"));
    await until(() => queue.counts.running === 0);
    expect(JSON.stringify(queue.find(job.id))).not.toContain("secret detail");
    expect(warnings.join()).toContain("secret detail");
    await queue.close();
  });

  it("removes bodies that never became a job, and refuses jobs that it cannot read", async () => {
    const dir = await tempDir();
    await writeFile(join(dir, "lost.body"), "half a tarball");
    const { queue } = await openQueue({ dir });
    expect(await readdir(dir)).toEqual([]);
    await queue.close();
    await writeFile(join(dir, "x.json"), '{"format": 2}');
    await expect(openQueue({ dir })).rejects.toMatchObject({ code: "hook/state-damaged" });
  });
});
