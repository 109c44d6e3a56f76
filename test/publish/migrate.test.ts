import { describe, expect, it } from "vitest";

import { PARALLEL_CONFIGS } from "../../src/publish/config-sync.ts";
import { migrateFleet } from "../../src/publish/migrate.ts";
import type { MigrateOutcome, MigrateReport } from "../../src/publish/migrate.ts";
import type { PublishDeps } from "../../src/publish/publish-deps.ts";
import { publishFolder } from "../../src/publish/publish.ts";
import { settleOwed } from "../../src/publish/purging.ts";
import { FaultPoint } from "../support/fault-point.ts";
import { ParallelCalls } from "../support/parallel-calls.ts";
import { copyWorld, folder, newWorld, openDeps, recordOf, visible } from "./publish-fixture.ts";
import type { World } from "./publish-fixture.ts";

/** Sites with one domain each. */
async function fleetOf(sites: readonly string[]): Promise<World> {
  const world = newWorld();
  const dir = await folder({ "index.html": "one", "404.html": "lost" });
  for (const site of sites) {
    const deps = openDeps(world);
    await publishFolder(deps, { site, siteEnv: "production", dir, domains: [hostOf(site)] });
  }
  world.events.length = 0;
  return world;
}

function hostOf(site: string): string {
  return `${site}.example.com`;
}

/** Makes a config, as the first codec version wrote it: no letter is different but the version's. */
function makeOld(world: World, site: string): void {
  const key = configKey(world, site);
  const found = world.config.get(key);
  if (!found) throw new Error(`no config of ${site}`);
  const { i: _, d: __, ...metadata } = found.metadata;
  world.config.set(key, { ...found, metadata: { ...metadata, v: "1" } });
}

function configKey(world: World, site: string): string {
  return [...world.config.keys()].find((key) => key.includes(`/${hostOf(site)}/`)) ?? "";
}

function versionOf(world: World, site: string): string | undefined {
  return world.config.get(configKey(world, site))?.metadata["v"];
}

async function migrate(
  deps: PublishDeps,
  options: { readonly dryRun?: boolean; readonly restart?: boolean } = {},
): Promise<MigrateReport & { readonly outcomes: readonly MigrateOutcome[] }> {
  const outcomes: MigrateOutcome[] = [];
  const report = await migrateFleet(deps, { ...options, onOutcome: (outcome) => outcomes.push(outcome) });
  return { ...report, outcomes };
}

