import { describe, expect, it } from "vitest";

import { publishFolder } from "../../src/publish/publish.ts";
import { purgeRequestsOf, settleOwed } from "../../src/publish/purging.ts";
import { setPolicies } from "../../src/publish/site-changes.ts";
import { boundRequest } from "../../src/purge/purge-plan.ts";
import { ACME, folder, newWorld, openDeps, publish, purgesOfConfigs, recordOf } from "./publish-fixture.ts";
import { SHOP, V1, V2, WWW, published } from "./two-editions.ts";

const STAGED = { site: "acme", siteEnv: "staging" };

describe("the keys of a site's domains", () => {
  it("go out with every change of a site of many domains, are not written down, and drop no page", async () => {
    const world = newWorld();
    const domains = Array.from({ length: 300 }, (_, index) => `n${index}.example.com`);
    await publish(openDeps(world), V1, domains);
    world.events.length = 0;
    await publishFolder(openDeps(world), { ...ACME, dir: await folder(V2), domains: [], wait: false });
    expect(recordOf(world).owed).toMatchObject([{ keys: ["c:acme"], sent: 1 }]);
    await settleOwed(openDeps(world));
    expect(purgesOfConfigs(world)).toBeGreaterThanOrEqual(2);
    await setPolicies(openDeps(world), ACME, { noindex: true });
    const expected = ["c:acme", ...domains.map((domain) => `d:${domain}`)];
    for (const event of world.events.filter((text) => text.startsWith("purge"))) {
      expect(event.split(" ").slice(1)).toEqual(expected.toSorted());
    }
  });

  it("are part of a site that somebody purges, in all website environments, whatever can be read", async () => {
    const world = await published();
    const staged = { ...STAGED, dir: await folder(V1), domains: ["acme.staging.example"] };
    await publishFolder(openDeps(world), staged);
    const asked = {
      targets: [{ kind: "site", site: "acme" }],
      soft: false,
      reason: "test",
      toAscii: (name: string) => name,
    } as const;
    const [all] = await purgeRequestsOf(openDeps(world), asked);
    expect(all?.keys.toSorted()).toEqual(
      ["d:acme.staging.example", `d:${SHOP}`, `d:${WWW}`, "s:acme"].sort(),
    );
    const key = "test/production/_sites/acme.json";
    const object = world.config.get(key);
    if (!object) throw new Error("no record");
    world.config.set(key, { ...object, body: Buffer.from("{") });
    const [rest] = await purgeRequestsOf(openDeps(world), asked);
    expect(rest?.keys.toSorted()).toEqual(["d:acme.staging.example", "s:acme"]);
  });

  it("come in calls of 256 where a site that is purged has more", () => {
    const domains = Array.from({ length: 600 }, (_, index) => `d:n${index}.example.com`);
    const parts = boundRequest({
      keys: ["s:acme", ...domains],
      soft: false,
      reason: "test",
      site: undefined,
    });
    expect(parts.map(({ keys }) => keys.length)).toEqual([256, 256, 89]);
    expect(new Set(parts.flatMap(({ keys }) => keys))).toEqual(new Set(["s:acme", ...domains]));
  });
});
