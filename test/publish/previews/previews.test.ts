import { describe, expect, it } from "vitest";

import { addDomain, removeDomain, setDomain } from "../../../src/publish/domains.ts";
import { previewRows, removePreview } from "../../../src/publish/previews/previews.ts";
import { promotePreview } from "../../../src/publish/previews/promote.ts";
import type { PublishDeps } from "../../../src/publish/publish-deps.ts";
import { publishFolder } from "../../../src/publish/publish.ts";
import { settleOwed } from "../../../src/publish/purging.ts";
import { domainRows } from "../../../src/publish/site-list.ts";
import { rollBack } from "../../../src/publish/release/rollback.ts";
import { FaultPoint } from "../../support/fault-point.ts";
import {
  ACME,
  configOf,
  copyWorld,
  environment,
  folder,
  newWorld,
  openDeps,
  publish,
  recordOf,
  visible,
} from "../publish-fixture.ts";
import type { World } from "../publish-fixture.ts";

const WWW = "www.example.com";
const HOST = "pr-42--acme.preview.example.com";
const V1 = { "index.html": "one", "about.html": "about", "app.css": "css" };
const V2 = { ...V1, "index.html": "two" };
const DAY = 86_400_000;

async function publishPreview(
  deps: PublishDeps,
  files: Readonly<Record<string, string>>,
  choice: { readonly name?: string; readonly lifetime?: number; readonly dryRun?: boolean } = {},
) {
  const { name = "pr-42", lifetime, dryRun = false } = choice;
  const dir = await folder(files);
  return publishFolder(deps, { ...ACME, dir, domains: [], dryRun, preview: { name, lifetime } });
}

async function published(): Promise<World> {
  const world = newWorld();
  await publish(openDeps(world), V1, [WWW]);
  world.events.length = 0;
  return world;
}

