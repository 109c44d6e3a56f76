import { describe, expect, it } from "vitest";

import { publishFolder } from "../../src/publish/publish.ts";
import type { PublishRequest } from "../../src/publish/publish.ts";
import { FaultPoint } from "../support/fault-point.ts";
import { ACME, copyWorld, folder, openDeps, recordOf, visible, without } from "./publish-fixture.ts";
import { SHOP, V1, V2, WWW, published } from "./two-editions.ts";

describe("two publishers of one site", () => {
  it("do not write below one prefix, and the later one may publish over the first", async () => {
    const start = await published();
    for (let call = 1; call < 12; call += 1) {
      const world = copyWorld(start);
      const other = await folder({ ...V1, "about.html": "other" });
      const faults = new (class extends FaultPoint {
        override async run<T>(name: string, effect: () => Promise<T> | T): Promise<T> {
          if (this.calls.length + 1 === call) {
            this.calls.push("interruption");
            await publishFolder(openDeps(world), { ...ACME, dir: other, domains: [] });
          }
          return super.run(name, effect);
        }
      })();
      const request: PublishRequest = { ...ACME, dir: await folder(V2), domains: [], retry: true };
      await publishFolder(openDeps(world, { faults }), request);
      expect([V2, { ...V1, "about.html": "other" }]).toContainEqual(visible(world, WWW));
      expect(visible(world, SHOP)).toEqual(visible(world, WWW));
      expect(recordOf(world).owed).toEqual([]);
      const objects = [...world.hosting.keys()].filter((key) => key.includes("/acme/2/"));
      expect(objects.length, "a prefix is one run's").toBeLessThanOrEqual(1);
    }
  });
});

describe("a publish that dies", () => {
  const V3 = {
    ...without(V1, "about.html"),
    "index.html": "two",
    "journal.html": "news",
    _redirects: "/old /journal",
  };
  const { _redirects: _, ...files } = V3;
  const SHOWN = { ...files, "old.html": "-> 301 /journal" };

  it.each([
    ["before", "a delta", {}],
    ["after", "a delta", {}],
    ["before", "a full release", { full: true }],
    ["after", "a full release", { full: true }],
    ["before", "a delta that nobody waits for", { wait: false }],
  ] as const)(
    "%s any call of %s leaves each host whole, and the next run finishes",
    async (when, _kind, choices) => {
      const start = await published();
      const request = { ...ACME, dir: await folder(V3), domains: [], ...choices };
      for (let call = 1; ; call += 1) {
        const world = copyWorld(start);
        const faults = new FaultPoint();
        faults.failAt(call, when);
        await publishFolder(openDeps(world, { faults }), request).catch(() => undefined);
        if (faults.calls.length < call) {
          expect(call).toBeGreaterThan(9);
          return;
        }
        for (const domain of [WWW, SHOP]) expect([V1, SHOWN]).toContainEqual(visible(world, domain));
        await publishFolder(openDeps(world), { ...request, full: false, wait: true });
        for (const domain of [WWW, SHOP]) {
          expect(visible(world, domain), `call ${call}: ${faults.calls.at(-1)}`).toEqual(SHOWN);
        }
        expect(recordOf(world).owed).toEqual([]);
      }
    },
  );
});
