import { describe, expect, it } from "vitest";

import { purgeDurably, readOwedPurges, settleStoredPurges } from "../../src/purge/owed-purges.ts";
import type { OwedDeps, StoredPurge } from "../../src/purge/owed-purges.ts";
import { SECOND_PURGE_MS } from "../../src/purge/purge.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { FaultPoint } from "../support/fault-point.ts";
import { InstantClock } from "../support/instant-clock.ts";
import { MemoryStore } from "../support/memory-store.ts";
import type { MemoryObject } from "../support/memory-store.ts";

interface World {
  readonly objects: Map<string, MemoryObject>;
  readonly sent: string[];
}

function open(world: World, faults = new FaultPoint()): OwedDeps {
  return {
    config: new MemoryStore({ objects: world.objects, faults }),
    serverEnv: "test",
    purge: {
      purgeKeys: ({ keys, soft }) =>
        faults.run("purge", () => void world.sent.push(`${soft ? "soft " : ""}${keys.join(" ")}`)),
      purgeAll: () => faults.run("purge all", () => void world.sent.push("everything")),
    },
    serviceId: () => Promise.resolve("SVC"),
    clock: new InstantClock(),
    signal: new AbortController().signal,
  };
}

const order = { keys: ["s:acme", "d:a.example"], soft: false, reason: "test" };

