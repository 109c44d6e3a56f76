import { describe, expect, it } from "vitest";

import { removePreview } from "../../../src/publish/previews/previews.ts";
import { promotePreview } from "../../../src/publish/previews/promote.ts";
import { publishFolder } from "../../../src/publish/publish.ts";
import type { PublishReport } from "../../../src/publish/publish.ts";
import { sha256Hex } from "../../../src/publish/publish-deps.ts";
import type { PublishDeps } from "../../../src/publish/publish-deps.ts";
import { rollBack } from "../../../src/publish/release/rollback.ts";
import { addingRule, editRules } from "../../../src/publish/redirects.ts";
import { encodePath, pageHash } from "../../../src/site/page-key.ts";
import { FaultPoint } from "../../support/fault-point.ts";
import { InstantClock } from "../../support/instant-clock.ts";
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
const V1 = {
  "index.html": "one",
  "about.html": "about",
  "old.html": "old",
  "app.css": "p{}",
  "404.html": "no",
};
const V2 = {
  "index.html": "two",
  "about.html": "about",
  "new.html": "new",
  "app.css": "q{}",
  "404.html": "no",
};

type Files = Readonly<Record<string, string>>;

async function inPlace(
  deps: PublishDeps,
  files: Files,
  choices: { wait?: boolean } = {},
): Promise<PublishReport> {
  return publishFolder(deps, { ...ACME, dir: await folder(files), domains: [], inPlace: true, ...choices });
}

async function published(files: Files = V1): Promise<World> {
  const world = newWorld();
  await publish(openDeps(world), files, [WWW]);
  world.events.length = 0;
  return world;
}

function pageKeyOf(key: string): string {
  return `p:${pageHash({ site: "acme", encodedKey: encodePath(key) }, sha256Hex)}`;
}

function writes(deps: { readonly faults: FaultPoint }): readonly string[] {
  return deps.faults.calls
    .filter((call) => /^(put|copy|delete|purge)/.test(call))
    .map((call) => call.replace("test/production/", ""));
}

