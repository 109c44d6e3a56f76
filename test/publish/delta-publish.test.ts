import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { readManifestBody } from "../../src/publish/release/manifest.ts";
import { publishFolder } from "../../src/publish/publish.ts";
import type { PublishRequest } from "../../src/publish/publish.ts";
import { settleOwed } from "../../src/publish/purging.ts";
import { addingRule, editRules } from "../../src/publish/redirects.ts";
import { lookUpDelta } from "../../src/site/delta-list.ts";
import { keyHash } from "../../src/publish/release/delta-plan.ts";
import { SitefleetError } from "../../src/lib/errors.ts";
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
  recordOf,
  visible,
  without,
} from "./publish-fixture.ts";
import type { World } from "./publish-fixture.ts";

const WWW = "www.example.com";
const SHOP = "shop.example.com";
const FIVE = ["a", "b", "c", "d", "e"].map((name) => `${name}.example.com`);
const RECORD = "test/production/_sites/acme.json";
const V1 = {
  "index.html": "one",
  "about.html": "about",
  "news.html": "news",
  "app.css": "p{}",
  "404.html": "not here",
};
const V2 = { ...V1, "index.html": "two" };

async function published(files: Readonly<Record<string, string>> = V1): Promise<World> {
  const world = newWorld();
  await publish(openDeps(world), files, [WWW, SHOP]);
  world.events.length = 0;
  return world;
}

/** Calls of the store by what they did, in order; purges left out. */
function requestsOf(deps: { readonly faults: FaultPoint }): readonly string[] {
  return deps.faults.calls
    .filter((call) => !call.startsWith("purge"))
    .map((call) => call.replace("test/production/", ""));
}

