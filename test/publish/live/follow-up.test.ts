import { describe, expect, it } from "vitest";

import type { EdgeSighting } from "../../../src/publish/live/edge-probe.ts";
import { planProbes, problemOf } from "../../../src/publish/live/edge-verification.ts";
import type { PublishDeps } from "../../../src/publish/publish-deps.ts";
import { protectSite } from "../../../src/publish/passwords.ts";
import { publishFolder } from "../../../src/publish/publish.ts";
import type { PublishRequest } from "../../../src/publish/publish.ts";
import { readReceipt } from "../../../src/publish/live/receipt.ts";
import { FaultPoint } from "../../support/fault-point.ts";
import { InstantClock } from "../../support/instant-clock.ts";
import { ACME, folder, newWorld, openDeps, recordOf } from "../publish-fixture.ts";
import { edgeOf } from "./shown-edge.ts";

const HOST = "www.example.com";

async function publishWith(
  deps: PublishDeps,
  files: Readonly<Record<string, string>>,
  wishes: Partial<PublishRequest> = {},
) {
  return publishFolder(deps, { ...ACME, dir: await folder(files), domains: [HOST], ...wishes });
}

describe("publish with verify", () => {
  const verify = { timeoutMs: 5_000 };

  it("asks again until the answer is right, and purges in between", async () => {
    const world = newWorld();
    const edge = edgeOf(world, (seen, asked) => (asked < 8 ? { ...seen, release: "0" } : seen));
    const clock = new InstantClock();
    const report = await publishWith(
      { ...openDeps(world, { clock }), edge },
      { "index.html": "1" },
      { verify },
    );
    expect(report.receipt?.probes.map(({ attempts }) => attempts).reduce((a, b) => a + b)).toBeGreaterThan(8);
    expect(report.receipt).toMatchObject({ verified: true, requests: { purge: 2 } });
    expect(world.events.filter((event) => event.startsWith("purge"))).toHaveLength(2);
    expect(recordOf(world).owed).toEqual([]);
  });

  it("ends with exit 5 and the purge owed when the edge stays old, and says where", async () => {
    const world = newWorld();
    const edge = edgeOf(world, (seen) => ({ ...seen, release: "old" }));
    const deps = { ...openDeps(world), edge };
    await expect(publishWith(deps, { "index.html": "1" }, { verify })).rejects.toMatchObject({
      code: "publish/not-verified",
      details: [
        expect.stringMatching(/^www\.example\.com\/ at the edge: shows release old \(asked \d+ times\)$/),
        expect.stringMatching(/^www\.example\.com\/ at the shield: shows release old/),
      ],
    });
    expect(recordOf(world)).toMatchObject({
      current: "1",
      owed: [{ keys: expect.arrayContaining(["c:acme"]) }],
    });
    expect(await readReceipt(deps, ACME)).toMatchObject({ verified: false });
    // The next run finishes, and its receipt takes the place of the bad one.
    const good = { ...openDeps(world), edge: edgeOf(world) };
    const again = await publishWith(good, { "index.html": "1" }, { verify });
    expect(again).toMatchObject({ kind: "unchanged", receipt: { verified: true } });
    expect(recordOf(world).owed).toEqual([]);
    expect(await readReceipt(good, ACME)).toMatchObject({ verified: true });
  });

  it("keeps the receipt of the run that published when a later one only looks again", async () => {
    const world = newWorld();
    const deps = { ...openDeps(world), edge: edgeOf(world) };
    await publishWith(deps, { "index.html": "1" }, { verify });
    await publishWith(deps, { "index.html": "1" }, { verify });
    expect(await readReceipt(deps, ACME)).toMatchObject({ kind: "full", written: { uploaded: 1 } });
  });

  it.each([
    ["damaged", '{"format":1,'],
    ["of a later format", '{"format":2}'],
  ])("warns of a former receipt that is %s and leaves it alone", async (_, body) => {
    const world = newWorld();
    const deps = { ...openDeps(world), edge: edgeOf(world) };
    await publishWith(deps, { "index.html": "1" }, { verify });
    const key = "test/production/_sites/acme/receipts/1.json";
    const found = world.config.get(key);
    if (!found) throw new Error("no receipt");
    const unreadable = { ...found, body: Buffer.from(body) };
    world.config.set(key, unreadable);
    const again = await publishWith(deps, { "index.html": "1" }, { verify });
    expect(again).toMatchObject({ kind: "unchanged", receipt: { verified: true } });
    expect(again.warnings).toEqual([expect.stringContaining(`"${key}" is not a receipt`)]);
    expect(world.config.get(key)).toBe(unreadable);
    const wrong = { ...deps, edge: edgeOf(world, (seen) => ({ ...seen, release: "old" })) };
    await expect(publishWith(wrong, { "index.html": "1" }, { verify })).rejects.toMatchObject({
      code: "publish/not-verified",
    });
  });

  it("counts since when a release is out of sight by the store's clock, as a publish that is not watched does", async () => {
    const world = newWorld();
    const clock = new InstantClock();
    const opened = openDeps(world, { clock });
    const store = { ...opened.store, clockOffset: () => 600_000 };
    const deps = { ...opened, store, edge: edgeOf(world) };
    await publishWith(deps, { "index.html": "1" }, { verify });
    await publishWith(deps, { "index.html": "2" }, { verify });
    const [first] = recordOf(world).releases;
    expect(Date.parse(first?.hiddenSince ?? "")).toBeGreaterThan(clock.now() + 500_000);
  });

  it("is refused before anything is written where nothing can be asked, or nobody waits", async () => {
    const world = newWorld();
    const files = { "index.html": "1" };
    await expect(publishWith(openDeps(world), files, { verify })).rejects.toMatchObject({
      code: "settings/invalid",
    });
    const deps = { ...openDeps(world), edge: edgeOf(world) };
    await expect(publishWith(deps, files, { verify, wait: false })).rejects.toMatchObject({
      code: "cli/usage",
    });
    expect(world.config.size + world.hosting.size).toBe(0);
  });

  it("looks at a sample of many domains and says so", () => {
    const hosts = Array.from({ length: 500 }, (_, index) => ({
      host: `h${index}.example`,
      forceTls: index === 3,
      euOnly: false,
    }));
    const expected = { release: "2", hosts, changed: [], hasRules: false, suspended: null };
    const plan = planProbes(ACME, expected, edgeOf(newWorld()));
    expect(plan.hosts).toEqual({ serving: 500, probed: 20 });
    expect(plan.probes).toHaveLength(40);
    expect(plan.probes[0]?.host).toBe("h0.example");
    expect(plan.probes.at(-1)?.host).toBe("h499.example");
    expect(plan.notes).toEqual([
      "1 domains force TLS and are not looked at: verify.url in the settings has none",
      "20 of 499 domains are looked at",
    ]);
  });
});

