import { describe, expect, it } from "vitest";

import { pruneFleet } from "../../../src/publish/prune/prune-fleet.ts";
import { pruneSite } from "../../../src/publish/prune/prune.ts";
import { minimumAge } from "../../../src/publish/prune/prune-plan.ts";
import type { PublishDeps } from "../../../src/publish/publish-deps.ts";
import { settleOwed } from "../../../src/publish/purging.ts";
import { rollBack } from "../../../src/publish/release/rollback.ts";
import { deleteSite, purgeFiles } from "../../../src/publish/prune/site-deletion.ts";
import { PARALLEL_CONFIGS } from "../../../src/publish/config-sync.ts";
import { FaultPoint } from "../../support/fault-point.ts";
import { ParallelCalls } from "../../support/parallel-calls.ts";
import { publishFolder } from "../../../src/publish/publish.ts";
import { ACME, configOf, environment, folder, publish, recordOf, visible } from "../publish-fixture.ts";
import { DAY, HOUR, History, NOW, WWW } from "./history.ts";

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

  it("asks for what its hosts show several at a time, and never all at once", async () => {
    const history = new History();
    const domains = Array.from({ length: 40 }, (_, index) => `h${index}.example.com`);
    await publish(history.deps(), { "index.html": "one" }, domains);
    const faults = new ParallelCalls(/^head .*\.example\.com/);
    await pruneSite(history.deps(faults), ACME, NOW);
    expect(faults.most).toBe(PARALLEL_CONFIGS);
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

  it("leaves what an earlier release reads that was overwritten in place, until no cache leads to it", async () => {
    const history = new History();
    const files = { "index.html": "one", "a.html": "a" };
    await history.publish(files);
    await history.pass(90 * DAY);
    await history.publish({ ...files, "index.html": "two" });
    const dir = await folder({ "index.html": "two", "a.html": "other" });
    const request = { ...ACME, dir, domains: [], inPlace: true };
    expect(await publishFolder(history.deps(), request)).toMatchObject({ release: "2" });
    // A host of the first release, by a config that no purge has reached, still asks for its page.
    await history.pass(minimumAge(environment) - HOUR);
    expect(await pruneSite(history.deps(), ACME, NOW)).toMatchObject({ releases: [], objects: 0 });
    expect(history.hosting()).toContain("1/index.html");
    await history.pass(2 * HOUR);
    expect(await pruneSite(history.deps(), ACME, { ...NOW, keep: 2 })).toMatchObject({ releases: ["1"] });
    expect(history.hosting()).not.toContain("1/index.html");
    expect(visible(history.world, WWW)).toEqual({ "index.html": "two", "a.html": "other" });
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
