import { describe, expect, it } from "vitest";

import { addDomain } from "../../../src/publish/domains.ts";
import type { PublishDeps } from "../../../src/publish/publish-deps.ts";
import { publishFolder } from "../../../src/publish/publish.ts";
import { settleOwed } from "../../../src/publish/purging.ts";
import { setPolicies } from "../../../src/publish/site-changes.ts";
import {
  deleteSite,
  purgeFiles,
  retainedUntil,
  undeleteSite,
} from "../../../src/publish/prune/site-deletion.ts";
import { OWED_ENTRIES } from "../../../src/purge/purge-plan.ts";
import { FaultPoint } from "../../support/fault-point.ts";
import {
  ACME,
  configOf,
  copyWorld,
  folder,
  newWorld,
  openDeps,
  publish,
  recordOf,
  visible,
} from "../publish-fixture.ts";
import type { World } from "../publish-fixture.ts";

const WWW = "www.example.com";
const APEX = "example.com";
const RIVAL = { site: "rival", siteEnv: "production" };
const PREVIEW = "pr--acme.preview.example.com";
const TAKEN = "rival.example.com";
/** What stays of a site with three releases: ids do not begin anew. */
const TOMBSTONE = "test/production/acme/3/.gone";

async function twoSites(): Promise<World> {
  const world = newWorld();
  const deps = openDeps(world);
  await publish(deps, { "index.html": "one" }, [WWW]);
  await publish(deps, { "index.html": "two", "page.html": "page" });
  await addDomain(deps, ACME, { domain: APEX, choices: { canonicalHost: WWW }, takeOver: false });
  const preview = { name: "pr" };
  await publishFolder(deps, { ...ACME, dir: await folder({ "index.html": "new" }), domains: [], preview });
  await publishFolder(deps, { ...RIVAL, dir: await folder({ "index.html": "rival" }), domains: [TAKEN] });
  world.events.length = 0;
  return world;
}

function views(world: World): unknown {
  return [WWW, APEX, PREVIEW, TAKEN].map((host) => visible(world, host));
}

function left(world: World): readonly string[] {
  return [...world.config.keys(), ...world.hosting.keys()].filter((key) => !key.includes("rival"));
}

/** Lets `work` die at each of its calls, and hands every end to `check`. */
async function atEachCall(
  start: World,
  work: (deps: PublishDeps) => Promise<unknown>,
  check: (world: World, finished: boolean) => Promise<void>,
): Promise<void> {
  for (const when of ["before", "after"] as const) {
    for (let call = 1; ; call += 1) {
      const world = copyWorld(start);
      const faults = new FaultPoint();
      faults.failAt(call, when);
      await work(openDeps(world, { faults })).catch(() => undefined);
      const finished = faults.calls.length < call;
      await check(world, finished);
      if (finished) break;
    }
  }
}

