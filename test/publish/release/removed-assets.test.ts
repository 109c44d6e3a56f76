import { describe, expect, it } from "vitest";

import { publishFolder } from "../../../src/publish/publish.ts";
import type { PublishReport, PublishRequest } from "../../../src/publish/publish.ts";
import type { PublishDeps } from "../../../src/publish/publish-deps.ts";
import { rollBack } from "../../../src/publish/release/rollback.ts";
import { InstantClock } from "../../support/instant-clock.ts";
import { ACME, configOf, folder, newWorld, openDeps, publish, visible, without } from "../publish-fixture.ts";
import type { World } from "../publish-fixture.ts";

const WWW = "www.example.com";
const HOUR = 3_600_000;
const V1 = {
  "index.html": "one",
  "about.html": "about",
  "app.css": "p{}",
  "key.js": "leaked",
  "404.html": "no",
};
const V2 = { ...without(V1, "key.js"), "index.html": "two" };

async function again(
  deps: PublishDeps,
  files: Readonly<Record<string, string>>,
  choices: Partial<PublishRequest> = {},
): Promise<PublishReport> {
  return publishFolder(deps, { ...ACME, dir: await folder(files), domains: [], ...choices });
}

async function published(clock = new InstantClock()): Promise<World> {
  const world = newWorld();
  await publish(openDeps(world, { clock }), V1, [WWW]);
  return world;
}

describe("an asset that a publish removes", () => {
  it("can be read for the grace period by pages that were loaded before", async () => {
    const clock = new InstantClock();
    const world = await published(clock);
    await again(openDeps(world, { clock }), V2);
    expect(visible(world, WWW)).toEqual({ ...V2, "key.js": "leaked" });
    await clock.sleep(169 * HOUR);
    await again(openDeps(world, { clock }), { ...V2, "index.html": "three" });
    expect(visible(world, WWW)).toEqual({ ...V2, "index.html": "three" });
  });

  it.each([
    ["a delta", {}],
    ["a full release", { full: true }],
    ["publishing in place", { inPlace: true }],
  ])("is gone at once with %s that knows no grace", async (_, how) => {
    const world = await published();
    await again(openDeps(world), V2, { grace: false, ...how });
    expect(visible(world, WWW)).toEqual(V2);
    expect(world.hosting.has("test/production/acme/1/key.js")).toBe(!("inPlace" in how));
  });

  it.each([
    ["a delta", {}],
    ["publishing in place", { inPlace: true }],
  ])("goes later with %s that changes nothing else, once", async (_, how) => {
    const world = await published();
    await again(openDeps(world), V2);
    expect(visible(world, WWW)).toHaveProperty(["key.js"]);
    expect(await again(openDeps(world), V2, { grace: false, ...how })).toMatchObject({
      kind: "published",
      written: { uploaded: 0, copied: 0 },
    });
    expect(visible(world, WWW)).toEqual(V2);
    expect(await again(openDeps(world), V2, { grace: false, ...how })).toMatchObject({ kind: "unchanged" });
  });

  it("comes back only with a release that has it", async () => {
    const world = await published();
    await again(openDeps(world), V2, { grace: false });
    await again(openDeps(world), { ...V2, "index.html": "three" });
    expect(visible(world, WWW)).not.toHaveProperty(["key.js"]);
    await rollBack(openDeps(world), ACME, "1");
    expect(visible(world, WWW)).toEqual(V1);
  });
});

describe("a manifest that is lost while removed assets can still be read", () => {
  /** A site whose second release removed a script, and whose manifest got lost then. */
  async function lost(clock: InstantClock): Promise<World> {
    const world = await published(clock);
    await again(openDeps(world, { clock }), V2);
    world.config.delete("test/production/_sites/acme/releases/2.jsonl");
    return world;
  }

  it("lets them live for a full grace period from when it is made anew", async () => {
    const clock = new InstantClock();
    const world = await lost(clock);
    await clock.sleep(167 * HOUR);
    const deps = openDeps(world, { clock });
    expect(await again(deps, { ...V2, "index.html": "three" })).toMatchObject({
      written: { kind: "full", reason: "no-base", uploaded: 1, copied: 4 },
    });
    const three = { ...V2, "index.html": "three" };
    expect(visible(world, WWW)).toEqual({ ...three, "key.js": "leaked" });
    expect(world.hosting.get("test/production/acme/3/key.js")).toMatchObject({
      headers: world.hosting.get("test/production/acme/1/key.js")?.headers,
      metadata: { p: "/key.js" },
    });
    await clock.sleep(167 * HOUR);
    await again(openDeps(world, { clock }), { ...three, "about.html": "more" });
    expect(visible(world, WWW)).toMatchObject({ "key.js": "leaked" });
    await clock.sleep(2 * HOUR);
    await again(openDeps(world, { clock }), { ...three, "about.html": "most" });
    expect(visible(world, WWW)).toEqual({ ...three, "about.html": "most" });
  });

  it("lets none of them live where no grace is wanted", async () => {
    const clock = new InstantClock();
    const world = await lost(clock);
    await again(openDeps(world, { clock }), { ...V2, "index.html": "three" }, { grace: false });
    expect(visible(world, WWW)).toEqual({ ...V2, "index.html": "three" });
  });

  it("takes an asset that comes back for new, though its old bytes are in the store", async () => {
    const clock = new InstantClock();
    const world = await lost(clock);
    await again(openDeps(world, { clock }), { ...V2, "index.html": "three" });
    const report = await again(openDeps(world, { clock }), { ...V1, "index.html": "four" });
    expect(report).toMatchObject({ written: { kind: "delta", uploaded: 2, copied: 0 } });
    expect(visible(world, WWW)).toEqual({ ...V1, "index.html": "four" });
  });

  it("keeps no removed page, nothing that a rule showed elsewhere, and nothing that others wrote there", async () => {
    const world = newWorld();
    const files = { ...V1, "gone.html": "gone", _redirects: "/open.js /key.js 200\n/x.css /about" };
    await publish(openDeps(world), files, [WWW]);
    const object = world.hosting.get("test/production/acme/1/key.js");
    if (!object) throw new Error("no asset");
    for (const key of ["a\u0000b.js", "/x.js", "../y.js"]) {
      world.hosting.set(`test/production/acme/1/${key}`, object);
    }
    world.hosting.set("test/production/acme/1/foreign.js", { ...object, metadata: {} });
    world.config.delete("test/production/_sites/acme/releases/1.jsonl");
    await again(openDeps(world), V2);
    expect(configOf(world, WWW)).toMatchObject({ base: "2", delta: "" });
    expect(visible(world, WWW)).toEqual({ ...V2, "key.js": "leaked" });
    expect(await again(openDeps(world), V2)).toMatchObject({ kind: "unchanged" });
    expect(await again(openDeps(world), { ...V2, "index.html": "three" })).toMatchObject({
      written: { kind: "delta", uploaded: 1 },
    });
  });
});
