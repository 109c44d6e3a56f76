import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";

import { readBatch } from "../../../src/publish/batch/batch-file.ts";
import type { BatchEntry } from "../../../src/publish/batch/batch-file.ts";
import { publishBatch } from "../../../src/publish/batch/batch.ts";
import type { BatchOutcome, BatchReport } from "../../../src/publish/batch/batch.ts";
import type { PublishDeps } from "../../../src/publish/publish-deps.ts";
import { GATHERING_MS } from "../../../src/publish/batch/purge-gathering.ts";
import { publishFolder } from "../../../src/publish/publish.ts";
import { settleOwed } from "../../../src/publish/purging.ts";
import { FaultPoint } from "../../support/fault-point.ts";
import { InstantClock } from "../../support/instant-clock.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { newWorld, openDeps, recordOf, visible } from "../publish-fixture.ts";
import type { World } from "../publish-fixture.ts";

/** A folder with these sites, and the batch that publishes them. */
async function sitesOf(sites: readonly string[], text = (site: string): string => site): Promise<string> {
  const root = await tempDir();
  for (const site of sites) {
    await mkdir(join(root, site));
    await writeFile(join(root, site, "index.html"), text(site));
  }
  return root;
}

function linesOf(sites: readonly string[]): string {
  return sites
    .map((site) => JSON.stringify({ site, dir: site, domains: [`${site}.example.com`] }))
    .join("\n");
}

async function run(
  deps: PublishDeps,
  entries: readonly BatchEntry[],
): Promise<{ report: BatchReport; outcomes: readonly BatchOutcome[] }> {
  const outcomes: BatchOutcome[] = [];
  const report = await publishBatch(deps, entries, { onOutcome: (outcome) => outcomes.push(outcome) });
  return { report, outcomes };
}

/** A clock on which nobody waits long enough for purges to go out because of the time. */
class UngatheredClock extends InstantClock {
  override sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return ms === GATHERING_MS ? new Promise(() => undefined) : super.sleep(ms, signal);
  }
}

function numbered(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `s${index}`);
}

describe("a batch", () => {
  it("publishes every site, purges all of them twice in few calls, and owes nothing", async () => {
    const sites = numbered(300);
    const root = await sitesOf(sites);
    const world = newWorld();
    const deps = openDeps(world, { clock: new UngatheredClock() });
    const entries = await readBatch(deps, { text: linesOf(sites), root });
    const { report } = await run(deps, entries);
    expect(report).toMatchObject({ done: 300, failed: 0, owed: [] });
    for (const site of sites) {
      expect(visible(world, `${site}.example.com`)).toEqual({ "index.html": site });
      expect(recordOf(world, { site, siteEnv: "production" }).owed).toEqual([]);
    }
    const purges = world.events.filter((event) => event.startsWith("purge"));
    for (const site of sites) {
      expect(purges.filter((event) => event.split(" ").includes(`d:${site}.example.com`))).toHaveLength(2);
      const key = purges.filter((event) => event.split(" ").includes(`c:${site}`));
      expect(key).toHaveLength(2);
    }
    expect(Math.max(...purges.map((event) => event.split(" ").length - 1))).toBeLessThanOrEqual(256);
    expect(purges.length).toBe(report.purgeCalls);
    // 600 keys in each pass.
    expect(purges.length).toBeLessThanOrEqual(8);
  });

  it("costs one request a site when nothing has changed", async () => {
    const sites = numbered(20);
    const root = await sitesOf(sites);
    const world = newWorld();
    const entries = await readBatch(openDeps(world), { text: linesOf(sites), root });
    await run(openDeps(world), entries);
    const again = openDeps(world);
    const { outcomes } = await run(again, entries);
    expect(outcomes.map((outcome) => outcome.kind === "done" && outcome.report.kind)).toEqual(
      sites.map(() => "unchanged"),
    );
    expect(again.faults.calls).toHaveLength(20);
  });

  it("goes on past a site that fails, and does only that one when it is run again", async () => {
    const sites = ["a", "b", "c"];
    const root = await sitesOf(sites);
    await writeFile(join(root, "b", "_redirects"), "nonsense");
    const world = newWorld();
    const entries = await readBatch(openDeps(world), { text: linesOf(sites), root });
    const { report, outcomes } = await run(openDeps(world), entries);
    expect(report).toMatchObject({ done: 2, failed: 1 });
    expect(outcomes.find(({ kind }) => kind === "failed")).toMatchObject({
      entry: { site: "b", line: 2 },
      problem: expect.stringContaining("[redirects/invalid]") as string,
    });
    expect(visible(world, "c.example.com")).toEqual({ "index.html": "c" });
    await writeFile(join(root, "b", "_redirects"), "/x /");
    const second = await run(openDeps(world), entries);
    expect(second.report).toMatchObject({ done: 3, failed: 0 });
    expect(second.outcomes.filter((o) => o.kind === "done" && o.report.kind === "published")).toHaveLength(1);
  });

  it("publishes all other sites where a folder is missing or is none", async () => {
    const root = await sitesOf(["a", "c"]);
    await writeFile(join(root, "b"), "a file");
    const world = newWorld();
    const text = linesOf(["gone", "a", "b", "c"]);
    const entries = await readBatch(openDeps(world), { text, root });
    const { report, outcomes } = await run(openDeps(world), entries);
    expect(report).toMatchObject({ done: 2, failed: 2 });
    const failed = new Map(
      outcomes.flatMap((one) => (one.kind === "failed" ? [[one.entry.line, one.problem]] : [])),
    );
    expect([...failed.keys()].toSorted((a, b) => a - b)).toEqual([1, 3]);
    expect(failed.get(1)).toBe(`"${join(root, "gone")}" does not exist [publish/invalid-folder]`);
    expect(failed.get(3)).toContain(`"${join(root, "b")}"`);
    expect(visible(world, "c.example.com")).toEqual({ "index.html": "c" });
  });

  it("leaves the second purges owed when the process dies before them; the next run sends them", async () => {
    const sites = numbered(4);
    const root = await sitesOf(sites);
    const world = newWorld();
    const entries = await readBatch(openDeps(world), { text: linesOf(sites), root });
    const faults = new FaultPoint();
    const ideal = openDeps(newWorld());
    await run(ideal, entries);
    const secondPurge = ideal.faults.calls.findLastIndex((call) => call === "purge") + 1;
    faults.failAt(secondPurge, "before");
    const { report } = await run(openDeps(world, { faults }), entries);
    expect(report.owed.map(({ site }) => site).sort()).toEqual(sites);
    for (const site of sites) expect(visible(world, `${site}.example.com`)).toEqual({ "index.html": site });
    await settleOwed(openDeps(world));
    expect(owedOf(world, sites)).toEqual([]);
  });

  it("sends the bytes of a few sites at a time, also of sites that an earlier run left unfinished", async () => {
    const sites = numbered(60);
    const root = await sitesOf(sites);
    const world = newWorld();
    const entries = await readBatch(openDeps(world), { text: linesOf(sites), root });
    for (const entry of entries) {
      await publishFolder({ ...openDeps(world), later: () => undefined }, entry);
    }
    expect(owedOf(world, sites)).toHaveLength(60);
    for (const site of sites) await writeFile(join(root, site, "index.html"), `${site} again`);
    let [now, most] = [0, 0];
    const faults = new (class extends FaultPoint {
      override async run<T>(name: string, effect: () => Promise<T> | T): Promise<T> {
        if (!/^put .*index\.html$/.test(name)) return super.run(name, effect);
        now += 1;
        most = Math.max(most, now);
        await setImmediate();
        now -= 1;
        return super.run(name, effect);
      }
    })();
    const clock = new UngatheredClock();
    const { report } = await run(openDeps(world, { faults, clock }), entries);
    expect(report).toMatchObject({ done: 60, failed: 0, owed: [] });
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(16);
    expect(owedOf(world, sites)).toEqual([]);
  });

  it("publishes lines of one site after another", async () => {
    const root = await sitesOf(["one", "two", "three"]);
    const text = [
      { site: "acme", dir: "one", domains: ["www.example.com"] },
      { site: "acme", dir: "two", preview: "pr-1" },
      { site: "acme", dir: "three", preview: "pr-2", expires: "2d" },
    ]
      .map((line) => JSON.stringify(line))
      .join("\n\n");
    const world = newWorld();
    const deps = openDeps(world);
    const { report } = await run(deps, await readBatch(deps, { text, root }));
    expect(report).toMatchObject({ done: 3, failed: 0 });
    expect(visible(world, "www.example.com")).toEqual({ "index.html": "one" });
    expect(visible(world, "pr-1--acme.preview.example.com")).toEqual({ "index.html": "two" });
    expect(visible(world, "pr-2--acme.preview.example.com")).toEqual({ "index.html": "three" });
  });
});

