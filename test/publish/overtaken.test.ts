import { describe, expect, it } from "vitest";

import { addDomain, removeDomain } from "../../src/publish/domains.ts";
import { publishFolder } from "../../src/publish/publish.ts";
import type { PublishDeps, RestOfCommit } from "../../src/publish/publish-deps.ts";
import { rollBack } from "../../src/publish/release/rollback.ts";
import { settleOwed } from "../../src/publish/purging.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";
import { FaultPoint } from "../support/fault-point.ts";
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
} from "./publish-fixture.ts";
import type { World } from "./publish-fixture.ts";

const WWW = "www.example.com";
const SHOP = "shop.example.com";
const SHOP_CONFIG = `test/production/${SHOP}/`;
const RECORD = "put test/production/_sites/acme.json";

/** Publishes, and stops when the release is live: the second purge and the note of it are still to come. */
async function publishSlowly(world: World, text: string): Promise<RestOfCommit> {
  const rests: RestOfCommit[] = [];
  const deps = { ...openDeps(world), later: (rest: RestOfCommit) => void rests.push(rest) };
  await publishFolder(deps, { ...ACME, dir: await folder({ "index.html": text }), domains: [WWW] });
  const [rest] = rests;
  if (!rest) throw new Error("nothing was left to do");
  return rest;
}

/** A process for which something happens between its decision to write an object and the write. */
function interrupted(
  world: World,
  { key, faults = new FaultPoint() }: { readonly key: string; readonly faults?: FaultPoint },
  meanwhile: () => Promise<void>,
): PublishDeps {
  const deps = openDeps(world, { faults });
  const { config, hosting } = deps.store;
  let isFirst = true;
  const put: typeof config.put = async (input) => {
    if (isFirst && input.key.startsWith(key)) {
      isFirst = false;
      await meanwhile();
    }
    return config.put(input);
  };
  return { ...deps, store: { config: replaced(config, { put }), hosting } };
}

/** The store with some of its calls replaced. */
function replaced(store: ObjectStore, calls: Partial<ObjectStore>): ObjectStore {
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(calls, name) ?? Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

describe("a run that another one overtakes before it has noted what it did", () => {
  it("leaves the record right, so that rolling back to its release writes the configs", async () => {
    const world = newWorld();
    await publish(openDeps(world), { "index.html": "one" }, [WWW]);
    const slow = await publishSlowly(world, "two");
    await publish(openDeps(world), { "index.html": "three" }, [WWW]);
    await slow.finish();
    expect(recordOf(world).owed).toEqual([]);
    const { release } = await rollBack(openDeps(world), ACME);
    expect(release).toBe("2");
    expect(visible(world, WWW)).toEqual({ "index.html": "two" });
  });

  it("does not bring back a domain that was removed before its config was written", async () => {
    const world = newWorld();
    await publish(openDeps(world), { "index.html": "one" }, [WWW]);
    const slow = interrupted(world, { key: SHOP_CONFIG }, async () => {
      await removeDomain(openDeps(world), ACME, SHOP);
    });
    await addDomain(slow, ACME, { domain: SHOP, choices: {}, takeOver: false });
    expect(recordOf(world)).toMatchObject({ owed: [] });
    expect(Object.keys(recordOf(world).domains)).toEqual([WWW]);
    expect(configOf(world, SHOP)).toBeUndefined();
  });

  it("and dies while it takes its config back, leaves the rest to whoever comes next", async () => {
    const start = newWorld();
    await publish(openDeps(start), { "index.html": "one" }, [WWW]);
    const overtaken = async (world: World, faults: FaultPoint): Promise<void> => {
      const slow = interrupted(world, { key: SHOP_CONFIG, faults }, async () => {
        await removeDomain(openDeps(world), ACME, SHOP);
      });
      await addDomain(slow, ACME, { domain: SHOP, choices: {}, takeOver: false });
    };
    const whole = new FaultPoint();
    await overtaken(copyWorld(start), whole);
    const deletion = whole.calls.findIndex((call) => call.startsWith(`delete ${SHOP_CONFIG}`));
    // The write of the record that says what is owed.
    const noted = whole.calls.lastIndexOf(RECORD, deletion) + 1;
    expect(noted).toBeGreaterThan(1);
    for (const when of ["after", "before"] as const) {
      for (let call = when === "after" ? noted : noted + 1; call <= whole.calls.length; call += 1) {
        const world = copyWorld(start);
        const faults = new FaultPoint();
        faults.failAt(call, when);
        await expect(overtaken(world, faults)).rejects.toThrow();
        await settleOwed(openDeps(world));
        expect(configOf(world, SHOP), `${when} ${whole.calls[call - 1]}`).toBeUndefined();
        const gone = world.events.lastIndexOf(`config ${SHOP}`);
        const purges = world.events.slice(gone).filter((event) => event.includes(`d:${SHOP}`));
        expect(purges.length, `${when} ${whole.calls[call - 1]}`).toBeGreaterThanOrEqual(2);
        expect(recordOf(world)).toMatchObject({ owed: [] });
        expect(Object.keys(recordOf(world).domains)).toEqual([WWW]);
      }
    }
  });

  it("does not take a domain away that was put back before its removal came to the config", async () => {
    const world = newWorld();
    await publish(openDeps(world), { "index.html": "one" }, [WWW, SHOP]);
    const deps = openDeps(world);
    let isFirst = true;
    const head: typeof deps.store.config.head = async (input) => {
      if (isFirst && input.key.startsWith(SHOP_CONFIG)) {
        isFirst = false;
        await addDomain(openDeps(world), ACME, {
          domain: SHOP,
          choices: { forceTls: true },
          takeOver: false,
        });
      }
      return deps.store.config.head(input);
    };
    await removeDomain(
      { ...deps, store: { ...deps.store, config: replaced(deps.store.config, { head }) } },
      ACME,
      SHOP,
    );
    expect(configOf(world, SHOP)).toMatchObject({ site: "acme", forceTls: true });
    expect(recordOf(world).domains[SHOP]).toMatchObject({ forceTls: true });
    expect(recordOf(world).owed).toEqual([]);
  });
});
