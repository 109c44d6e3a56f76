import { describe, expect, it } from "vitest";

import { promoteSite } from "../../../src/publish/previews/promote-site.ts";
import { publishFolder } from "../../../src/publish/publish.ts";
import { addingRule, editRules } from "../../../src/publish/redirects.ts";
import { rollBack } from "../../../src/publish/release/rollback.ts";
import { setPolicies } from "../../../src/publish/site-changes.ts";
import { isStale } from "../../../src/publish/release/stale-release.ts";
import { FaultPoint } from "../../support/fault-point.ts";
import {
  ACME,
  configOf,
  folder,
  newWorld,
  openDeps,
  publish,
  recordOf,
  visible,
} from "../publish-fixture.ts";
import type { World } from "../publish-fixture.ts";

const WWW = "www.example.com";
const STAGED = "www.staging.example";
const STAGING = { site: "acme", siteEnv: "staging" };

async function staged(files: Readonly<Record<string, string>>): Promise<World> {
  const world = newWorld();
  await publish(openDeps(world), { "index.html": "one", "about.html": "about" }, [WWW]);
  const dir = await folder(files);
  await publishFolder(openDeps(world), { ...STAGING, dir, domains: [STAGED] });
  return world;
}

const NEXT = { "index.html": "two", "about.html": "about", "new.html": "new", _redirects: "/old /new" };

describe("promoting from staging", () => {
  it("shows in production what staging shows; only what differs is copied, and nothing is uploaded", async () => {
    const world = await staged(NEXT);
    const deps = openDeps(world);
    expect(await promoteSite(deps, ACME, { from: "staging" })).toMatchObject({
      kind: "published",
      release: "2",
      previous: "1",
      from: { siteEnv: "staging", release: "1" },
      warnings: [],
    });
    expect(visible(world, WWW)).toEqual(visible(world, STAGED));
    const copies = deps.faults.calls.filter((call) => call.startsWith("copy "));
    expect(copies.sort()).toEqual([
      "copy test/production/acme/2/index.html",
      "copy test/production/acme/2/new.html",
    ]);
    expect(configOf(world, WWW)).toMatchObject({ base: "1", release: "2", noindex: false });
    expect(configOf(world, STAGED)).toMatchObject({ noindex: true });
  });

  it("does nothing when production shows it already, and nothing in a dry run", async () => {
    const world = await staged(NEXT);
    const before = new Map(world.config);
    expect(await promoteSite(openDeps(world), ACME, { from: "staging", dryRun: true })).toMatchObject({
      kind: "planned",
    });
    expect(world.config).toEqual(before);
    await promoteSite(openDeps(world), ACME, { from: "staging" });
    expect(await promoteSite(openDeps(world), ACME, { from: "staging" })).toMatchObject({
      kind: "unchanged",
      release: "2",
    });
  });

  it("goes by the rules and policies of production", async () => {
    const world = await staged(NEXT);
    await editRules(openDeps(world), STAGING, { edit: addingRule("/s/* /new") });
    await setPolicies(openDeps(world), ACME, { trailingSlash: "force" });
    const { warnings } = await promoteSite(openDeps(world), ACME, { from: "staging" });
    expect(warnings).toEqual([expect.stringContaining("they stay apart")]);
    expect(configOf(world, WWW)).toMatchObject({ rules: [] });
    const page = world.hosting.get("test/production/acme/2/new.html");
    expect(page?.metadata["p"]).toBe("/new/");
  });

  it.each(["is being overwritten", "was overwritten"])(
    "refuses to show what it copied when the source %s meanwhile",
    async (state) => {
      const world = await staged(NEXT);
      const dir = await folder({ ...NEXT, "index.html": "three", "new.html": "newer" });
      const overwriting = new FaultPoint();
      // Dead behind its second write: the record says that the release changes, and one page has changed.
      if (state === "is being overwritten") overwriting.failAt(5, "after");
      const faults = new (class extends FaultPoint {
        override async run<T>(name: string, effect: () => Promise<T> | T): Promise<T> {
          if (name === "copy test/production/acme/2/new.html") {
            const staging = { ...STAGING, dir, domains: [], inPlace: true };
            await publishFolder(openDeps(world, { faults: overwriting }), staging).catch(() => undefined);
          }
          return super.run(name, effect);
        }
      })();
      await expect(promoteSite(openDeps(world, { faults }), ACME, { from: "staging" })).rejects.toMatchObject(
        {
          code: "site/changed-meanwhile",
        },
      );
      const [source] = recordOf(world, STAGING).releases;
      expect(source?.dirty === true).toBe(state === "is being overwritten");
      expect(recordOf(world)).toMatchObject({ current: "1", owed: [] });
      expect(visible(world, WWW)).toEqual({ "index.html": "one", "about.html": "about" });
    },
  );

  it("needs something to promote, from somewhere else", async () => {
    const world = newWorld();
    await publish(openDeps(world), { "index.html": "one" });
    await expect(promoteSite(openDeps(world), ACME, { from: "staging" })).rejects.toMatchObject({
      code: "site/not-found",
    });
    await expect(promoteSite(openDeps(world), ACME, { from: "production" })).rejects.toMatchObject({
      code: "site/invalid-setting",
    });
  });
});

describe("a release that is shown again", () => {
  it("is told to be stale when the site has other rules by now", async () => {
    const world = newWorld();
    const deps = openDeps(world);
    await publish(deps, { "index.html": "one" }, [WWW]);
    await publish(deps, { "index.html": "two" });
    const back = await rollBack(deps, ACME);
    expect(await isStale(deps, ACME, back)).toBe(false);
    await rollBack(deps, ACME);
    await editRules(deps, ACME, { edit: addingRule("/x /") });
    const stale = await rollBack(deps, ACME, "1");
    expect(await isStale(deps, ACME, stale)).toBe(true);
    expect(recordOf(world).current).toBe("1");
  });

  it("is refused when an overwriting in place was interrupted in it", async () => {
    const world = newWorld();
    const deps = openDeps(world);
    await publish(deps, { "index.html": "one" }, [WWW]);
    await publish(deps, { "index.html": "two" });
    const key = "test/production/_sites/acme.json";
    const found = world.config.get(key);
    const record = recordOf(world);
    const releases = record.releases.map((release) =>
      release.id === "1" ? { ...release, dirty: true } : release,
    );
    const body = Buffer.from(JSON.stringify({ ...record, releases }));
    if (found) world.config.set(key, { ...found, body });
    await expect(rollBack(openDeps(world), ACME)).rejects.toMatchObject({ code: "release/incomplete" });
    expect(visible(world, WWW)).toEqual({ "index.html": "two" });
  });
});
