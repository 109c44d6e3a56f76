import { test } from "@fast-check/vitest";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { promotePreview } from "../../../src/publish/previews/promote.ts";
import { pruneFleet } from "../../../src/publish/prune/prune-fleet.ts";
import { pruneSite } from "../../../src/publish/prune/prune.ts";
import type { PruneRules } from "../../../src/publish/prune/prune-plan.ts";
import { minimumAge } from "../../../src/publish/prune/prune-plan.ts";
import { publishFolder } from "../../../src/publish/publish.ts";
import { removePreview } from "../../../src/publish/previews/previews.ts";
import { sha256Hex } from "../../../src/publish/publish-deps.ts";
import type { PublishDeps } from "../../../src/publish/publish-deps.ts";
import { settleOwed } from "../../../src/publish/purging.ts";
import { rollBack } from "../../../src/publish/release/rollback.ts";
import { deleteSite, purgeFiles } from "../../../src/publish/prune/site-deletion.ts";
import { lookUpDelta, shortHash } from "../../../src/site/delta-list.ts";
import { encodePath } from "../../../src/site/page-key.ts";
import { FaultPoint } from "../../support/fault-point.ts";
import { InstantClock } from "../../support/instant-clock.ts";
import {
  ACME,
  configOf,
  copyWorld,
  environment,
  folder,
  newWorld,
  openDeps,
  publish,
  recordOf,
  visible,
} from "../publish-fixture.ts";
import type { World } from "../publish-fixture.ts";

const WWW = "www.example.com";
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOW: PruneRules = { keep: 0, olderThan: 0 };

/** A world whose processes share a clock that moves only when a test says so, or by what is slept. */
class History {
  readonly clock = new InstantClock();
  world: World = newWorld();

  deps(faults?: FaultPoint): PublishDeps {
    return openDeps(this.world, { clock: this.clock, ...(faults === undefined ? {} : { faults }) });
  }

  async pass(ms: number): Promise<void> {
    await this.clock.sleep(ms);
  }

  async publish(files: Readonly<Record<string, string>>): Promise<string | null> {
    return (await publish(this.deps(), files, [WWW])).release;
  }

  async preview(name: string, files: Readonly<Record<string, string>>): Promise<void> {
    const preview = { name, lifetime: 3 * DAY };
    await publishFolder(this.deps(), { ...ACME, dir: await folder(files), domains: [], preview });
  }

  hosting(): readonly string[] {
    return [...this.world.hosting.keys()].map((key) => key.replace("test/production/acme/", ""));
  }

  beside(): readonly string[] {
    const prefix = "test/production/_sites/acme/";
    return [...this.world.config.keys()].flatMap((key) =>
      key.startsWith(prefix) ? [key.slice(prefix.length)] : [],
    );
  }
}