function hostingWrites(deps: { readonly faults: FaultPoint }): readonly string[] {
  return requestsOf(deps).filter((call) => /^(put|copy|delete) acme\//.test(call));
}

describe("the requests of a publish", () => {
  it("are one for each file and a handful more the first time", async () => {
    const deps = openDeps(newWorld());
    await publish(deps, V1, [WWW]);
    expect(requestsOf(deps).length).toBeLessThanOrEqual(Object.keys(V1).length + 6 + 1);
  });

  it("are one for each new domain, however many come at once", async () => {
    const deps = openDeps(newWorld());
    await publish(deps, V1, FIVE);
    expect(requestsOf(deps).length).toBeLessThanOrEqual(Object.keys(V1).length + 6 + FIVE.length);
    expect(requestsOf(deps).filter((call) => call.startsWith("head"))).toHaveLength(1);
  });

  it("are four more for each new domain that another site owns, which keeps it", async () => {
    const world = newWorld();
    const taken = FIVE.slice(3);
    const other = { site: "other", siteEnv: "production" };
    await publishFolder(openDeps(world), {
      ...other,
      dir: await folder({ "index.html": "o" }),
      domains: taken,
    });
    const deps = openDeps(world);
    const failure = publish(deps, V1, FIVE);
    await expect(failure).rejects.toMatchObject({ code: "domain/taken", exitCode: 2 });
    await expect(failure).rejects.toThrow(`"${taken[0]}" belongs to site "other"`);
    await expect(failure).rejects.toMatchObject({
      details: [expect.stringContaining(`"${taken[1]}" belongs`), expect.stringContaining("is shown on")],
    });
    for (const domain of taken) {
      expect(configOf(world, domain)).toMatchObject({ site: "other" });
      expect(visible(world, domain)).toEqual({ "index.html": "o" });
    }
    for (const domain of FIVE.slice(0, 3))
      expect(visible(world, domain)).toMatchObject({ "index.html": "one" });
    expect(Object.keys(recordOf(world).domains).sort()).toEqual(FIVE.slice(0, 3).sort());
    expect(recordOf(world).owed).toEqual([]);
    expect(requestsOf(deps).length).toBeLessThanOrEqual(
      Object.keys(V1).length + 6 + FIVE.length + 4 * taken.length,
    );
  });

  it("overwrite no config of a new domain that nobody can read", async () => {
    const world = newWorld();
    const [first = "", second = ""] = FIVE;
    await publishFolder(openDeps(world), {
      site: "other",
      siteEnv: "production",
      dir: await folder({ "index.html": "o" }),
      domains: [second],
    });
    const key = [...world.config.keys()].find((name) => name.includes(second)) ?? "";
    const object = world.config.get(key);
    if (!object) throw new Error("no config");
    const foreign = { ...object, metadata: { ...object.metadata, v: "9999" } };
    world.config.set(key, foreign);
    const failure = publish(openDeps(world), V1, [first, second]);
    await expect(failure).rejects.toMatchObject({ code: "domain/taken" });
    await expect(failure).rejects.toThrow("has a config that cannot be read");
    expect(world.config.get(key)).toEqual(foreign);
    expect(Object.keys(recordOf(world).domains)).toEqual([first]);
  });

  it("look up every new domain in a dry run, which has no other way to find out", async () => {
    const world = newWorld();
    const other = { site: "other", siteEnv: "production" };
    await publishFolder(openDeps(world), { ...other, dir: await folder(V1), domains: FIVE.slice(4) });
    const request = { ...ACME, dir: await folder(V1), domains: FIVE, dryRun: true };
    await expect(publishFolder(openDeps(world), request)).rejects.toMatchObject({ code: "domain/taken" });
  });

  it("are six and one for each domain when one file changed", async () => {
    const deps = openDeps(await published());
    await publish(deps, V2);
    expect(requestsOf(deps)).toEqual([
      "get _sites/acme.json",
      "get _sites/acme/releases/1.jsonl",
      "put _sites/acme/releases/2.jsonl",
      "put acme/2/index.html",
      "put _sites/acme.json",
      `put ${SHOP}/s3cret`,
      `put ${WWW}/s3cret`,
      "put _sites/acme.json",
    ]);
  });

  it("are one when nothing changed", async () => {
    const deps = openDeps(await published());
    expect(await publish(deps, V1)).toMatchObject({ kind: "unchanged" });
    expect(requestsOf(deps)).toEqual(["get _sites/acme.json"]);
  });

  it("send no bytes of a file that moved or whose headers changed", async () => {
    const deps = openDeps(await published());
    const moved = { ...without(V1, "news.html"), "assets/x.3f2a9b1c.css": "p{}", "journal.html": "news" };
    expect(await publish(deps, moved)).toMatchObject({ written: { kind: "delta", uploaded: 0, copied: 2 } });
    expect(hostingWrites(deps)).toEqual(["copy acme/2/assets/x.3f2a9b1c.css", "copy acme/2/journal.html"]);
  });

  it("send no bytes when a full release is wanted of what the store has", async () => {
    const world = await published();
    const deps = openDeps(world);
    const report = await publishFolder(deps, { ...ACME, dir: await folder(V1), domains: [], full: true });
    expect(report).toMatchObject({
      release: "2",
      written: { kind: "full", reason: "wanted", uploaded: 0, copied: 5 },
    });
    expect(configOf(world, WWW)).toMatchObject({ base: "2", delta: "" });
    expect(visible(world, WWW)).toEqual(V1);
  });
});

describe("a delta release", () => {
  it("leaves every page that did not change where it lies", async () => {
    const world = await published();
    const report = await publish(openDeps(world), without(V2, "about.html"));
    expect(report).toMatchObject({
      release: "2",
      previous: "1",
      written: { kind: "delta", uploaded: 1, uploadedBytes: 3 },
    });
    const config = configOf(world, WWW);
    const delta = config?.kind === "site" ? config.delta : "";
    expect(config).toMatchObject({ base: "1", release: "2" });
    expect(Object.keys(V1).map((key) => lookUpDelta(delta, keyHash(key)))).toEqual([
      "2",
      "-",
      undefined,
      undefined,
      undefined,
    ]);
    expect(visible(world, WWW)).toEqual(without(V2, "about.html"));
  });

  it("becomes a full one when its list no longer fits, without sending what the store has", async () => {
    const many = Object.fromEntries(
      Array.from({ length: 300 }, (_, index) => [`p${index}.html`, `page ${index}`]),
    );
    const world = await published({ ...V1, ...many });
    const changed = Object.fromEntries(
      Object.keys(many)
        .slice(0, 250)
        .map((path) => [path, `${path} anew`]),
    );
    const report = await publish(openDeps(world), { ...V1, ...many, ...changed });
    expect(report).toMatchObject({
      written: { kind: "full", reason: "too-long", uploaded: 250, copied: 55 },
    });
    expect(visible(world, WWW)).toEqual({ ...V1, ...many, ...changed });
  });

  it("leaves room in the config for what is chosen later", async () => {
    const world = await published({ ...V1, ...pages(160, "") });
    const few = await publish(openDeps(world), { ...V1, ...pages(160, ""), ...pages(150, "anew") });
    expect(few.written?.kind).toBe("delta");
    const metadata = Object.entries(world.config.get(`test/production/${WWW}/s3cret`)?.metadata ?? {});
    expect(metadata.flat().join("").length).toBeLessThan(2_000 - 256);
  });

  it("keeps an asset for pages that were loaded before it was removed", async () => {
    const world = await published();
    const clock = new InstantClock();
    await publish({ ...openDeps(world), clock }, without(V2, "app.css"));
    expect(visible(world, WWW)).toEqual(V2);
    await clock.sleep(169 * 3_600_000);
    await publish({ ...openDeps(world), clock }, { ...without(V2, "app.css"), "index.html": "three" });
    expect(visible(world, WWW)).toEqual({ ...without(V1, "app.css"), "index.html": "three" });
  });

  it("says when it is live, and is purged again after that", async () => {
    const world = await published();
    const clock = new InstantClock();
    const steps: string[] = [];
    const deps = {
      ...openDeps(world),
      clock,
      onProgress: ({ step }: { readonly step: string }) => void steps.push(step),
    };
    const report = await publish(deps, V2);
    expect(report.liveAt).toBe("2026-01-01T00:00:00.000Z");
    expect(steps.slice(-3)).toEqual(["committed", "configs written, purging", "live"]);
    expect(clock.slept).toEqual([2_000]);
    expect(world.events).toEqual([`config ${SHOP}`, `config ${WWW}`, "purge c:acme", "purge c:acme"]);
  });

  it("can be left when it is live; whoever comes next purges again", async () => {
    const world = await published();
    const clock = new InstantClock();
    const request = { ...ACME, dir: await folder(V2), domains: [], wait: false };
    await publishFolder({ ...openDeps(world), clock }, request);
    expect(clock.slept).toEqual([]);
    expect(visible(world, WWW)).toEqual(V2);
    expect(recordOf(world).owed).toMatchObject([{ keys: ["c:acme"], sent: 1 }]);
    await settleOwed(openDeps(world));
    expect(recordOf(world).owed).toEqual([]);
    expect(world.events.filter((event) => event === "purge c:acme").length).toBeGreaterThanOrEqual(2);
  });

  it("is paid off by one pass of a later run, and never by two passes in a hurry", async () => {
    const world = await published();
    const clock = new InstantClock();
    const deps = { ...openDeps(world), clock };
    const request = { ...ACME, dir: await folder(V2), domains: [], wait: false };
    await publishFolder(deps, request);
    const sentAt = "2026-01-01T00:00:00.000Z";
    expect(recordOf(world).owed).toMatchObject([{ sent: 1, sentAt }]);
    await clock.sleep(1_900);
    await publishFolder(deps, request);
    expect(recordOf(world).owed).toMatchObject([{ sent: 2, sentAt }]);
    await clock.sleep(2_100);
    const purges = (): number => world.events.filter((event) => event === "purge c:acme").length;
    const before = purges();
    expect(await publishFolder(deps, request)).toMatchObject({ kind: "unchanged" });
    expect(recordOf(world).owed).toEqual([]);
    expect(purges()).toBe(before + 1);
    const { revision } = recordOf(world);
    await publishFolder(deps, request);
    expect({ revision: recordOf(world).revision, purges: purges() }).toEqual({
      revision,
      purges: before + 1,
    });
  });

  it("is not waited for a second time when an earlier run has sent it", async () => {
    const world = await published();
    const clock = new InstantClock();
    const deps = { ...openDeps(world), clock };
    const request = { ...ACME, dir: await folder(V2), domains: [] };
    await publishFolder(deps, { ...request, wait: false });
    await clock.sleep(60_000);
    await publishFolder(deps, request);
    expect(clock.slept).toEqual([60_000]);
    expect(recordOf(world).owed).toEqual([]);
  });

  it("is told to be committed when only its purge failed", async () => {
    const world = await published();
    const deps = openDeps(world);
    const purgeKeys = (): Promise<void> =>
      Promise.reject(new SitefleetError("fastly/unavailable", "the API is down", { hint: "wait" }));
    const failed = publish({ ...deps, purge: { ...deps.purge, purgeKeys } }, V2);
    await expect(failed).rejects.toMatchObject({
      code: "fastly/unavailable",
      message: 'the change of site "acme" is committed, but finishing it failed: the API is down',
      hint: expect.stringContaining("done by the next command on the site") as string,
    });
    expect(await publish(openDeps(world), V2)).toMatchObject({ kind: "unchanged", release: "2" });
    expect(recordOf(world).owed).toEqual([]);
  });

  it("is not made of a file that changes while it is read", async () => {
    const world = await published();
    const dir = await folder(V2);
    const faults = new (class extends FaultPoint {
      override async run<T>(name: string, effect: () => Promise<T> | T): Promise<T> {
        if (name.endsWith("releases/2.jsonl")) await writeFile(join(dir, "index.html"), "TWO");
        return super.run(name, effect);
      }
    })();
    const request = { ...ACME, dir, domains: [] };
    await expect(publishFolder(openDeps(world, { faults }), request)).rejects.toMatchObject({
      code: "publish/file-changed",
    });
    expect(visible(world, WWW)).toEqual(V1);
    await publishFolder(openDeps(world), request);
    expect(visible(world, WWW)).toEqual({ ...V1, "index.html": "TWO" });
  });
});

function pages(count: number, text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`p${index}.html`, `${index} ${text}`]),
  );
}