function owedOf(world: World, sites: readonly string[]): readonly unknown[] {
  return sites.flatMap((site) => recordOf(world, { site, siteEnv: "production" }).owed);
}

describe("the file of a batch", () => {
  it.each([
    ["{", "no JSON", "is not JSON"],
    ['{"site": "a", "dir": "a", "colour": 1}', "an unknown field", "colour"],
    ['{"site": "A", "dir": "a"}', "a wrong uid", "site uid"],
    ['{"site": "a", "dir": "a", "domains": ["WWW.x.com"]}', "a wrong domain", "upper-case"],
    ['{"site": "a", "dir": "a", "siteEnv": "moon"}', "an unknown environment", "moon"],
    ['{"site": "a", "dir": "a", "preview": "A"}', "a wrong preview", "preview name"],
    ['{"site": "a", "dir": "a", "preview": "p", "expires": "soon"}', "a wrong time", "soon"],
    ['{"site": "a", "dir": "a", "expires": "7d"}', "an expiry without a preview", "needs"],
    ['{"site": "a", "dir": "a", "preview": "p", "domains": ["x.example.com"]}', "both", "no domains"],
    ['{"site": "b", "dir": "a"}\n{"site": "b", "dir": "a"}', "a site twice", "line 2: site b"],
    [
      '{"site": "b", "dir": "a", "domains": ["x.example.com"]}\n{"site": "c", "dir": "a", "domains": ["x.example.com"]}',
      "a domain twice",
      "line 2: domain x.example.com is on line 1 already",
    ],
  ])("is refused for %s (%s)", async (text, _, message) => {
    const root = await sitesOf(["a"]);
    await expect(readBatch(openDeps(newWorld()), { text, root })).rejects.toMatchObject({
      code: "publish/invalid-batch",
      exitCode: 2,
      message: expect.stringContaining(message) as string,
    });
  });

  it("tells every wrong line at once, by its number", async () => {
    const root = await sitesOf(["a"]);
    const text = '{"site": "a", "dir": "a"}\n\n{"site": "", "dir": "a"}\nx';
    await expect(readBatch(openDeps(newWorld()), { text, root })).rejects.toMatchObject({
      details: [expect.stringMatching(/^line 3: /) as string, expect.stringMatching(/^line 4: /) as string],
    });
  });
});
