import { test } from "@fast-check/vitest";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { sha256Hex } from "../../../src/publish/publish-deps.ts";
import { deltaOf, keyHash, planDelta } from "../../../src/publish/release/delta-plan.ts";
import type { DeltaInput, PlacedRelease, StoragePlan } from "../../../src/publish/release/delta-plan.ts";
import { isAsset } from "../../../src/publish/release/release-object.ts";
import type { ReleaseObject } from "../../../src/publish/release/release-object.ts";
import { REMOVED, deltaHash, lookUpDelta } from "../../../src/site/delta-list.ts";
import { encodePath } from "../../../src/site/page-key.ts";

const HOUR = 3_600_000;

function object(key: string, content: string, cacheControl = "no-cache"): ReleaseObject {
  const contentType = key.endsWith(".css") ? "text/css; charset=utf-8" : "text/html; charset=utf-8";
  const headers = { contentType, cacheControl };
  return { key, size: content.length, hash: content.padStart(64, "0"), headers, metadata: { p: `/${key}` } };
}

/** A bucket: what lies at `<release>/<key>`, as one text. */
type Bucket = Map<string, string>;

function answer({ hash, headers, metadata }: ReleaseObject): string {
  return JSON.stringify([hash, headers.cacheControl, metadata]);
}

/** Carries a plan out in a bucket, as a store would. */
function carryOut(bucket: Bucket, plan: StoragePlan, release: string): PlacedRelease {
  for (const { object: copied, from } of plan.copy) {
    const source = bucket.get(`${from.at}/${from.key}`);
    expect(source, `${from.at}/${from.key}`).toBeDefined();
    expect(source).toContain(copied.hash);
    bucket.set(`${release}/${copied.key}`, answer(copied));
  }
  for (const uploaded of plan.upload) bucket.set(`${release}/${uploaded.key}`, answer(uploaded));
  return plan.placed(release);
}

/** What the edge finds for a key. */
function found(bucket: Bucket, { base, delta }: PlacedRelease, key: string): string | undefined {
  const tag = lookUpDelta(delta, keyHash(key)) ?? base;
  return tag === REMOVED ? undefined : bucket.get(`${tag}/${key}`);
}

const generous: Pick<DeltaInput<ReleaseObject>, "now" | "graceMs" | "fits"> = {
  now: 0,
  graceMs: 0,
  fits: () => true,
};

/** Two keys that no list can tell apart. */
const COLLISION = ["one.html", "other.html"] as const;

function hashOf(key: string): string {
  return COLLISION.some((alike) => alike === key) ? "A".repeat(16) : keyHash(key);
}

it("knows a key by what the site model calls it", () => {
  for (const key of ["index.html", "grüße/a b.html", "x/100%.css"]) {
    expect(keyHash(key)).toBe(deltaHash(encodePath(key), sha256Hex));
  }
});