describe("migrating", () => {
  it("looks at the configs of a site several at a time, and never all at once", async () => {
    const world = newWorld();
    const dir = await folder({ "index.html": "one" });
    const domains = Array.from({ length: 40 }, (_, index) => `h${index}.example.com`);
    await publishFolder(openDeps(world), { site: "a", siteEnv: "production", dir, domains });
    const faults = new ParallelCalls(/^head .*\.example\.com/);
    expect(await migrate(openDeps(world, { faults }))).toMatchObject({ current: 1 });
    expect(faults.most).toBe(PARALLEL_CONFIGS);
  });

  it("writes configs of the codec version before anew, and nothing else", async () => {
    const world = await fleetOf(["a", "b", "c"]);
    makeOld(world, "b");
    const before = visible(world, hostOf("b"));
    expect(await migrate(openDeps(world))).toMatchObject({ migrated: 1, current: 2, failed: 0, configs: 1 });
    expect(versionOf(world, "b")).toBe("3");
    expect(visible(world, hostOf("b"))).toEqual(before);
    expect(world.events.filter((event) => event.startsWith("config"))).toEqual([`config ${hostOf("b")}`]);
    expect(world.events.filter((event) => event.includes("c:b"))).toHaveLength(2);
    expect(recordOf(world, { site: "b", siteEnv: "production" }).owed).toEqual([]);
  });

  it("writes a config anew also when the record remembers another ETag of it", async () => {
    const world = await fleetOf(["a"]);
    makeOld(world, "a");
    const key = configKey(world, "a");
    const found = world.config.get(key);
    if (found) world.config.set(key, { ...found, etag: '"restored"' });
    await migrate(openDeps(world));
    expect(versionOf(world, "a")).toBe("3");
  });

  it("writes a record of the first format anew", async () => {
    const world = await fleetOf(["a"]);
    const key = "test/production/_sites/a.json";
    const found = world.config.get(key);
    if (!found) throw new Error("no record");
    const { protectedAreas: _, ...record } = recordOf(world, { site: "a", siteEnv: "production" });
    const releases = record.releases.map(({ notFoundPages: __, base: ___, delta: ____, ...rest }) => ({
      ...rest,
      notFoundPage: true,
    }));
    const body = Buffer.from(JSON.stringify({ ...record, format: 1, releases }));
    world.config.set(key, { ...found, body });
    const { outcomes } = await migrate(openDeps(world));
    expect(outcomes).toMatchObject([{ kind: "migrated", record: true, configs: 0 }]);
    expect(JSON.parse(Buffer.from(world.config.get(key)?.body ?? "").toString())).toMatchObject({
      format: 2,
    });
  });

  it("is done with the second run, which writes nothing", async () => {
    const world = await fleetOf(["a", "b"]);
    makeOld(world, "a");
    await migrate(openDeps(world));
    const before = new Map(world.config);
    expect(await migrate(openDeps(world))).toMatchObject({ migrated: 0, current: 2 });
    expect(world.config).toEqual(before);
  });

  it("only tells in a dry run", async () => {
    const world = await fleetOf(["a"]);
    makeOld(world, "a");
    const before = new Map(world.config);
    expect(await migrate(openDeps(world), { dryRun: true })).toMatchObject({ migrated: 1, configs: 1 });
    expect(world.config).toEqual(before);
  });

  it("tells what it cannot read and leaves that alone", async () => {
    const world = await fleetOf(["a", "b", "c"]);
    makeOld(world, "c");
    const key = configKey(world, "a");
    const found = world.config.get(key);
    if (found) world.config.set(key, { ...found, metadata: { ...found.metadata, v: "9" } });
    const damaged = world.config.get("test/production/_sites/b.json");
    if (damaged) world.config.set("test/production/_sites/b.json", { ...damaged, body: Buffer.from("{") });
    const { outcomes, failed } = await migrate(openDeps(world));
    expect(failed).toBe(2);
    expect(outcomes).toMatchObject([
      { kind: "failed", ref: { site: "a" }, problem: expect.stringContaining('codec version "9"') as string },
      { kind: "failed", ref: { site: "b" }, problem: expect.stringContaining("site/unreadable") as string },
      { kind: "migrated", ref: { site: "c" } },
    ]);
    expect(versionOf(world, "a")).toBe("9");
  });

  it.each(["before", "after"] as const)("that dies %s any call is finished by the next run", async (when) => {
    const start = await fleetOf(["a", "b"]);
    makeOld(start, "a");
    makeOld(start, "b");
    for (let call = 1; ; call += 1) {
      const world = copyWorld(start);
      const faults = new FaultPoint();
      faults.failAt(call, when);
      await migrate(openDeps(world, { faults })).catch(() => undefined);
      if (faults.calls.length < call) return;
      for (const site of ["a", "b"])
        expect(visible(world, hostOf(site))).toEqual(visible(start, hostOf(site)));
      await migrate(openDeps(world));
      await settleOwed(openDeps(world));
      expect([versionOf(world, "a"), versionOf(world, "b")]).toEqual(["3", "3"]);
      for (const site of ["a", "b"])
        expect(recordOf(world, { site, siteEnv: "production" }).owed).toEqual([]);
    }
  });

  it("goes on behind the site that an interrupted run noted, for a day", async () => {
    const world = await fleetOf(["a", "b", "c"]);
    for (const site of ["a", "c"]) makeOld(world, site);
    const deps = openDeps(world);
    const at = new Date(deps.clock.now()).toISOString();
    // The site itself may be gone by now.
    const cursor = { format: 1, site: "b-gone", siteEnv: "production", at };
    const body = JSON.stringify(cursor);
    await deps.store.config.put({ key: "test/_migrations/codec-3.json", body, signal: deps.signal });
    const resumed = await migrate(openDeps(world));
    expect(resumed).toMatchObject({ migrated: 1, resumedAfter: { site: "b-gone" } });
    expect([versionOf(world, "a"), versionOf(world, "c")]).toEqual(["1", "3"]);
    expect([...world.config.keys()]).not.toContain("test/_migrations/codec-3.json");
    expect(await migrate(openDeps(world))).toMatchObject({
      migrated: 1,
      current: 2,
      resumedAfter: undefined,
    });
  });
});
