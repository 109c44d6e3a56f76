import { describe, expect, it } from "vitest";

import { purgeDurably, readOwedPurges, settleStoredPurges } from "../../src/purge/owed-purges.ts";
import type { OwedDeps } from "../../src/purge/owed-purges.ts";
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

describe("readOwedPurges", () => {
  it("refuses what it cannot read instead of dropping it", async () => {
    const world: World = { objects: new Map(), sent: [] };
    const deps = open(world);
    await deps.config.put({ key: "test/_owed/x.json", body: "{}", signal: deps.signal });
    await expect(readOwedPurges(deps)).rejects.toMatchObject({ code: "site/unreadable" });
    expect(world.objects.size).toBe(1);
  });
});