describe("planDelta", () => {
  const KEYS = ["a.html", "b.html", "c.css", "d.css", "e.html"];
  const arbitraryRelease = fc
    .array(fc.tuple(fc.constantFrom(...KEYS), fc.constantFrom("1", "2", "3"), fc.constantFrom("x", "y")), {
      minLength: 1,
      maxLength: 6,
    })
    .map((rows) => [...new Map(rows.map(([key, hash, cache]) => [key, object(key, hash, cache)])).values()]);
  const arbitraryHistory = fc.array(
    fc.record({ next: arbitraryRelease, limit: fc.constantFrom(0, 8, 20, 1_000), hours: fc.nat(3) }),
    { minLength: 1, maxLength: 12 },
  );

  test.prop([arbitraryHistory], { numRuns: 200 })(
    "leads the edge to every object of a release, and to no other, after any history of publishes",
    (history) => {
      const bucket: Bucket = new Map();
      let current: PlacedRelease | undefined;
      let now = 0;
      for (const [index, { next, limit, hours }] of history.entries()) {
        now += hours * HOUR;
        const release = (index + 1).toString(36);
        const before = new Map(bucket);
        const fits = (delta: string): boolean => delta.length <= limit;
        const plan = planDelta({ current, next, now, graceMs: 2 * HOUR, fits });
        const former = current;
        current = carryOut(bucket, plan, release);
        expect(fits(current.delta)).toBe(true);
        for (const [key, text] of before)
          expect(bucket.get(key), "nothing that exists is touched").toBe(text);
        const shown = new Map(next.map((one) => [one.key, answer(one)]));
        for (const key of KEYS) {
          const is = found(bucket, current, key);
          if (shown.has(key)) expect(is).toBe(shown.get(key));
          else if (is !== undefined) {
            const kept = current.objects.get(key);
            expect(kept && isAsset(kept) && is === answer(kept)).toBe(true);
            expect(former && found(bucket, former, key)).toBe(is);
            expect(now - Date.parse(kept?.removedAt ?? "")).toBeLessThan(2 * HOUR);
          }
        }
      }
    },
  );

  it("leaves equal objects where they are and uploads what changed", () => {
    const first = planDelta({
      ...generous,
      current: undefined,
      next: [object("a.html", "1"), object("b.html", "2")],
    });
    expect(first).toMatchObject({ kind: "full", reason: "no-base", copy: [] });
    const next = [object("a.html", "1"), object("b.html", "3")];
    const plan = planDelta({ ...generous, current: first.placed("1"), next });
    expect(plan).toMatchObject({ kind: "delta", upload: [{ key: "b.html" }], copy: [] });
    expect(plan.placed("2")).toMatchObject({
      base: "1",
      delta: `30:${keyHash("b.html").slice(0, 3)}=2`,
      ghosts: [{ key: "b.html", at: "1" }],
    });
  });

  it.each([
    ["other headers", object("b.html", "2", "max-age=9"), { key: "b.html", at: "1" }],
    ["a file that moved", object("z.html", "2"), { key: "b.html", at: "1" }],
  ])("copies %s inside the store", (_, changed, from) => {
    const first = planDelta({
      ...generous,
      current: undefined,
      next: [object("a.html", "1"), object("b.html", "2")],
    });
    const plan = planDelta({
      ...generous,
      current: first.placed("1"),
      next: [object("a.html", "1"), changed],
    });
    expect(plan).toMatchObject({ kind: "delta", upload: [], copy: [{ object: changed, from }] });
  });

  it("keeps removed assets for the grace period and removes pages at once", () => {
    const page = object("a.html", "1");
    const first = planDelta({
      ...generous,
      current: undefined,
      next: [page, object("old.css", "2"), object("b.html", "3")],
    });
    const graceMs = 2 * HOUR;
    const second = planDelta({ ...generous, graceMs, current: first.placed("1"), next: [page] }).placed("2");
    expect(second.delta).toBe(`30:${keyHash("b.html").slice(0, 3)}=${REMOVED}`);
    expect(second.objects.get("old.css")).toMatchObject({ at: "1", removedAt: "1970-01-01T00:00:00.000Z" });
    const later = { ...generous, graceMs, now: graceMs - 1 };
    expect(
      planDelta({ ...later, current: second, next: [page] })
        .placed("3")
        .objects.has("old.css"),
    ).toBe(true);
    const end = planDelta({ ...later, now: graceMs, current: second, next: [page] }).placed("3");
    expect(end.objects.has("old.css")).toBe(false);
    expect(lookUpDelta(end.delta, keyHash("old.css"))).toBe(REMOVED);
  });

  it("carries removed assets into a full release, and shows one that comes back as if it had never been gone", () => {
    const page = object("a.html", "1");
    const style = object("old.css", "2");
    const first = planDelta({ ...generous, current: undefined, next: [page, style] }).placed("1");
    const removed = planDelta({ ...generous, graceMs: HOUR, current: first, next: [page] }).placed("2");
    const full = planDelta({ ...generous, graceMs: HOUR, current: removed, next: [page], full: true });
    expect(full).toMatchObject({ kind: "full", reason: "wanted", upload: [] });
    expect(full.placed("3").objects.get("old.css")).toMatchObject({
      at: "3",
      removedAt: "1970-01-01T00:00:00.000Z",
    });
    const back = planDelta({ ...generous, graceMs: HOUR, current: removed, next: [page, style] }).placed("3");
    expect(back.objects.get("old.css")).toEqual({ ...style, at: "1" });
  });

  it("makes a full release when a changed key's hash is that of an unchanged one", () => {
    const [one, other] = COLLISION;
    const first = planDelta({
      ...generous,
      current: undefined,
      next: [object(one, "1"), object(other, "2")],
    }).placed("1");
    const plan = planDelta({
      ...generous,
      hashOf,
      current: first,
      next: [object(one, "3"), object(other, "2")],
    });
    expect(plan).toMatchObject({
      kind: "full",
      reason: "collision",
      upload: [{ key: one }],
      copy: [{ object: { key: other } }],
    });
    const bucket: Bucket = new Map([
      [`1/${one}`, answer(object(one, "1"))],
      [`1/${other}`, answer(object(other, "2"))],
    ]);
    const placed = carryOut(bucket, plan, "2");
    expect(found(bucket, placed, one)).toBe(answer(object(one, "3")));
    expect(found(bucket, placed, other)).toBe(answer(object(other, "2")));
  });

  it("makes a full release when a removed key's hash is that of one that stays", () => {
    const [one, other] = COLLISION;
    const first = planDelta({
      ...generous,
      current: undefined,
      next: [object(one, "1"), object(other, "2")],
    }).placed("1");
    expect(planDelta({ ...generous, hashOf, current: first, next: [object(other, "2")] })).toMatchObject({
      kind: "full",
      reason: "collision",
    });
    const both = { base: "1", objects: first.objects, ghosts: [{ key: one, at: "2" }] };
    expect(deltaOf(both, hashOf), "what lies below a prefix that is not read does no harm").toEqual({
      kind: "ok",
      text: "",
    });
  });

  it("makes a full release when nothing stays, and when the list does not fit under the longest id", () => {
    const first = planDelta({
      ...generous,
      current: undefined,
      next: [object("a.html", "1"), object("b.html", "2")],
    }).placed("1");
    const changed = [object("a.html", "3"), object("b.html", "4")];
    expect(planDelta({ ...generous, current: first, next: changed })).toMatchObject({
      kind: "full",
      reason: "all-changed",
    });
    const asked: string[] = [];
    const fits = (delta: string): boolean => asked.push(delta) < 0;
    const one = [object("a.html", "1"), object("b.html", "4")];
    expect(planDelta({ ...generous, fits, current: first, next: one })).toMatchObject({
      kind: "full",
      reason: "too-long",
    });
    expect(asked).toEqual([`30:${keyHash("b.html").slice(0, 3)}=zz.zz`]);
  });
});