describe("publishing in place", () => {
  it("marks the record, writes assets before pages, removes last, and purges hard what changed", async () => {
    const world = await published();
    const deps = openDeps(world);
    const report = await inPlace(deps, V2);
    expect(report).toMatchObject({
      kind: "published",
      release: "1",
      written: { kind: "in-place", uploaded: 3, copied: 0 },
    });
    expect(writes(deps)).toEqual([
      "put _sites/acme.json",
      "put acme/1/app.css",
      "put acme/1/index.html",
      "put acme/1/new.html",
      "delete acme/1/old.html",
      "put _sites/acme/releases/1.jsonl",
      "put _sites/acme.json",
      "purge",
      "purge",
      "put _sites/acme.json",
    ]);
    const keys = ["app.css", "index.html", "new.html", "old.html"].map(pageKeyOf);
    const purge = `purge ${["c:acme", `d:${WWW}`, ...keys].sort().join(" ")}`;
    expect(world.events).toEqual([purge, purge]);
    expect(visible(world, WWW)).toEqual(V2);
    expect(recordOf(world)).toMatchObject({ owed: [], releases: [{ id: "1", base: "1", delta: "" }] });
    expect(recordOf(world).releases[0]).not.toHaveProperty("dirty");
  });

  it("marks the release while it is overwritten, and owes the purge from then on", async () => {
    const world = await published();
    const faults = new FaultPoint();
    faults.failAt(5, "after");
    await expect(inPlace(openDeps(world, { faults }), V2)).rejects.toThrow("was lost");
    expect(recordOf(world)).toMatchObject({ releases: [{ dirty: true }], owed: [{ sent: 0 }] });
    expect(recordOf(world).owed[0]?.keys).toContain(pageKeyOf("index.html"));
  });

  it("replaces metadata without sending bytes", async () => {
    const world = await published({ "index.html": "one", "a/x.html": "x", _redirects: "/z /a/x" });
    const deps = openDeps(world);
    const redirect = { "index.html": "one", "a/x.html": "x", _redirects: "/z /a/x 302" };
    await inPlace(deps, redirect);
    expect(visible(world, WWW)).toMatchObject({ "z.html": "-> 302 /a/x" });
    const key = "test/production/_sites/acme.json";
    const found = world.config.get(key);
    const record = recordOf(world);
    const policies = { ...record.policies, trailingSlash: "force" };
    if (found)
      world.config.set(key, { ...found, body: Buffer.from(JSON.stringify({ ...record, policies })) });
    const again = openDeps(world);
    expect(await inPlace(again, redirect)).toMatchObject({ written: { uploaded: 0, copied: 1 } });
    expect(writes(again)[1]).toBe("copy acme/1/a/x.html");
    expect(world.hosting.get("test/production/acme/1/a/x.html")).toMatchObject({ metadata: { p: "/a/x/" } });
  });

  it("writes each object where it lies when the release is a delta", async () => {
    const world = await published();
    await publish(openDeps(world), { ...V1, "about.html": "about two" });
    const deps = openDeps(world);
    const files = { ...V1, "about.html": "about three", "index.html": "two", "new.html": "new" };
    await inPlace(deps, files);
    expect(writes(deps).filter((call) => call.startsWith("put acme"))).toEqual([
      "put acme/2/about.html",
      "put acme/1/index.html",
      "put acme/1/new.html",
    ]);
    expect(visible(world, WWW)).toEqual(files);
    expect(configOf(world, WWW)).toMatchObject({ base: "1", release: "2" });
  });

  it("brings back a page that the delta list marks as removed", async () => {
    const world = await published();
    const { "old.html": _, ...rest } = V1;
    await publish(openDeps(world), rest);
    await inPlace(openDeps(world), { ...V1, "old.html": "back" });
    expect(visible(world, WWW)).toEqual({ ...V1, "old.html": "back" });
    expect(configOf(world, WWW)).toMatchObject({ delta: "" });
  });

  it("never shows earlier releases again that read what it overwrites, and keeps the others", async () => {
    const world = await published();
    await publishFolder(openDeps(world), { ...ACME, dir: await folder(V2), domains: [], full: true });
    await publish(openDeps(world), { ...V2, "index.html": "three" });
    await inPlace(openDeps(world), { ...V2, "index.html": "four" });
    expect(recordOf(world).releases.map(({ id }) => id)).toEqual(["1", "2", "3"]);
    await inPlace(openDeps(world), { ...V2, "index.html": "four", "about.html": "other" });
    const releases = recordOf(world).releases.map(({ id, dirty, hiddenSince }) => [id, dirty, !hiddenSince]);
    expect(releases).toEqual([
      ["1", undefined, false],
      ["2", true, false],
      ["3", undefined, true],
    ]);
    expect(recordOf(world).previous).toBeNull();
    await expect(rollBack(openDeps(world), ACME, "2")).rejects.toMatchObject({ code: "release/incomplete" });
    await rollBack(openDeps(world), ACME, "1");
    expect(visible(world, WWW)).toEqual(V1);
  });

  it("refuses to overwrite the current release while a preview shows it too", async () => {
    const world = await published();
    const preview = { name: "pr-1", lifetime: 86_400_000 };
    await publishFolder(openDeps(world), { ...ACME, dir: await folder(V2), domains: [], preview });
    await promotePreview(openDeps(world), ACME, "pr-1");
    const before = recordOf(world);
    await expect(inPlace(openDeps(world), { ...V2, "index.html": "three" })).rejects.toMatchObject({
      code: "publish/shared-files",
      message: expect.stringContaining("pr-1--acme.preview.example.com"),
    });
    expect(recordOf(world)).toEqual(before);
    expect(visible(world, WWW)).toEqual(V2);
    await removePreview(openDeps(world), ACME, "pr-1");
    await inPlace(openDeps(world), { ...V2, "index.html": "three" });
    expect(visible(world, WWW)).toEqual({ ...V2, "index.html": "three" });
  });

  it("purges the site when too many pages change for one call", async () => {
    const many = Object.fromEntries(Array.from({ length: 260 }, (_, index) => [`p${index}.html`, "x"]));
    const world = await published({ ...V1, ...many });
    await inPlace(openDeps(world), { ...V1, "index.html": "two" });
    expect(world.events.slice(-1)).toEqual([`purge c:acme d:${WWW} s:acme`]);
  });

  it("keeps removed assets for the grace period", async () => {
    const world = await published();
    const clock = new InstantClock();
    const { "app.css": _, ...rest } = V1;
    await inPlace({ ...openDeps(world), clock }, { ...rest, "index.html": "two" });
    expect(visible(world, WWW)).toMatchObject({ "app.css": "p{}" });
    await clock.sleep(169 * 3_600_000);
    await inPlace({ ...openDeps(world), clock }, { ...rest, "index.html": "three" });
    expect(visible(world, WWW)).toEqual({ ...rest, "index.html": "three" });
    expect(world.hosting.has("test/production/acme/1/app.css")).toBe(false);
  });

  it("is an ordinary publish for a site that shows nothing yet", async () => {
    const world = newWorld();
    expect(await inPlace(openDeps(world), V1)).toMatchObject({ release: "1", written: { kind: "full" } });
  });

  it("is followed by ordinary releases and rules as any other", async () => {
    const world = await published();
    await inPlace(openDeps(world), V2);
    await editRules(openDeps(world), ACME, { edit: addingRule("/x /about") });
    const deps = openDeps(world);
    expect(await publish(deps, { ...V2, "index.html": "three" })).toMatchObject({
      written: { uploaded: 1, copied: 0 },
    });
    expect(visible(world, WWW)).toEqual({ ...V2, "index.html": "three", "x.html": "-> 301 /about" });
  });
});

