import { describe, expect, it } from "vitest";

import { addDomain, removeDomain } from "../../src/publish/domains.ts";
import { publishFolder } from "../../src/publish/publish.ts";
import type { PublishDeps, RestOfCommit } from "../../src/publish/publish-deps.ts";
import { rollBack } from "../../src/publish/release/rollback.ts";
import { ACME, configOf, folder, newWorld, openDeps, publish, recordOf, visible } from "./publish-fixture.ts";
import type { World } from "./publish-fixture.ts";

const WWW = "www.example.com";
const SHOP = "shop.example.com";

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
function interrupted(world: World, key: string, meanwhile: () => Promise<void>): PublishDeps {
  const deps = openDeps(world);
  const { config, hosting } = deps.store;
  let isFirst = true;
  const put: typeof config.put = async (input) => {
    if (isFirst && input.key.startsWith(key)) {
      isFirst = false;
      await meanwhile();
    }
    return config.put(input);
  };
  const slow = new Proxy(config, {
    get(target, name) {
      if (name === "put") return put;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return { ...deps, store: { config: slow, hosting } };
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
    const slow = interrupted(world, `test/production/${SHOP}/`, async () => {
      await removeDomain(openDeps(world), ACME, SHOP);
    });
    await addDomain(slow, ACME, { domain: SHOP, choices: {}, takeOver: false });
    expect(recordOf(world)).toMatchObject({ owed: [] });
    expect(Object.keys(recordOf(world).domains)).toEqual([WWW]);
    expect(configOf(world, SHOP)).toBeUndefined();
  });
});