describe("pruning a site", () => {
  it("deletes releases that nobody shows, needs or wants kept, and what lay beside them", async () => {
    const history = new History();
    for (const text of ["one", "two", "three", "four"]) await history.publish({ "index.html": text });
    await history.pass(40 * DAY);
    const report = await pruneSite(history.deps(), ACME, { keep: 1, olderThan: 30 * DAY });
    expect(report).toMatchObject({ releases: ["1", "2"], kept: 2, state: "pruned" });
    expect(report.objects).toBe(2 + 2);
    expect(history.hosting()).toEqual(["3/index.html", "4/index.html"]);
    expect(history.beside()).toEqual(["releases/3.jsonl", "releases/4.jsonl"]);
    await expect(rollBack(history.deps(), ACME, "1")).rejects.toMatchObject({ code: "release/not-found" });
    expect(await rollBack(history.deps(), ACME)).toMatchObject({ release: "3" });
  });

  it("keeps of a forgotten release exactly the objects that a later one reads there", async () => {
    const history = new History();
    const files = { "index.html": "one", "a.html": "a", "b.html": "b" };
    await history.publish(files);
    await history.publish({ ...files, "index.html": "two" });
    await history.publish({ ...files, "index.html": "three" });
    await history.pass(2 * DAY);
    expect(await pruneSite(history.deps(), ACME, NOW)).toMatchObject({ releases: ["1"], objects: 2 });
    expect(history.hosting()).toEqual(["1/a.html", "1/b.html", "2/index.html", "3/index.html"]);
    expect(visible(history.world, WWW)).toEqual({ "a.html": "a", "b.html": "b", "index.html": "three" });
    await rollBack(history.deps(), ACME);
    expect(visible(history.world, WWW)).toEqual({ "a.html": "a", "b.html": "b", "index.html": "two" });
  });

  it("leaves what went out of sight so lately that a cache may still lead to it", async () => {
    const history = new History();
    await history.publish({ "index.html": "one" });
    await history.pass(90 * DAY);
    for (const text of ["two", "three"]) await history.publish({ "index.html": text });
    await history.pass(minimumAge(environment) - HOUR);
    expect(await pruneSite(history.deps(), ACME, NOW)).toMatchObject({ releases: [], objects: 0 });
    await history.pass(2 * HOUR);
    expect(await pruneSite(history.deps(), ACME, NOW)).toMatchObject({ releases: ["1"] });
  });

  it("takes down expired previews, and their releases when caches have forgotten them", async () => {
    const history = new History();
    await history.publish({ "index.html": "one" });
    await history.preview("pr-1", { "index.html": "preview" });
    const host = "pr-1--acme.preview.example.com";
    await history.pass(2 * DAY);
    expect(await pruneSite(history.deps(), ACME, NOW)).toMatchObject({ previews: [], releases: [] });
    await history.pass(2 * DAY);
    expect(await pruneSite(history.deps(), ACME, NOW)).toMatchObject({ previews: [host], releases: [] });
    expect(configOf(history.world, host)).toBeUndefined();
    await history.pass(2 * DAY);
    expect(await pruneSite(history.deps(), ACME, NOW)).toMatchObject({ releases: ["2"] });
    expect(history.hosting()).toEqual(["1/index.html"]);
  });

  it("sweeps what interrupted publishes left, but not what one under way has written", async () => {
    const history = new History();
    await history.publish({ "index.html": "one" });
    const faults = new FaultPoint();
    faults.failAt(4, "after");
    const dying = publish(history.deps(faults), { "index.html": "two", "a.html": "a" });
    await expect(dying).rejects.toThrow("was lost");
    expect(history.hosting().some((key) => key.startsWith("2/"))).toBe(true);
    expect(await pruneSite(history.deps(), ACME, NOW)).toMatchObject({ objects: 0 });
    await history.pass(2 * DAY);
    await pruneSite(history.deps(), ACME, NOW);
    expect(history.hosting()).toEqual(["1/index.html"]);
    expect(history.beside()).toEqual(["releases/1.jsonl"]);
    expect(await history.publish({ "index.html": "three" })).toBe("3");
  });

  it("believes the configs in the bucket where the record has forgotten what they show", async () => {
    const history = new History();
    await history.publish({ "index.html": "one", "a.html": "a" });
    const forgotten = new Map(history.world.config);
    for (const text of ["two", "three", "four"]) await history.publish({ "index.html": text });
    const key = [...history.world.config.keys()].find((name) => name.includes(WWW)) ?? "";
    const old = forgotten.get(key);
    if (old) history.world.config.set(key, old);
    const before = visible(history.world, WWW);
    await history.pass(9 * DAY);
    await pruneSite(history.deps(), ACME, NOW);
    expect(visible(history.world, WWW)).toEqual(before);
  });

  it("deletes nothing of a site with a config that it cannot read", async () => {
    const history = new History();
    for (const text of ["one", "two", "three"]) await history.publish({ "index.html": text });
    await history.pass(9 * DAY);
    const key = [...history.world.config.keys()].find((name) => name.includes(WWW)) ?? "";
    const found = history.world.config.get(key);
    if (found) history.world.config.set(key, { ...found, metadata: { v: "99", s: "acme" } });
    const before = new Map(history.world.hosting);
    await expect(pruneSite(history.deps(), ACME, NOW)).rejects.toMatchObject({ code: "site/unreadable" });
    expect(history.world.hosting).toEqual(before);
  });

  it("remembers and keeps whatever was shown lately, however many releases there were since", async () => {
    const history = new History();
    const preview = "pr-1--acme.preview.example.com";
    await history.publish({ "index.html": "1" });
    await history.preview("pr-1", { "index.html": "preview" });
    const stale = new Map(history.world.config);
    for (let text = 2; text <= 104; text += 1) await history.publish({ "index.html": `${text}` });
    await history.preview("pr-1", { "index.html": "another preview" });
    expect(recordOf(history.world).releases).toHaveLength(106);
    await history.pass(minimumAge(environment) - HOUR);
    await pruneSite(history.deps(), ACME, NOW);
    for (const host of [WWW, preview]) {
      const key = [...stale.keys()].find((name) => name.includes(host)) ?? "";
      const old = stale.get(key);
      if (old) history.world.config.set(key, old);
    }
    expect(visible(history.world, WWW)).toEqual({ "index.html": "1" });
    expect(visible(history.world, preview)).toEqual({ "index.html": "preview" });
  });

  it("counts from when the configs were written where a run had died before that", async () => {
    const history = new History();
    await history.publish({ "index.html": "one" });
    await history.publish({ "index.html": "two" });
    await history.pass(HOUR);
    const dying = { ...history.deps(), watch: diesAt("committed") };
    await expect(publish(dying, { "index.html": "three" })).rejects.toThrow("died");
    await history.pass(9 * DAY);
    const stale = new Map(history.world.config);
    await settleOwed(history.deps());
    await history.publish({ "index.html": "four" });
    expect(await pruneSite(history.deps(), ACME, NOW)).toMatchObject({ releases: ["1"] });
    for (const [key, object] of stale) if (key.includes(WWW)) history.world.config.set(key, object);
    expect(visible(history.world, WWW)).toEqual({ "index.html": "two" });
  });

  it("refuses to delete by a clock that is far from the store's", async () => {
    const history = new History();
    for (const text of ["one", "two", "three"]) await history.publish({ "index.html": text });
    const before = new Map(history.world.hosting);
    await history.pass(2 * DAY);
    const deps = history.deps();
    const off = (clockOffset: number): PublishDeps => ({
      ...deps,
      store: { ...deps.store, clockOffset: () => clockOffset },
    });
    for (const offset of [-2 * DAY, HOUR]) {
      await expect(pruneSite(off(offset), ACME, NOW)).rejects.toMatchObject({ code: "site/clock-skew" });
    }
    expect(history.world.hosting).toEqual(before);
    expect(await pruneSite(off(-60_000), ACME, NOW)).toMatchObject({ releases: ["1"] });
  });

  it("never hands out a release id again, not even when the site was deleted with its files", async () => {
    const history = new History();
    for (const text of ["one", "two"]) await history.publish({ "index.html": text });
    await purgeFiles(history.deps(), ACME);
    await purgeFiles(history.deps(), ACME).catch(() => undefined);
    expect(history.hosting()).toEqual(["2/.gone"]);
    await history.pass(9 * DAY);
    for await (const outcome of pruneFleet(history.deps(), NOW)) expect(outcome).toBeUndefined();
    expect(await history.publish({ "index.html": "new" })).toBe("3");
    await history.pass(9 * DAY);
    await pruneSite(history.deps(), ACME, NOW);
    expect(history.hosting()).toEqual(["3/index.html"]);
  });

  it("keeps whole prefixes where a manifest is lost", async () => {
    const history = new History();
    const files = { "index.html": "one", "a.html": "a" };
    for (const text of ["one", "two", "three"]) await history.publish({ ...files, "index.html": text });
    await history.pass(2 * DAY);
    history.world.config.delete("test/production/_sites/acme/releases/3.jsonl");
    await pruneSite(history.deps(), ACME, NOW);
    expect(history.hosting()).toContain("1/index.html");
  });

  it("stops when publishing in place brings back a page that it has listed already", async () => {
    const history = new History();
    const files = { "index.html": "one", "a.html": "a", "old.html": "old" };
    await history.publish(files);
    const { "old.html": _, ...rest } = files;
    for (const text of ["two", "three"]) await history.publish({ ...rest, "index.html": text });
    await history.pass(2 * DAY);
    const back = { ...rest, "index.html": "three", "old.html": "back" };
    const dir = await folder(back);
    const faults = new (class extends FaultPoint {
      override async run<T>(name: string, effect: () => Promise<T> | T): Promise<T> {
        const listed = await super.run(name, effect);
        if (name === "list test/production/acme/1/") {
          await publishFolder(history.deps(), { ...ACME, dir, domains: [], inPlace: true });
        }
        return listed;
      }
    })();
    await expect(pruneSite(history.deps(faults), ACME, NOW)).rejects.toMatchObject({
      code: "site/changed-meanwhile",
    });
    expect(faults.calls.filter((call) => call.startsWith("delete"))).toEqual([]);
    expect(visible(history.world, WWW)).toEqual(back);
    expect(history.hosting()).toContain("1/old.html");
    await pruneSite(history.deps(), ACME, NOW);
    expect(visible(history.world, WWW)).toEqual(back);
  });

  it("finishes a deletion when it cannot be taken back any more", async () => {
    const history = new History();
    await history.publish({ "index.html": "one" });
    await deleteSite(history.deps(), ACME);
    await history.pass(29 * DAY);
    expect(await pruneSite(history.deps(), ACME, NOW)).toMatchObject({ state: "retained", objects: 0 });
    await history.pass(2 * DAY);
    expect(await pruneSite(history.deps(), ACME, NOW)).toMatchObject({ state: "deleted", objects: 2 });
    expect([...history.world.config.keys()]).toEqual([]);
    expect(history.hosting()).toEqual(["1/.gone"]);
  });
});

