import { describe, expect, it } from "vitest";

import { publishFolder } from "../../src/publish/publish.ts";
import { SECOND_PURGE_MS } from "../../src/purge/purge.ts";
import { FaultPoint } from "../support/fault-point.ts";
import { InstantClock } from "../support/instant-clock.ts";
import {
  ACME,
  configOf,
  copyWorld,
  folder,
  newWorld,
  openDeps,
  publish,
  purgesOfConfigs,
  recordOf,
  visible,
} from "./publish-fixture.ts";
import type { World } from "./publish-fixture.ts";

const V1 = { "index.html": "one", "about.html": "about one", "404.html": "not here" };
const V2 = {
  "index.html": "two",
  "blog/index.html": "blog",
  _redirects: "/about /blog 302\n/old/* /blog/:splat",
};
const SHOWN_1 = { "index.html": "one", "about.html": "about one", "404.html": "not here" };
const SHOWN_2 = { "index.html": "two", "blog.html": "blog", "about.html": "-> 302 /blog" };
const WWW = "www.example.com";
const SHOP = "shop.example.com";

async function published(): Promise<World> {
  const world = newWorld();
  await publish(openDeps(world), V1, [WWW, SHOP]);
  return world;
}

/** Every purge that a config write makes necessary came after it, twice. */
function expectPurged(world: World): void {
  expect(purgesOfConfigs(world), world.events.join("\n")).toBeGreaterThanOrEqual(2);
}