describe("purgeDurably", () => {
  it("sends now and again 2 s later, then owes nothing", async () => {
    const world: World = { objects: new Map(), sent: [] };
    const clock = new FakeClock();
    const done = purgeDurably({ ...open(world), clock }, order);
    while (clock.sleeping === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(world.sent).toEqual(["d:a.example s:acme"]);
    expect(world.objects.size).toBe(1);
    clock.advance(SECOND_PURGE_MS);
    await done;
    expect(world.sent).toEqual(["d:a.example s:acme", "d:a.example s:acme"]);
    expect(world.objects.size).toBe(0);
  });

  it.each(["before", "after"] as const)(
    "that dies %s any call is finished by the next purge",
    async (when) => {
      for (let call = 1; ; call += 1) {
        const world: World = { objects: new Map(), sent: [] };
        const faults = new FaultPoint();
        faults.failAt(call, when);
        await purgeDurably(open(world, faults), order).catch(() => undefined);
        if (faults.calls.length < call) break;
        const recorded = when === "after" || call > 1;
        await settleStoredPurges(open(world));
        const sent = world.sent.filter((keys) => keys === "d:a.example s:acme");
        if (recorded) expect(sent.length).toBeGreaterThanOrEqual(2);
        expect(world.objects.size).toBe(0);
      }
    },
  );

  it("keeps soft and hard purges apart", async () => {
    const world: World = { objects: new Map(), sent: [] };
    const faults = new FaultPoint();
    faults.failAt(1, "after");
    await purgeDurably(open(world, faults), { ...order, soft: true }).catch(() => undefined);
    await purgeDurably(open(world), { keys: ["s:other"], soft: false, reason: "test" });
    expect([...world.sent].sort()).toEqual([
      "s:other",
      "s:other",
      "soft d:a.example s:acme",
      "soft d:a.example s:acme",
    ]);
  });

  it("purges everything with the call that needs no key", async () => {
    const world: World = { objects: new Map(), sent: [] };
    await purgeDurably(open(world), { keys: ["all", "s:acme"], soft: false, reason: "test" });
    expect(world.sent).toEqual(["everything", "all", "everything", "all"]);
  });
});

/** A store of purges as they lie in the bucket. */
function stored(count: number, orderOf: (index: number) => object): World["objects"] {
  const objects: World["objects"] = new Map();
  for (let index = 0; index < count; index += 1) {
    const since = new Date(Date.UTC(2025, 11, 1) + index).toISOString();
    const value = { format: 2, soft: false, reason: "test", since, sent: 0, ...orderOf(index) };
    const body = Buffer.from(JSON.stringify(value));
    objects.set(`test/_owed/${since}-${index}.json`, {
      etag: `"${index}"`,
      metadata: {},
      headers: {},
      size: body.length,
      body,
      modifiedAt: 0,
    });
  }
  return objects;
}

describe("settleStoredPurges", () => {
  it("sends what many purges have in common once a pass, and what a wider key covers not at all", async () => {
    const keys = [["s:acme", "c:acme"], ["c:acme"], ["s:acme", "d:a.example"], ["r:acme/1"], ["p:00ff"]];
    const world: World = { objects: stored(100, (index) => ({ keys: keys[index % 5] })), sent: [] };
    expect(await settleStoredPurges(open(world))).toBe(100);
    expect(world.sent).toEqual(["d:a.example p:00ff s:acme", "d:a.example p:00ff s:acme"]);
    expect(world.objects.size).toBe(0);
  });

  it("settles 10,000 purges in few calls of at most 256 keys, never holding more than a window of them", async () => {
    const world: World = { objects: stored(10_000, (index) => ({ keys: [`s:site-${index}`] })), sent: [] };
    let held = 0;
    let most = 0;
    const deps = open(world);
    const counting: OwedDeps = {
      ...deps,
      config: new (class extends MemoryStore {
        override get(...input: Parameters<MemoryStore["get"]>): ReturnType<MemoryStore["get"]> {
          held += 1;
          most = Math.max(most, held);
          return super.get(...input);
        }
        override deleteMany(
          ...[input]: Parameters<MemoryStore["deleteMany"]>
        ): ReturnType<MemoryStore["deleteMany"]> {
          const keys = [...input.keys];
          held -= keys.length;
          return super.deleteMany({ ...input, keys });
        }
      })({ objects: world.objects }),
    };
    expect(await settleStoredPurges(counting)).toBe(10_000);
    expect(world.objects.size).toBe(0);
    expect(world.sent.length).toBeLessThanOrEqual(2 * (Math.ceil(10_000 / 256) + 5));
    for (const keys of world.sent) expect(keys.split(" ").length).toBeLessThanOrEqual(256);
    const sent = new Map<string, number>();
    for (const key of world.sent.flatMap((keys) => keys.split(" "))) sent.set(key, (sent.get(key) ?? 0) + 1);
    expect(sent.size).toBe(10_000);
    expect(new Set(sent.values())).toEqual(new Set([2]));
    expect(most).toBeLessThanOrEqual(2_048 + 32);
  });

  it("sends too many pages of one site as the site's key, and too many of nobody as they are", async () => {
    const world: World = {
      objects: stored(600, (index) => ({ keys: [`p:${index}`], ...(index < 300 ? { site: "acme" } : {}) })),
      sent: [],
    };
    await settleStoredPurges(open(world));
    const keys = new Set(world.sent.flatMap((text) => text.split(" ")));
    expect(keys.has("s:acme")).toBe(true);
    expect(keys.size).toBe(301);
  });

  it("leaves alone what is younger than asked, but nothing that claims to be from the future", async () => {
    const clock = new InstantClock();
    const dates = [-60_000, -5_000, 0, 5_000].map((ms) => new Date(clock.now() + ms).toISOString());
    const world: World = {
      objects: stored(5, (index) => ({ keys: [`k:${index}`], since: dates[index] ?? "no date" })),
      sent: [],
    };
    expect(await settleStoredPurges({ ...open(world), clock }, { olderThanMs: 30_000 })).toBe(3);
    expect(world.sent).toEqual(["k:0 k:3 k:4", "k:0 k:3 k:4"]);
    expect(await settleStoredPurges({ ...open(world), clock })).toBe(2);
  });

  it("settles what it can read before it refuses what it cannot", async () => {
    const world: World = { objects: stored(3, (index) => ({ keys: [`s:site-${index}`] })), sent: [] };
    const deps = open(world);
    await deps.config.put({ key: "test/_owed/0.json", body: "{}", signal: deps.signal });
    await expect(settleStoredPurges(deps)).rejects.toMatchObject({ code: "site/unreadable" });
    expect([...world.objects.keys()]).toEqual(["test/_owed/0.json"]);
    expect(world.sent).toEqual(Array(2).fill("s:site-0 s:site-1 s:site-2"));
  });

  it("reads what an earlier version stored", async () => {
    const world: World = {
      objects: stored(1, () => ({ keys: ["s:acme"], format: 1, sent: undefined })),
      sent: [],
    };
    expect(await settleStoredPurges(open(world))).toBe(1);
  });

  it("keeps what the edge refused the second time, and tells that it was sent once", async () => {
    const world: World = { objects: stored(2, (index) => ({ keys: [`s:site-${index}`] })), sent: [] };
    const refusal = new Error("429");
    let calls = 0;
    const deps = open(world);
    const purge = {
      ...deps.purge,
      purgeKeys: () => (++calls === 2 ? Promise.reject(refusal) : Promise.resolve()),
    };
    await expect(settleStoredPurges({ ...deps, purge })).rejects.toBe(refusal);
    const rows = await readAll(deps);
    expect(rows.map(({ keys, sent }) => [keys, sent])).toEqual([
      [["s:site-0"], 1],
      [["s:site-1"], 1],
    ]);
  });

  it("says which purges it was not allowed to delete", async () => {
    const world: World = { objects: stored(2, (index) => ({ keys: [`s:site-${index}`] })), sent: [] };
    const deps = open(world);
    const config = new MemoryStore({ objects: world.objects });
    config.deleteMany = ({ keys }) =>
      Promise.resolve([...keys].slice(0, 1).map((key) => ({ key, code: "AccessDenied", message: "no" })));
    await expect(settleStoredPurges({ ...deps, config })).rejects.toMatchObject({
      code: "store/refused",
      details: [expect.stringContaining("AccessDenied")],
    });
  });
});

async function readAll(deps: OwedDeps): Promise<readonly StoredPurge[]> {
  const rows: StoredPurge[] = [];
  for await (const row of readOwedPurges(deps)) rows.push(row);
  return rows;
}

describe("readOwedPurges", () => {
  it("refuses what it cannot read instead of dropping it, after all that it can read", async () => {
    const world: World = {
      objects: stored(2, () => ({ keys: ["s:acme"], site: "acme", sent: 1 })),
      sent: [],
    };
    const deps = open(world);
    await deps.config.put({ key: "test/_owed/0.json", body: "{}", signal: deps.signal });
    const rows: StoredPurge[] = [];
    const read = async (): Promise<void> => {
      for await (const row of readOwedPurges(deps)) rows.push(row);
    };
    await expect(read()).rejects.toMatchObject({ code: "site/unreadable" });
    expect(rows).toMatchObject([
      { site: "acme", sent: 1 },
      { site: "acme", sent: 1 },
    ]);
    expect(world.objects.size).toBe(3);
  });
});