describe("a preview", () => {
  it("shows the folder on its own host only, for a time, and keeps search engines away", async () => {
    const world = await published();
    const deps = openDeps(world);
    const now = deps.clock.now();
    const report = await publishPreview(deps, V2, { lifetime: 7 * DAY });
    expect(report).toMatchObject({
      kind: "published",
      release: "2",
      domains: [HOST],
      preview: { name: "pr-42", host: HOST, expiresAt: new Date(now + 7 * DAY).toISOString() },
    });
    expect(visible(world, HOST)).toMatchObject({ "index.html": "two", "about.html": "about" });
    expect(visible(world, WWW)).toMatchObject({ "index.html": "one" });
    expect(configOf(world, HOST)).toMatchObject({
      kind: "site",
      release: "2",
      noindex: true,
      expiresAt: Math.floor((now + 7 * DAY) / 1_000),
    });
    expect(recordOf(world)).toMatchObject({ current: "1", previous: null, owed: [] });
  });

  it("writes only what differs from the site, and only its own config", async () => {
    const world = await published();
    await publishPreview(openDeps(world), V2);
    expect(configOf(world, HOST)).toMatchObject({ base: "1", release: "2" });
    expect([...world.hosting.keys()].filter((key) => key.includes("/acme/2/"))).toEqual([
      "test/production/acme/2/index.html",
    ]);
    expect(world.events.filter((event) => event.startsWith("config"))).toEqual([`config ${HOST}`]);
    expect(world.events.filter((event) => event.includes(`d:${HOST}`))).toHaveLength(2);
  });

  it("of the same name is replaced, and expires later", async () => {
    const world = await published();
    await publishPreview(openDeps(world), V2);
    const again = await publishPreview(openDeps(world), { ...V2, "index.html": "three" });
    expect(again).toMatchObject({ kind: "published", release: "3" });
    expect(visible(world, HOST)).toMatchObject({ "index.html": "three" });
    const same = await publishPreview(
      openDeps(world),
      { ...V2, "index.html": "three" },
      { lifetime: 30 * DAY },
    );
    expect(same).toMatchObject({ kind: "unchanged", release: "3" });
    const [row] = previewRows(recordOf(world), 0);
    expect(row).toMatchObject({ name: "pr-42", release: "3", expiresAt: same.preview?.expiresAt });
    expect(recordOf(world).releases.find(({ id }) => id === "2")?.hiddenSince).toBeDefined();
  });

  it("of what the site shows already writes no object", async () => {
    const world = await published();
    const before = new Map(world.hosting);
    expect(await publishPreview(openDeps(world), V1)).toMatchObject({ kind: "unchanged", release: "1" });
    expect(world.hosting).toEqual(before);
    expect(visible(world, HOST)).toEqual(visible(world, WWW));
  });

  it("of a site that shows nothing yet makes the site", async () => {
    const world = newWorld();
    expect(await publishPreview(openDeps(world), V1)).toMatchObject({ kind: "published", release: "1" });
    expect(recordOf(world)).toMatchObject({ current: null });
    expect(visible(world, HOST)).toMatchObject({ "index.html": "one" });
  });

  it("stays as it is when the site publishes, rolls back or is planned again", async () => {
    const world = await published();
    await publishPreview(openDeps(world), V2);
    const before = visible(world, HOST);
    await publish(openDeps(world), { "index.html": "other" });
    await rollBack(openDeps(world), ACME);
    await publishPreview(openDeps(world), { "index.html": "planned" }, { dryRun: true });
    expect(visible(world, HOST)).toEqual(before);
  });

  it("is promoted by a flip: no object is written or copied", async () => {
    const world = await published();
    await publishPreview(openDeps(world), V2);
    const before = new Map(world.hosting);
    expect(await promotePreview(openDeps(world), ACME, "pr-42")).toMatchObject({ release: "2" });
    expect(world.hosting).toEqual(before);
    expect(visible(world, WWW)).toMatchObject({ "index.html": "two" });
    expect(recordOf(world)).toMatchObject({ current: "2", previous: "1" });
    expect(await rollBack(openDeps(world), ACME)).toMatchObject({ release: "1" });
  });

  it("is for visitors in the EU only as long as a domain of its site is", async () => {
    const world = await published();
    await publishPreview(openDeps(world), V2);
    const own = (domain: string): unknown => {
      const config = configOf(world, domain);
      return config?.kind === "site" ? config.euOnly : undefined;
    };
    expect([own(WWW), own(HOST)]).toEqual([false, false]);
    await addDomain(openDeps(world), ACME, {
      domain: "eu.example.com",
      choices: { euOnly: true },
      takeOver: false,
    });
    expect([own(WWW), own("eu.example.com"), own(HOST)]).toEqual([false, true, true]);
    const rows = domainRows(recordOf(world)).filter(({ euOnly }) => euOnly);
    expect(rows.map(({ domain }) => domain)).toEqual(["eu.example.com", HOST]);
    world.events.length = 0;
    await publishPreview(openDeps(world), { ...V2, "index.html": "three" });
    expect(own(HOST)).toBe(true);
    await setDomain(openDeps(world), ACME, { domain: "eu.example.com", choices: { euOnly: false } });
    expect([own("eu.example.com"), own(HOST)]).toEqual([false, false]);
    // The configs of all hosts of the site are purged.
    expect(world.events.slice(-1)).toEqual([`purge c:acme d:eu.example.com d:${HOST} d:${WWW}`]);
  });

  it("that is removed leads nowhere, and its name is free again", async () => {
    const world = await published();
    await publishPreview(openDeps(world), V2);
    await removePreview(openDeps(world), ACME, "pr-42");
    expect(configOf(world, HOST)).toBeUndefined();
    expect(previewRows(recordOf(world), 0)).toEqual([]);
    await expect(promotePreview(openDeps(world), ACME, "pr-42")).rejects.toMatchObject({
      code: "preview/not-found",
    });
    expect(await publishPreview(openDeps(world), V2)).toMatchObject({ kind: "published", release: "3" });
  });

  it("is told as expired when its time is over", async () => {
    const world = await published();
    const deps = openDeps(world);
    await publishPreview(deps, V2, { lifetime: DAY });
    const now = deps.clock.now();
    expect(previewRows(recordOf(world), now)).toMatchObject([{ state: "live" }]);
    expect(previewRows(recordOf(world), now + DAY)).toMatchObject([{ state: "expired" }]);
  });

  it.each(["before", "after"] as const)(
    "that dies %s any call leaves every host whole, and the next run finishes",
    async (when) => {
      const start = await published();
      const ideal = copyWorld(start);
      await publishPreview(openDeps(ideal), V2);
      for (let call = 1; ; call += 1) {
        const world = copyWorld(start);
        const faults = new FaultPoint();
        faults.failAt(call, when);
        await publishPreview(openDeps(world, { faults }), V2).catch(() => undefined);
        if (faults.calls.length < call) return;
        expect(visible(world, WWW)).toEqual(visible(start, WWW));
        expect([undefined, visible(ideal, HOST)]).toContainEqual(visible(world, HOST));
        await settleOwed(openDeps(world));
        await publishPreview(openDeps(world), V2);
        expect(visible(world, HOST), `call ${call}: ${faults.calls.at(-1)}`).toEqual(visible(ideal, HOST));
        expect(recordOf(world).owed).toEqual([]);
      }
    },
  );
});