describe("publishFolder", () => {
  it("shows a new site on its domains and purges twice", async () => {
    const world = newWorld();
    const clock = new InstantClock();
    const report = await publish({ ...openDeps(world), clock }, V1, [WWW, SHOP]);
    expect(report).toMatchObject({
      kind: "published",
      release: "1",
      previous: null,
      files: 3,
      domains: [WWW, SHOP],
    });
    expect(visible(world, WWW)).toEqual(SHOWN_1);
    expect(configOf(world, SHOP)).toMatchObject({ release: "1", notFound: "page", noindex: false });
    const purge = `purge c:acme d:${SHOP} d:${WWW}`;
    expect(world.events).toEqual([`config ${WWW}`, `config ${SHOP}`, purge, purge]);
    expect(clock.slept).toEqual([SECOND_PURGE_MS]);
    expect(recordOf(world)).toMatchObject({ owed: [], current: "1", counter: 1 });
  });

  it("stores objects with canonical path, type and caching", async () => {
    const world = newWorld();
    await publish(openDeps(world), { "a b/ü.html": "x", "assets/app.3f2a9b1c.js": "y" }, [WWW]);
    expect(world.hosting.get("test/production/acme/1/a b/ü.html")).toMatchObject({
      metadata: { p: "/a%20b/%C3%BC" },
      headers: {
        contentType: "text/html; charset=utf-8",
        cacheControl: "public, max-age=0, must-revalidate",
      },
    });
    expect(world.hosting.get("test/production/acme/1/assets/app.3f2a9b1c.js")).toMatchObject({
      headers: {
        contentType: "text/javascript; charset=utf-8",
        cacheControl: "public, max-age=31536000, immutable",
      },
    });
  });

  it("makes redirect objects and slots of `_redirects`, which is never served", async () => {
    const world = await published();
    const report = await publish(openDeps(world), V2);
    expect(report).toMatchObject({
      kind: "published",
      release: "2",
      previous: "1",
      redirects: 1,
      patterns: 1,
    });
    expect(visible(world, WWW)).toEqual(SHOWN_2);
    expect(configOf(world, WWW)).toMatchObject({
      notFound: "builtin",
      rules: [{ segments: ["old"], splat: true, target: "/blog/{*}" }],
    });
    const object = world.hosting.get("test/production/acme/2/about.html");
    expect(Buffer.from(object?.body ?? "").toString()).toBe("/about /blog 302\n");
  });

  it("leads from a dotted page name to the page", async () => {
    const world = newWorld();
    await publish(openDeps(world), { "v1.2/index.html": "x", "v2.0.html": "y" }, [WWW]);
    expect(visible(world, WWW)).toEqual({
      "v1.2.html": "x",
      "v1.2": "-> 308 /v1.2/",
      "v2.0.html": "y",
      "v2.0": "-> 308 /v2.0.html",
    });
  });

  it("reads the record and nothing else when nothing changed", async () => {
    const world = await published();
    const deps = openDeps(world);
    const before = copyWorld(world);
    expect(await publish(deps, V1, [WWW])).toMatchObject({ kind: "unchanged", release: "1" });
    expect(deps.faults.calls).toEqual(["get test/production/_sites/acme.json"]);
    expect(world.config).toEqual(before.config);
  });

  it("notices other bytes of the same length and other redirects", async () => {
    const world = await published();
    expect(await publish(openDeps(world), { ...V1, "index.html": "eno" })).toMatchObject({ release: "2" });
    expect(await publish(openDeps(world), { ...V1, _redirects: "/x /y" })).toMatchObject({ release: "3" });
    expect(await publish(openDeps(world), { ...V1, _redirects: "/x /y 302" })).toMatchObject({
      release: "4",
    });
  });

  it("adds a domain to a site that did not change without uploading", async () => {
    const world = await published();
    const deps = openDeps(world);
    const report = await publish(deps, V1, ["new.example.com"]);
    expect(report).toMatchObject({ kind: "unchanged", newDomains: ["new.example.com"] });
    expect(visible(world, "new.example.com")).toEqual(SHOWN_1);
    expect(deps.faults.calls.filter((call) => call.startsWith("put test/production/acme"))).toEqual([]);
  });

  it("writes nothing in a dry run", async () => {
    const world = await published();
    const before = copyWorld(world);
    const request = { ...ACME, dir: await folder(V2), domains: ["new.example.com"], dryRun: true };
    expect(await publishFolder(openDeps(world), request)).toMatchObject({
      kind: "planned",
      files: 2,
      redirects: 1,
    });
    expect([world.config, world.hosting]).toEqual([before.config, before.hosting]);
  });

  it("tells in a dry run what would change, page by page", async () => {
    const world = await published();
    const request = { ...ACME, domains: [], dryRun: true };
    const next = {
      ...V1,
      "index.html": "changed",
      "blog/first post.html": "added",
      _redirects: "/team/* /people/:splat\n",
    };
    const { changes } = await publishFolder(openDeps(world), { ...request, dir: await folder(next) });
    expect(changes).toMatchObject({ added: ["/blog/first%20post"], changed: ["/"], patterns: true });
    const emptied = await publishFolder(openDeps(world), {
      ...request,
      dir: await folder({ "index.html": V1["index.html"] ?? "" }),
    });
    expect(emptied.changes).toMatchObject({ added: [], changed: [], patterns: false });
    expect(emptied.changes?.removed.length).toBeGreaterThan(0);
  });

  it("tells in a dry run that the folder is what the site shows", async () => {
    const world = await published();
    const request = { ...ACME, dir: await folder(V1), domains: [], dryRun: true };
    const report = await publishFolder(openDeps(world), request);
    expect(report).toMatchObject({ kind: "unchanged", release: "1" });
    expect(report).not.toHaveProperty("changes");
  });

  it("refuses a domain of another site before it uploads", async () => {
    const world = await published();
    const request = { site: "other", siteEnv: "production", dir: await folder(V2), domains: [WWW] };
    await expect(publishFolder(openDeps(world), request)).rejects.toMatchObject({ code: "domain/taken" });
    expect(visible(world, WWW)).toEqual(SHOWN_1);
    expect([...world.hosting.keys()].filter((key) => key.includes("/other/"))).toEqual([]);
  });

  it("refuses a domain of another website environment", async () => {
    const request = { ...ACME, dir: await folder(V1), domains: ["a.staging.example"] };
    await expect(publishFolder(openDeps(newWorld()), request)).rejects.toMatchObject({
      code: "domain/wrong-environment",
    });
  });

  it("keeps staging from search engines and apart from production", async () => {
    const world = await published();
    const request = {
      site: "acme",
      siteEnv: "staging",
      dir: await folder(V2),
      domains: ["a.staging.example"],
    };
    await publishFolder(openDeps(world), request);
    expect(configOf(world, "a.staging.example")).toMatchObject({ noindex: true, release: "1" });
    expect(visible(world, WWW)).toEqual(SHOWN_1);
  });

  it("names the rule by its line when the rules would not fit, before it writes", async () => {
    const world = await published();
    const before = copyWorld(world);
    const lines = Array.from(
      { length: 20 },
      (_, index) => `/:any/p${index}/* https://example.com/${"x".repeat(100)}`,
    );
    await expect(publish(openDeps(world), { ...V1, _redirects: lines.join("\n") })).rejects.toMatchObject({
      code: "redirects/invalid",
      details: expect.arrayContaining([expect.stringContaining("_redirects:12: ")]) as string[],
    });
    expect([world.config, world.hosting]).toEqual([before.config, before.hosting]);
  });

  it("tells what is wrong in the order of the lines", async () => {
    const _redirects = "/loop /loop\n/de /german 302 Country=de\n/a /b\n/b /a\n/x y\n";
    const refused = publish(openDeps(await published()), { ...V1, _redirects });
    await expect(refused).rejects.toMatchObject({
      details: [1, 2, 3, 4, 5].map((line) => expect.stringContaining(`_redirects:${line}: `) as string),
    });
  });

  it("hands out no release id whose prefix holds objects of a lost record", async () => {
    const world = await published();
    world.config.clear();
    expect(await publish(openDeps(world), V2, [WWW])).toMatchObject({ release: "2" });
    expect(visible(world, WWW)).toEqual(SHOWN_2);
  });

  it("refuses a record that it cannot read, and touches nothing", async () => {
    const world = await published();
    const key = "test/production/_sites/acme.json";
    const record = world.config.get(key);
    if (record) world.config.set(key, { ...record, body: Buffer.from('{"format":2}') });
    await expect(publish(openDeps(world), V2)).rejects.toMatchObject({ code: "site/unreadable" });
    expect(visible(world, WWW)).toEqual(SHOWN_1);
  });

  it("drops a domain that another site has taken, and says so", async () => {
    const world = await published();
    const taken = newWorld();
    const request = { site: "thief", siteEnv: "production", dir: await folder(V2), domains: [WWW] };
    await publishFolder(openDeps(taken), request);
    for (const [key, object] of taken.config) world.config.set(key, object);
    const report = await publish(openDeps(world), V2);
    expect(report.warnings).toContain(`${WWW} belongs to site "thief" by now; it was taken off this site`);
    expect(configOf(world, WWW)).toMatchObject({ site: "thief" });
    expect(Object.keys(recordOf(world).domains)).toEqual([SHOP]);
  });

  it("stops at an abort and is finished by the next run", async () => {
    const world = await published();
    const controller = new AbortController();
    const deps = openDeps(world, { signal: controller.signal });
    const onProgress = ({ step }: { readonly step: string }): void => {
      if (step === "committed") controller.abort(new Error("Ctrl-C"));
    };
    await expect(publish({ ...deps, onProgress }, V2)).rejects.toThrow("Ctrl-C");
    expect(visible(world, WWW)).toEqual(SHOWN_1);
    await publish(openDeps(world), V2);
    expect(visible(world, WWW)).toEqual(SHOWN_2);
    expectPurged(world);
  });
});