describe("pruning all sites", () => {
  it("goes on past a site that cannot be read and finds what has no record", async () => {
    const history = new History();
    await history.publish({ "index.html": "one" });
    history.world.config.set("test/production/_sites/broken.json", {
      ...objectOf("{}"),
      metadata: {},
    });
    history.world.hosting.set("test/production/gone/1/index.html", objectOf("stray"));
    await history.pass(2 * DAY);
    const outcomes = [];
    for await (const outcome of pruneFleet(history.deps(), NOW)) outcomes.push(outcome);
    expect(outcomes).toMatchObject([
      { kind: "pruned", report: { site: "acme" } },
      {
        kind: "failed",
        ref: { site: "broken" },
        problem: expect.stringContaining("site/unreadable") as string,
      },
      { kind: "pruned", report: { site: "gone", objects: 1 } },
    ]);
    expect([...history.world.hosting.keys()]).toEqual(["test/production/acme/1/index.html"]);
  });

  it("takes no site that a host shows for one that never was, though its record is lost", async () => {
    const history = new History();
    await history.publish({ "index.html": "one" });
    await history.pass(40 * DAY);
    history.world.config.delete("test/production/_sites/acme.json");
    const outcomes = [];
    for await (const outcome of pruneFleet(history.deps(), NOW)) outcomes.push(outcome);
    expect(outcomes).toMatchObject([
      { kind: "failed", ref: ACME, problem: expect.stringContaining(`the config of "${WWW}"`) as string },
    ]);
    expect(visible(history.world, WWW)).toEqual({ "index.html": "one" });
  });
});