describe("an answer of the edge", () => {
  const [probe] = planProbes(
    ACME,
    {
      release: "2",
      hosts: [{ host: HOST, forceTls: false, euOnly: false }],
      changed: [],
      hasRules: false,
      suspended: 410,
    },
    edgeOf(newWorld()),
  ).probes;
  if (!probe) throw new Error("no probe");
  const right: EdgeSighting = {
    status: 200,
    release: "2",
    keys: ["s:acme", probe.pageKey],
    configKeys: [`d:${HOST}`, "c:acme"],
    bodyHash: "a",
  };

  it.each<[string, Partial<EdgeSighting>, string | undefined]>([
    ["is right", {}, undefined],
    ["names another release", { release: "1" }, "shows release 1"],
    ["names none", { release: undefined }, "names no release"],
    [
      "has a config that no purge of the site reaches",
      { configKeys: ["all", "c:acme"] },
      `does not carry d:${HOST}`,
    ],
    [
      "has a config of which the edge knew no site when it stored it",
      { configKeys: [`d:${HOST}`] },
      undefined,
    ],
    ["has a page that no purge of the site reaches", { keys: ["all"] }, "does not carry s:acme"],
    ["is another page", { keys: ["s:acme", "p:other"] }, `does not carry ${probe.pageKey}`],
    ["is the page of what is not found", { status: 404, keys: ["s:acme", "p:other"] }, undefined],
    ["asks for a password", { status: 401, keys: [] }, undefined],
    ["says that the site is suspended", { status: 410, keys: [] }, undefined],
    ["is an error", { status: 503, keys: [] }, "status 503"],
    ["shows other bytes", { bodyHash: "b" }, "other content"],
  ])("that %s is told as what it is", (_, change, problem) => {
    const found = problemOf({ ...probe, bodyHash: "a" }, { ...right, ...change });
    if (problem === undefined) expect(found).toBeUndefined();
    else expect(found).toContain(problem);
  });
});