describe("publishing in place that dies", () => {
  /** Pages that a visitor may meet: each of the old or the new edition, style before pages, removals after them. */
  function expectOrder(world: World): void {
    const seen = visible(world, WWW) ?? {};
    const isNew = (key: string): boolean => seen[key] === V2[key as keyof typeof V2];
    expect([V1["app.css"], V2["app.css"]]).toContain(seen["app.css"]);
    expect([V1["index.html"], V2["index.html"]]).toContain(seen["index.html"]);
    expect([undefined, "new"]).toContain(seen["new.html"]);
    expect(seen["about.html"]).toBe("about");
    if (isNew("index.html") || isNew("new.html")) expect(seen["app.css"]).toBe(V2["app.css"]);
    if (seen["old.html"] === undefined)
      expect([seen["index.html"], seen["new.html"]]).toEqual(["two", "new"]);
  }

  it.each([
    ["before", "in place"],
    ["after", "in place"],
    ["before", "anew"],
    ["after", "anew"],
  ] as const)(
    "%s any call keeps the order; the next run, %s, trusts nothing of it and finishes",
    async (when, next) => {
      const start = await published();
      const again = (deps: PublishDeps): Promise<PublishReport> =>
        next === "anew" ? publish(deps, V2) : inPlace(deps, V2);
      for (let call = 1; ; call += 1) {
        const world = copyWorld(start);
        const faults = new FaultPoint();
        faults.failAt(call, when);
        await inPlace(openDeps(world, { faults }), V2).catch(() => undefined);
        if (faults.calls.length < call) {
          expect(call).toBeGreaterThan(12);
          return;
        }
        expectOrder(world);
        const dirty = recordOf(world).releases.some((release) => release.dirty);
        const report = await again(openDeps(world));
        if (dirty) expect(report).toMatchObject({ written: { kind: "full", reason: "no-base" } });
        expect(visible(world, WWW), `call ${call}: ${faults.calls.at(-1)}`).toEqual(V2);
        expect(recordOf(world).owed).toEqual([]);
        expect(await publish(openDeps(world), V2)).toMatchObject({ kind: "unchanged" });
      }
    },
  );

  it("while another publisher is at work lets one of them win, and shows the winner's content whole", async () => {
    const start = await published();
    const other = { ...V1, "about.html": "other" };
    for (let call = 1; call < 16; call += 1) {
      const world = copyWorld(start);
      const faults = new (class extends FaultPoint {
        override async run<T>(name: string, effect: () => Promise<T> | T): Promise<T> {
          if (this.calls.length + 1 === call) {
            this.calls.push("interruption");
            await publish(openDeps(world), other);
          }
          return super.run(name, effect);
        }
      })();
      const outcome = await inPlace(openDeps(world, { faults }), V2).catch((error: unknown) => error);
      if (outcome instanceof Error) {
        expect(outcome).toMatchObject({ code: "site/changed-meanwhile", exitCode: 6 });
        expect(visible(world, WWW), `call ${call}`).toEqual(other);
      } else expect([V2, other]).toContainEqual(visible(world, WWW));
    }
  });
});