describe("the first step of a deletion", () => {
  it("takes every host off the edge and keeps everything else", async () => {
    const world = await twoSites();
    const hosting = new Map(world.hosting);
    const { record } = await deleteSite(openDeps(world), ACME);
    expect(views(world)).toEqual([undefined, undefined, undefined, { "index.html": "rival" }]);
    expect(world.hosting).toEqual(hosting);
    expect(record).toMatchObject({ deleting: true, domains: {}, owed: [] });
    expect(retainedUntil(record)).toBe("2026-01-31T00:00:00.000Z");
    const purges = world.events.filter((event) => event.includes("s:acme") && event.includes(`d:${WWW}`));
    expect(purges).toHaveLength(2);
  });

  it("lets no other command change the site, and is the same when made twice", async () => {
    const world = await twoSites();
    await deleteSite(openDeps(world), ACME);
    const refused = { code: "site/deleting" };
    await expect(publish(openDeps(world), { "index.html": "x" })).rejects.toMatchObject(refused);
    await expect(setPolicies(openDeps(world), ACME, { noindex: true })).rejects.toMatchObject(refused);
    const { deletion } = recordOf(world);
    await deleteSite(openDeps(world), ACME);
    expect(recordOf(world).deletion).toEqual(deletion);
  });

  it("made and taken back again and again while no purge goes out, keeps a short list of what is owed", async () => {
    const world = await twoSites();
    const opened = openDeps(world);
    const deps = {
      ...opened,
      purge: { ...opened.purge, purgeKeys: () => Promise.reject(new Error("no purge")) },
    };
    for (let round = 0; round < 20; round += 1) {
      await expect(deleteSite(deps, ACME)).rejects.toThrow("no purge");
      await expect(undeleteSite(deps, ACME)).rejects.toThrow("no purge");
    }
    const { owed } = recordOf(world);
    expect(owed.length).toBeLessThanOrEqual(OWED_ENTRIES);
    expect(new Set(owed.flatMap(({ keys }) => keys))).toEqual(
      new Set(["c:acme", "s:acme", ...[APEX, PREVIEW, WWW].map((host) => `d:${host}`)]),
    );
    await settleOwed(openDeps(world));
    expect(recordOf(world).owed).toEqual([]);
    expect(visible(world, WWW)).toEqual({ "index.html": "two", "page.html": "page" });
  });

  it("that dies at any call is finished by the next run, and can be taken back", async () => {
    const start = await twoSites();
    await atEachCall(
      start,
      (deps) => deleteSite(deps, ACME),
      async (world) => {
        await settleOwed(openDeps(world));
        if (recordOf(world).deleting) {
          expect(views(world)).toEqual([undefined, undefined, undefined, { "index.html": "rival" }]);
        }
        await undeleteSite(openDeps(world), ACME);
        expect(views(world)).toEqual(views(start));
      },
    );
  });
});

describe("taking a deletion back", () => {
  it("brings every host back as it was, and dies at no call without the next run finishing it", async () => {
    const start = await twoSites();
    const before = views(start);
    await deleteSite(openDeps(start), ACME);
    await atEachCall(
      start,
      (deps) => undeleteSite(deps, ACME),
      async (world) => {
        await settleOwed(openDeps(world));
        await undeleteSite(openDeps(world), ACME);
        expect(views(world)).toEqual(before);
        expect(recordOf(world)).toMatchObject({ deleting: false, owed: [] });
        expect(recordOf(world)).not.toHaveProperty("deletion");
      },
    );
  });

  it("leaves a domain to the site that took it meanwhile, and says so", async () => {
    const world = await twoSites();
    await deleteSite(openDeps(world), ACME);
    await addDomain(openDeps(world), RIVAL, { domain: WWW, choices: {}, takeOver: false });
    const { lost } = await undeleteSite(openDeps(world), ACME);
    expect(lost).toEqual([{ domain: WWW, owner: "rival" }]);
    expect(configOf(world, WWW)).toMatchObject({ site: "rival" });
    expect(Object.keys(recordOf(world).domains)).not.toContain(WWW);
  });

  it("does nothing for a site that is not being deleted, and nothing once files are being deleted", async () => {
    const world = await twoSites();
    await undeleteSite(openDeps(world), ACME);
    expect(recordOf(world)).toMatchObject({ deleting: false, current: "2" });
    const faults = new FaultPoint();
    const ideal = openDeps(copyWorld(world));
    await purgeFiles(ideal, ACME);
    faults.failAt(ideal.faults.calls.findIndex((call) => call.startsWith("delete-many")) + 1, "after");
    await expect(purgeFiles(openDeps(world, { faults }), ACME)).rejects.toThrow("was lost");
    await expect(undeleteSite(openDeps(world), ACME)).rejects.toMatchObject({ code: "site/deleting" });
  });
});

describe("the second step", () => {
  it("deletes all objects, then the record, and nothing of another site", async () => {
    const world = await twoSites();
    const swept = await purgeFiles(openDeps(world), ACME);
    expect(left(world)).toEqual([TOMBSTONE]);
    expect(swept.objects).toBeGreaterThan(5);
    expect(visible(world, TAKEN)).toEqual({ "index.html": "rival" });
  });

  it("that dies at any call is finished by running it again", async () => {
    const start = await twoSites();
    await atEachCall(
      start,
      (deps) => purgeFiles(deps, ACME),
      async (world, finished) => {
        if (!finished) {
          await purgeFiles(openDeps(world), ACME).catch((error: unknown) => {
            expect(error).toMatchObject({ code: "site/not-found" });
          });
        }
        expect(left(world)).toEqual([TOMBSTONE]);
      },
    );
  });
});