describe("the name of a preview", () => {
  it.each(["Pr", "a--b", "-a", "a".repeat(22), "xn", ""])("cannot be %j", async (name) => {
    const deps = openDeps(await published());
    await expect(publishPreview(deps, V2, { name })).rejects.toMatchObject({
      code: expect.stringMatching(/^(site|domain)\/invalid-name$/) as string,
    });
  });

  it("needs a domain for previews in the settings", async () => {
    const deps = openDeps(await published());
    const without = { ...deps, environment: { ...environment, previews: undefined } };
    await expect(publishPreview(without, V2)).rejects.toMatchObject({ code: "preview/not-enabled" });
  });

  it.each([
    ["with domains", { domains: [WWW] }, "cli/usage"],
    ["in place", { inPlace: true }, "cli/usage"],
    ["under a name that none can have", { preview: { name: "a--b" } }, "site/invalid-name"],
  ])("is refused %s before anything is read", async (_, choice, code) => {
    const deps = openDeps(await published());
    const steps: string[] = [];
    const request = { ...ACME, dir: "/nowhere", domains: [], preview: { name: "pr-42" }, ...choice };
    const told = { ...deps, onProgress: ({ step }: { readonly step: string }) => void steps.push(step) };
    await expect(publishFolder(told, request)).rejects.toMatchObject({ code });
    expect({ steps, calls: deps.faults.calls }).toEqual({ steps: [], calls: [] });
  });

  it("is not among the domains that a command names as the site's", async () => {
    const world = await published();
    await publishPreview(openDeps(world), V2);
    await expect(removeDomain(openDeps(world), ACME, "other.example.com")).rejects.toMatchObject({
      code: "domain/not-found",
      hint: `its domains: ${WWW}`,
    });
  });

  it("belongs to its site: its host is never an ordinary domain", async () => {
    const world = await published();
    await publishPreview(openDeps(world), V2);
    const refused = { code: "domain/preview-host" };
    const rival = { site: "rival", siteEnv: "production" };
    const dir = await folder(V1);
    const taken = publishFolder(openDeps(world), { ...rival, dir, domains: [HOST] });
    await expect(taken).rejects.toMatchObject(refused);
    const added = addDomain(openDeps(world), ACME, { domain: HOST, choices: {}, takeOver: true });
    await expect(added).rejects.toMatchObject(refused);
    const set = setDomain(openDeps(world), ACME, { domain: HOST, choices: { forceTls: true } });
    await expect(set).rejects.toMatchObject(refused);
  });

  it("cannot be given in a website environment that its host does not belong to", async () => {
    const dir = await folder(V1);
    const staging = { site: "acme", siteEnv: "staging", dir, domains: [], preview: { name: "pr-42" } };
    await expect(publishFolder(openDeps(newWorld()), staging)).rejects.toMatchObject({
      code: "domain/wrong-environment",
    });
  });
});