describe("a manifest that is lost or foreign", () => {
  const KEY = "test/production/_sites/acme/releases/2.jsonl";

  async function twoReleases(): Promise<World> {
    const world = await published();
    await publish(openDeps(world), without(V2, "news.html"));
    return world;
  }

  it.each([
    ["lost", undefined],
    ["foreign", "<html>"],
    ["of a later format", '{"format":3}\n'],
    ["damaged", Buffer.from([0x1f, 0x8b, 8, 0, 1, 2, 3])],
  ])("that is %s is made anew from a listing, and no file is sent again", async (_, body) => {
    const world = await twoReleases();
    const found = world.config.get(KEY);
    if (!found) throw new Error("no manifest");
    if (body === undefined) world.config.delete(KEY);
    else world.config.set(KEY, { ...found, body: Buffer.from(body) });
    const deps = openDeps(world);
    const files = { ...without(V2, "news.html"), "new.html": "new", "copy.html": "about" };
    const report = await publish(deps, files);
    expect(report).toMatchObject({
      release: "3",
      written: { kind: "full", reason: "no-base", uploaded: 1, copied: 5 },
    });
    expect(hostingWrites(deps).filter((call) => call.startsWith("put"))).toEqual(["put acme/3/new.html"]);
    expect(visible(world, WWW)).toEqual(files);
    expect(
      readManifestBody(world.config.get(KEY.replace("2.jsonl", "3.jsonl"))?.body ?? Buffer.of()),
    ).toMatchObject({ base: "3" });
  });

  it("never makes an object of a crashed run part of a release", async () => {
    const world = await twoReleases();
    for (const tag of ["3", "4"]) {
      const object = world.hosting.get("test/production/acme/1/about.html");
      if (object) world.hosting.set(`test/production/acme/${tag}/stale.html`, object);
    }
    world.config.delete(KEY);
    expect(await publish(openDeps(world), V1)).toMatchObject({ release: "5" });
    expect(visible(world, WWW)).toEqual(V1);
  });

  it("keeps redirects from being edited, and says what to do", async () => {
    const world = await twoReleases();
    world.config.delete(KEY);
    await expect(editRules(openDeps(world), ACME, { edit: addingRule("/a /b") })).rejects.toMatchObject({
      code: "site/unreadable",
      hint: "publish the site's folder again; that writes a new one",
    });
  });
});

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

