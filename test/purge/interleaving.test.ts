import { fc, it } from "@fast-check/vitest";
import { describe, expect } from "vitest";

import { purgeDurably, settleStoredPurges } from "../../src/purge/owed-purges.ts";
import type { OwedDeps } from "../../src/purge/owed-purges.ts";
import type { Clock } from "../../src/lib/clock.ts";
import { MemoryStore } from "../support/memory-store.ts";
import type { MemoryObject } from "../support/memory-store.ts";

/** What happened on the one store and the one edge, in order. */
type Event =
  | { readonly kind: "sent"; readonly process: number; readonly keys: readonly string[] }
  | { readonly kind: "written"; readonly key: string; readonly keys: readonly string[] }
  | { readonly kind: "deleted"; readonly process: number; readonly key: string };

interface World {
  readonly objects: Map<string, MemoryObject>;
  readonly events: Event[];
}

/** A store of one process in which every call lands when the scheduler says so. */
class ScheduledStore extends MemoryStore {
  readonly #world: World;
  readonly #process: number;
  readonly #turn: (name: string) => Promise<void>;

  constructor(world: World, process: number, turn: (name: string) => Promise<void>) {
    super({ objects: world.objects });
    this.#world = world;
    this.#process = process;
    this.#turn = turn;
  }

  override async put(input: Parameters<MemoryStore["put"]>[0]): ReturnType<MemoryStore["put"]> {
    await this.#turn("put");
    const outcome = await super.put(input);
    const { keys } = JSON.parse(Buffer.from(this.objects.get(input.key)?.body ?? []).toString()) as {
      keys: string[];
    };
    if (outcome.kind === "ok") this.#world.events.push({ kind: "written", key: input.key, keys });
    return outcome;
  }

  override async get(input: Parameters<MemoryStore["get"]>[0]): ReturnType<MemoryStore["get"]> {
    await this.#turn("get");
    return super.get(input);
  }

  override async delete(input: Parameters<MemoryStore["delete"]>[0]): ReturnType<MemoryStore["delete"]> {
    await this.#turn("delete");
    if (this.objects.has(input.key)) this.#deleted(input.key);
    return super.delete(input);
  }

  override async deleteMany(
    input: Parameters<MemoryStore["deleteMany"]>[0],
  ): ReturnType<MemoryStore["deleteMany"]> {
    await this.#turn("delete many");
    const keys = [...input.keys];
    for (const key of keys) if (this.objects.has(key)) this.#deleted(key);
    return super.deleteMany({ ...input, keys });
  }

  override async *list(input: Parameters<MemoryStore["list"]>[0]): ReturnType<MemoryStore["list"]> {
    await this.#turn("list");
    yield* super.list(input);
  }

  #deleted(key: string): void {
    this.#world.events.push({ kind: "deleted", process: this.#process, key });
  }
}

/** A process that may be killed: after `lives` calls nothing of it happens any more. */
function openProcess(
  world: World,
  process: number,
  options: { scheduler: fc.Scheduler; lives: number },
): OwedDeps {
  const { scheduler } = options;
  let left = options.lives;
  const turn = async (name: string): Promise<void> => {
    await scheduler.schedule(Promise.resolve(), `${process} ${name}`);
    if ((left -= 1) < 0) throw new Error("killed");
  };
  const send = async (keys: readonly string[]): Promise<void> => {
    await turn("purge");
    world.events.push({ kind: "sent", process, keys });
  };
  const clock: Clock = { now: () => Date.UTC(2026, 0, 1), sleep: () => turn("sleep") };
  return {
    config: new ScheduledStore(world, process, turn),
    serverEnv: "test",
    purge: { purgeKeys: ({ keys }) => send(keys), purgeAll: () => send(["all"]) },
    serviceId: () => Promise.resolve("SVC"),
    clock,
    signal: new AbortController().signal,
  };
}

const order = fc.record({
  keys: fc.array(fc.constantFrom("s:a", "s:b", "c:a", "c:b", "d:x", "d:y", "p:1", "all"), {
    minLength: 1,
    maxLength: 3,
  }),
  soft: fc.boolean(),
  reason: fc.constant("test"),
});
const life = fc.record({
  orders: fc.array(order, { minLength: 1, maxLength: 3 }),
  lives: fc.integer({ min: 1, max: 40 }),
});

function covers(sent: readonly string[], key: string): boolean {
  const owner = /^c:(.*)$/.exec(key)?.[1];
  return sent.includes(key) || sent.includes("all") || (owner !== undefined && sent.includes(`s:${owner}`));
}

describe("several processes on one store", () => {
  it.prop([fc.scheduler(), fc.array(life, { minLength: 2, maxLength: 3 })])(
    "never lose a purge, whatever the order of their calls and wherever they are killed",
    async (scheduler, lives) => {
      const world: World = { objects: new Map(), events: [] };
      const runs = lives.map(async ({ orders, lives: left }, process) => {
        const deps = openProcess(world, process, { scheduler, lives: left });
        for (const one of orders) await purgeDurably(deps, one);
      });
      const ended = Promise.allSettled(runs);
      await scheduler.waitFor(ended);
      for (const run of await ended) {
        if (run.status === "rejected") expect(run.reason).toMatchObject({ message: "killed" });
      }
      const heir = openProcess(world, lives.length, { scheduler, lives: Infinity });
      await scheduler.waitFor(settleStoredPurges(heir));
      expect([...world.objects.keys()]).toEqual([]);
      for (const [index, event] of world.events.entries()) {
        if (event.kind !== "deleted") continue;
        const written = world.events.findIndex(
          (other) => other.kind === "written" && other.key === event.key,
        );
        const before = world.events.slice(written, index);
        const [origin] = before;
        if (origin?.kind !== "written") throw new Error("deleted what was never written");
        for (const key of origin.keys) {
          const passes = before.filter(
            (other) => other.kind === "sent" && other.process === event.process && covers(other.keys, key),
          );
          expect(passes.length).toBeGreaterThanOrEqual(2);
        }
      }
    },
  );
});