describe("publish with warming", () => {
  const files = { "index.html": "1", "about.html": "2", "app.css": "p{}", "secret/x.html": "3" };

  it("requests pages before the files they use, and nothing when the number is exceeded", async () => {
    const world = newWorld();
    const edge = edgeOf(world);
    const report = await publishWith({ ...openDeps(world), edge }, files);
    expect(report.warm).toMatchObject({ failed: 0 });
    // The host's config first; last, after the second purge, again.
    expect(edge.visits.map((visit) => visit.slice(HOST.length))).toEqual([
      "/",
      "/about",
      "/",
      "/secret/x",
      "/app.css",
      "/",
    ]);
    const deps = openDeps(world);
    const few = {
      ...deps,
      edge,
      environment: { ...deps.environment, publishing: { ...deps.environment.publishing, warm: 1 } },
    };
    edge.visits.length = 0;
    expect((await publishWith(few, { ...files, "index.html": "4", "about.html": "5" })).warm).toBeUndefined();
    await publishWith(few, { ...files, "index.html": "6", "about.html": "7" }, { warm: 1 });
    expect(edge.visits.map((visit) => visit.slice(HOST.length))).toEqual(["/", "/about", "/"]);
  });

  it("does not ask for what nobody is told without a password", async () => {
    const world = newWorld();
    const edge = edgeOf(world);
    const deps = { ...openDeps(world), edge };
    await publishWith(deps, files, { warm: false });
    await protectSite(deps, ACME, { path: "/secret/", password: "correct horse battery" });
    edge.visits.length = 0;
    const report = await publishWith(deps, { ...files, "about.html": "8", "secret/x.html": "9" });
    expect(report.warm).toMatchObject({ skipped: 1, failed: 0 });
    expect(edge.visits.map((visit) => visit.slice(HOST.length))).toEqual(["/", "/about", "/"]);
  });

  it("is not done in a batch, whose purges come later", async () => {
    const world = newWorld();
    const edge = edgeOf(world);
    const deps = { ...openDeps(world), edge, later: () => undefined };
    expect((await publishWith(deps, files)).warm).toBeUndefined();
    expect(edge.visits).toEqual([]);
  });
});

describe("a publish that fails when it is live", () => {
  it("tells why it failed, not that its second purge failed too, which stays owed", async () => {
    const world = newWorld();
    const clock = new InstantClock();
    await publishWith({ ...openDeps(world, { clock }), edge: edgeOf(world) }, { "index.html": "one" });
    const taken = "taken.example.com";
    const faults = new (class extends FaultPoint {
      override async run<T>(name: string, effect: () => Promise<T> | T): Promise<T> {
        const result = await super.run(name, effect);
        // Another site is faster with the domain, between the look at it and its config.
        if (
          name === "put test/production/_sites/acme.json" &&
          !world.config.has("test/production/_sites/fast.json")
        ) {
          const other = { site: "fast", siteEnv: "production", dir: await folder({ "index.html": "fast" }) };
          await publishFolder(openDeps(world), { ...other, domains: [taken] });
        }
        return result;
      }
    })();
    const deps = openDeps(world, { clock, faults });
    let purges = 0;
    const purgeKeys: typeof deps.purge.purgeKeys = (input) => {
      purges += 1;
      return purges === 1 ? deps.purge.purgeKeys(input) : Promise.reject(new Error("the API is down"));
    };
    const steps: string[] = [];
    const onProgress = ({ step }: { readonly step: string }): void => void steps.push(step);
    const edge = edgeOf(world);
    const failing = { ...deps, edge, onProgress, purge: { ...deps.purge, purgeKeys } };
    const attempt = publishWith(failing, { "index.html": "two" }, { domains: [HOST, taken] });
    await expect(attempt).rejects.toMatchObject({ code: "domain/taken" });
    expect(steps.at(-1)).toContain("the second purge stays owed: ");
    expect(steps.at(-1)).toContain("the API is down");
    expect(recordOf(world).owed).toHaveLength(1);
  });
});