describe("a publish that dies", () => {
  it.each(["before", "after"] as const)(
    "%s any call leaves each domain whole, and the next run finishes",
    async (when) => {
      const start = await published();
      const dir = await folder(V2);
      for (let call = 1; ; call += 1) {
        const world = copyWorld(start);
        const faults = new FaultPoint();
        faults.failAt(call, when);
        const dying = openDeps(world, { faults });
        const request = { ...ACME, dir, domains: ["new.example.com"] };
        const ended = await publishFolder(dying, request).then(
          () => "finished",
          (error: unknown) => String(error),
        );
        if (faults.calls.length < call) {
          expect(ended).toBe("finished");
          expect(call).toBeGreaterThan(12);
          return;
        }
        for (const domain of [WWW, SHOP]) expect([SHOWN_1, SHOWN_2]).toContainEqual(visible(world, domain));
        expect([undefined, SHOWN_2]).toContainEqual(visible(world, "new.example.com"));
        await publishFolder(openDeps(world), request);
        for (const domain of [WWW, SHOP, "new.example.com"]) expect(visible(world, domain)).toEqual(SHOWN_2);
        expect(recordOf(world).owed, `call ${call}: ${faults.calls.at(-1)}`).toEqual([]);
        expectPurged(world);
        expect(await publishFolder(openDeps(world), request)).toMatchObject({ kind: "unchanged" });
      }
    },
  );
});

describe("two publishers at once", () => {
  /** A process whose call number `call` waits until `other` is done. */
  function interrupted(
    world: World,
    call: number,
    other: () => Promise<unknown>,
  ): ReturnType<typeof openDeps> {
    class Interrupted extends FaultPoint {
      override async run<T>(name: string, effect: () => Promise<T> | T): Promise<T> {
        if (this.calls.length + 1 === call) {
          this.calls.push("interruption");
          await other();
        }
        return super.run(name, effect);
      }
    }
    return openDeps(world, { faults: new Interrupted() });
  }

  it("let one win at every moment; the loser exits 6 and changes nothing", async () => {
    const start = await published();
    const [two, three] = [await folder(V2), await folder({ "index.html": "three" })];
    const lost: number[] = [];
    for (let call = 1; call < 20; call += 1) {
      const world = copyWorld(start);
      const other = openDeps(world);
      const first = interrupted(world, call, () =>
        publishFolder(other, { ...ACME, dir: three, domains: [] }),
      );
      const outcome = await publishFolder(first, { ...ACME, dir: two, domains: [] }).catch(
        (error: unknown) => error,
      );
      if (outcome instanceof Error) {
        expect(outcome).toMatchObject({ code: "site/changed-meanwhile", exitCode: 6 });
        lost.push(call);
      }
      const winner = outcome instanceof Error ? { "index.html": "three" } : visible(world, WWW);
      expect([SHOWN_2, { "index.html": "three" }]).toContainEqual(winner);
      for (const domain of [WWW, SHOP]) expect(visible(world, domain)).toEqual(winner);
      expect(recordOf(world).owed).toEqual([]);
      expectPurged(world);
    }
    expect(lost.length).toBeGreaterThan(4);
  });
});
