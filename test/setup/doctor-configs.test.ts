import { fc, it as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import type { PublishDeps } from "../../src/publish/publish-deps.ts";
import { describeScan, scanConfigs } from "../../src/setup/doctor/check-configs.ts";
import { CODEC_VERSION, CONFIG_METADATA } from "../../src/site/metadata.ts";
import { configOf, newWorld, openDeps } from "../publish/publish-fixture.ts";
import type { World } from "../publish/publish-fixture.ts";
import type { MemoryObject } from "../support/memory-store.ts";
import { SHOP, WWW, published } from "../publish/two-editions.ts";

function keyOf(world: World, domain: string): string {
  const key = [...world.config.keys()].find((name) => name.split("/")[2] === domain);
  if (key === undefined) throw new Error(`no config of ${domain}`);
  return key;
}

/** Changes metadata of a domain's config by hand; `undefined` takes a field away. */
function tamper(world: World, domain: string, change: Readonly<Record<string, string | undefined>>): void {
  const key = keyOf(world, domain);
  const object = world.config.get(key);
  if (!object) throw new Error(key);
  const entries = Object.entries({ ...object.metadata, ...change });
  const metadata = Object.fromEntries(
    entries.filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  world.config.set(key, { ...object, metadata });
}

async function rowsOf(world: World, limit = 100): Promise<ReturnType<typeof describeScan>> {
  return describeScan(await scanConfigs(openDeps(world), limit), "production");
}

const VERSION = CONFIG_METADATA.version;

describe("the scan of configs", () => {
  it("says that all can be read, or that there is none", async () => {
    expect(await rowsOf(newWorld())).toEqual([
      { id: "configs/codec", state: "ok", found: "there is no config yet" },
    ]);
    const found = "2 configs looked at, all to be read";
    expect(await rowsOf(await published())).toEqual([{ id: "configs/codec", state: "ok", found }]);
  });

  it("names domain and version of what a newer program wrote, and what to do", async () => {
    const world = await published();
    tamper(world, WWW, { [VERSION]: String(CODEC_VERSION + 1) });
    tamper(world, SHOP, { [VERSION]: undefined });
    expect(await rowsOf(world)).toEqual([
      {
        id: "configs/codec",
        state: "fail",
        found: `${SHOP}: no codec version, ${WWW}: codec version ${CODEC_VERSION + 1}; this program and an edge that it deploys read 1, 2, ${CODEC_VERSION}`,
        fix: "update sitefleet to what published them, and from then on deploy the service before publishing: sitefleet deploy apply --env production",
      },
    ]);
  });

  it("tells a damaged config, an earlier version and a config under another segment apart", async () => {
    const world = await published();
    tamper(world, WWW, { [CONFIG_METADATA.site]: "Not A Site" });
    tamper(world, SHOP, { [VERSION]: String(CODEC_VERSION - 1) });
    expect(configOf(world, SHOP)?.site).toBe("acme");
    const lost = keyOf(world, WWW)
      .replace(WWW, "lost.example.com")
      .replace(/[^/]+$/, "another-segment");
    const object = world.config.get(keyOf(world, WWW));
    if (!object) throw new Error("no config");
    world.config.set(lost, object);
    const rows = await rowsOf(world);
    expect(rows.map(({ id, state, found }) => [id, state, found.split(":")[0]])).toEqual([
      ["configs/damaged", "fail", WWW],
      ["configs/segment", "fail", "no config where the edge looks, but other objects"],
      ["configs/former", "warn", SHOP],
    ]);
    expect(rows[1]?.found).toContain("lost.example.com");
    expect(rows[2]).toMatchObject({
      found: `${SHOP}: codec version ${CODEC_VERSION - 1}`,
      fix: expect.stringContaining("sitefleet site migrate --env production") as string,
    });
  });

  it("says nothing of the configs that verification plants, which the edge has to refuse", async () => {
    const world = await published();
    tamper(world, WWW, { [CONFIG_METADATA.site]: "sf-verify-main/../other" });
    tamper(world, SHOP, { [CONFIG_METADATA.site]: "sf-raw-former", [VERSION]: "99" });
    expect((await rowsOf(world)).map(({ id, state }) => [id, state])).toEqual([["configs/codec", "ok"]]);
  });

  it("does not call a domain wrong that is taken away while it looks", async () => {
    const world = await published();
    const deps = openDeps(world);
    const { config } = deps.store;
    const head = async (input: Parameters<typeof config.head>[0]): ReturnType<typeof config.head> => {
      for (const key of world.config.keys()) if (key.includes(`/${SHOP}/`)) world.config.delete(key);
      return config.head(input);
    };
    const store = { ...deps.store, config: { ...asObject(config), head } };
    const scan = await scanConfigs({ ...deps, store } satisfies PublishDeps, 100);
    expect(scan).toMatchObject({ astray: [], unknown: [] });
  });

  it("names few of many, and no control characters of what somebody else wrote", async () => {
    const world = newWorld();
    const metadata = { [VERSION]: "9\u001b[2J" };
    const { config } = openDeps(world).store;
    const signal = new AbortController().signal;
    for (let index = 0; index < 8; index += 1)
      await config.put({ key: `test/production/n${index}.example.com/s3cret`, body: "", metadata, signal });
    const [row] = await rowsOf(world);
    expect(row?.found).toMatch(/^n0\.example\.com: codec version 9\\u001b\[2J, .* and 3 more; /);
    expect(row?.found).not.toContain("\u001b");
  });

  property.prop([fc.integer({ min: 0, max: 300 }), fc.integer({ min: 1, max: 40 })], { numRuns: 30 })(
    "reads all that there is, or of more than twice the limit at least so many, from the first one on",
    async (count, limit) => {
      const world = newWorld();
      const object = await template();
      for (let index = 0; index < count; index += 1)
        world.config.set(`test/production/n${String(index).padStart(4, "0")}.example.com/s3cret`, object);
      const scan = await scanConfigs(openDeps(world), limit);
      expect([scan.domains, scan.unknown.length, scan.broken.length]).toEqual([count, 0, 0]);
      if (count <= 2 * limit) expect(scan.read).toBe(count);
      else expect([scan.read >= limit, scan.read <= 2 * limit]).toEqual([true, true]);
    },
  );
});

let known: MemoryObject | undefined;

/** Some config object as it is published; made in the test that asks first, whose end removes what it took. */
async function template(): Promise<MemoryObject> {
  if (known !== undefined) return known;
  const world = await published();
  known = world.config.get(keyOf(world, WWW));
  if (!known) throw new Error("no config");
  return known;
}

/** The methods of a store as an object of its own. */
function asObject(store: PublishDeps["store"]["config"]): PublishDeps["store"]["config"] {
  return {
    put: (input) => store.put(input),
    get: (input) => store.get(input),
    head: (input) => store.head(input),
    copy: (input) => store.copy(input),
    delete: (input) => store.delete(input),
    deleteMany: (input) => store.deleteMany(input),
    list: (input) => store.list(input),
  };
}