/** A run that dies when it has come so far. */
function diesAt(point: string): NonNullable<PublishDeps["watch"]> {
  return {
    reached(reached) {
      if (reached === point) throw new Error("died");
    },
    changed: () => undefined,
    live: () => undefined,
  };
}

function objectOf(text: string) {
  const body = Buffer.from(text);
  return { etag: '"x"', metadata: {}, headers: {}, size: body.length, body, modifiedAt: 0 };
}

type Step =
  | { readonly do: "publish"; readonly files: readonly (readonly [string, string])[] }
  | { readonly do: "preview"; readonly name: string; readonly files: readonly (readonly [string, string])[] }
  | { readonly do: "rollback" }
  | { readonly do: "promote" | "unpreview"; readonly name: string }
  | { readonly do: "wait"; readonly hours: number }
  | { readonly do: "prune"; readonly keep: number };

const arbitraryFiles = fc
  .dictionary(
    fc.constantFrom("index.html", "a.html", "b.html", "app.css", "x/y.html"),
    fc.constantFrom("1", "2", "3"),
    {
      minKeys: 1,
    },
  )
  .map((files) => Object.entries(files));
const arbitraryName = fc.constantFrom("p", "q");
const arbitraryStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant("publish" as const), files: arbitraryFiles }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("preview" as const), name: arbitraryName, files: arbitraryFiles }),
  },
  { weight: 2, arbitrary: fc.constant({ do: "rollback" as const }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("promote", "unpreview"), name: arbitraryName }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("wait" as const), hours: fc.constantFrom(1, 20, 30, 100) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("prune" as const), keep: fc.constantFrom(0, 2) }) },
);