/** How a site as an earlier version left it becomes one of today. */
describe("a site of the first format", () => {
  it("is brought up by the next publish: record, manifest and configs", async () => {
    const world = await published();
    downgrade(world);
    const report = await publish(openDeps(world), V2);
    expect(report).toMatchObject({ release: "2", written: { kind: "delta", uploaded: 1, copied: 0 } });
    expect(JSON.parse(Buffer.from(world.config.get(RECORD)?.body ?? "").toString())).toMatchObject({
      format: 2,
    });
    expect(world.config.get(`test/production/${WWW}/s3cret`)?.metadata).toMatchObject({
      v: "2",
      r: "1",
      i: "2",
    });
    expect(visible(world, WWW)).toEqual(V2);
  });

  it("needs no upload when its folder is still the same", async () => {
    const world = await published();
    downgrade(world);
    expect(await publish(openDeps(world), V1)).toMatchObject({ written: { uploaded: 0, copied: 0 } });
    expect(await publish(openDeps(world), V1)).toMatchObject({ kind: "unchanged" });
    await editRules(openDeps(world), ACME, { edit: addingRule("/a /about") });
    expect(visible(world, WWW)).toEqual({ ...V1, "a.html": "-> 301 /about" });
  });
});

/** Rewrites record, manifest and configs as the first version wrote them. */
function downgrade(world: World): void {
  const record = recordOf(world);
  const { protectedAreas: _, ...rest } = record;
  const body = {
    ...rest,
    format: 1,
    policies: { notFound: "page", strictPaths: false, noindex: false, suspended: null },
    releases: record.releases.map(({ id, createdAt, files, redirects, bytes, slots }) => ({
      id,
      createdAt,
      files,
      redirects,
      bytes,
      slots,
      digest: "of the first version",
      notFoundPage: true,
    })),
    domains: Object.fromEntries(
      Object.entries(record.domains).map(([domain, { etag, forceTls }]) => [
        domain,
        { kind: "primary", hsts: null, forceTls, etag, digest: "of the first version" },
      ]),
    ),
  };
  replace(world, RECORD, JSON.stringify(body));
  const manifest = readManifestBody(
    world.config.get(RECORD.replace(".json", "/releases/1.jsonl"))?.body ?? Buffer.of(),
  );
  const lines = [...(manifest?.objects.values() ?? [])].map(({ key, size, hash, headers, metadata }) => ({
    key,
    canonical: metadata["p"],
    size,
    hash,
    ...headers,
  }));
  const text = [{ format: 1, release: "1" }, ...lines].map((line) => `${JSON.stringify(line)}\n`).join("");
  replace(world, RECORD.replace(".json", "/releases/1.jsonl"), text);
  for (const domain of [WWW, SHOP]) {
    const key = `test/production/${domain}/s3cret`;
    const found = world.config.get(key);
    if (found) world.config.set(key, { ...found, metadata: { v: "1", s: "acme", r: "1", n: "p" } });
  }
}

function replace(world: World, key: string, text: string): void {
  const found = world.config.get(key);
  if (!found) throw new Error(`no ${key}`);
  world.config.set(key, { ...found, body: Buffer.from(text) });
}