async function take(deps: PublishDeps, step: Step, clock: InstantClock): Promise<unknown> {
  switch (step.do) {
    case "publish":
      return publish(deps, Object.fromEntries(step.files), [WWW]);
    case "preview": {
      const preview = { name: step.name, lifetime: 2 * DAY };
      const dir = await folder(Object.fromEntries(step.files));
      return publishFolder(deps, { ...ACME, dir, domains: [], preview });
    }
    case "rollback":
      return rollBack(deps, ACME);
    case "promote":
      return promotePreview(deps, ACME, step.name);
    case "unpreview":
      return removePreview(deps, ACME, step.name);
    case "wait":
      return clock.sleep(step.hours * HOUR);
    case "prune":
      return pruneSite(deps, ACME, { keep: step.keep, olderThan: 0 });
    default:
      return undefined;
  }
}

/** What visitors could have been led to by the configs of one moment: bodies by key in the bucket. */
function reachable(world: World): Map<string, string> {
  const found = new Map<string, string>();
  for (const host of [WWW, "p--acme.preview.example.com", "q--acme.preview.example.com"]) {
    const config = configOf(world, host);
    if (config?.kind !== "site") continue;
    for (const [key, { body }] of world.hosting) {
      const [, at, name = ""] = /^test\/production\/acme\/([0-9a-z]+)\/(.*)$/.exec(key) ?? [];
      const wanted = lookUpDelta(config.delta, shortHash(encodePath(name), sha256Hex)) ?? config.base;
      if (at === wanted) found.set(key, Buffer.from(body).toString());
    }
  }
  return found;
}

describe("whatever happens before, between and during prunes", () => {
  test.prop(
    {
      steps: fc.array(fc.tuple(arbitraryStep, fc.option(fc.tuple(fc.nat(30), fc.boolean()), { freq: 3 })), {
        minLength: 4,
        maxLength: 24,
      }),
    },
    { numRuns: 60 },
  )("what any host or cache can ask for, or a roll back can show, is there", async ({ steps }) => {
    const history = new History();
    const seen: { readonly at: number; readonly objects: ReadonlyMap<string, string> }[] = [];
    for (const [step, fault] of steps) {
      const faults = new FaultPoint();
      if (fault) faults.failAt(fault[0] + 1, fault[1] ? "before" : "after");
      await take(history.deps(faults), step, history.clock).catch(() => undefined);
      const now = history.clock.now();
      const horizon = now - (environment.ttl.config + environment.ttl.staleIfError) * 1_000;
      for (const { at, objects } of seen) {
        if (at < horizon) continue;
        for (const [key, body] of objects) {
          expect(Buffer.from(history.world.hosting.get(key)?.body ?? "gone").toString(), key).toBe(body);
        }
      }
      seen.push({ at: now, objects: reachable(history.world) });
      await everyReleaseIsWhole(history);
    }
  });
});

async function everyReleaseIsWhole(history: History): Promise<void> {
  if (![...history.world.config.keys()].includes("test/production/_sites/acme.json")) return;
  for (const { id, files, redirects } of recordOf(history.world).releases) {
    const world = copyWorld(history.world);
    const shown = await rollBack(openDeps(world, { clock: history.clock }), ACME, id).catch(
      (error: unknown) => error,
    );
    if (shown instanceof Error) throw shown;
    if (configOf(world, WWW) === undefined) continue;
    expect(Object.keys(visible(world, WWW) ?? {}).length, id).toBeGreaterThanOrEqual(files + redirects);
  }
}
