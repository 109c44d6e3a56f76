import { describe, expect, it } from "vitest";

import { addDomain, removeDomain, setDomain } from "../../src/publish/domains.ts";
import type { PublishDeps } from "../../src/publish/publish-deps.ts";
import { publishFolder } from "../../src/publish/publish.ts";
import { settleOwed } from "../../src/publish/purging.ts";
import { rollBack } from "../../src/publish/release/rollback.ts";
import {
  addingRule,
  editRules,
  importingRules,
  listRules,
  removingRule,
} from "../../src/publish/redirects.ts";
import { parseRedirectCsv } from "../../src/publish/site-files/redirect-csv.ts";
import { setPolicies } from "../../src/publish/site-changes.ts";
import { FaultPoint } from "../support/fault-point.ts";
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

const WWW = "www.example.com";
const APEX = "example.com";
const RIVAL = { site: "rival", siteEnv: "production" };
const TAKEN = "rival.example.com";

/** Two sites; the first with two releases, a primary and an alias. */
async function twoSites(): Promise<World> {
  const world = newWorld();
  const deps = openDeps(world);
  await publish(deps, { "index.html": "one" }, [WWW]);
  await publish(deps, { "index.html": "two", "page.html": "page", _redirects: "/gone /page" });
  await addDomain(deps, ACME, { domain: APEX, choices: { canonicalHost: WWW }, takeOver: false });
  await publishFolder(deps, { ...RIVAL, dir: await folder({ "index.html": "rival" }), domains: [TAKEN] });
  world.events.length = 0;
  return world;
}

/** Everything visitors could see of both sites' domains. */
function views(world: World): unknown {
  const domains = [WWW, APEX, TAKEN, "new.example.com"];
  return domains.map((domain) => {
    const config = configOf(world, domain);
    // Where the objects lie depends on how often a run was begun; what they are must not.
    const {
      release: _,
      base: _base,
      delta: _delta,
      ...rest
    } = { release: "", base: "", delta: "", ...config };
    return [domain, config && rest, visible(world, domain)];
  });
}

const CHANGES: readonly (readonly [string, (deps: PublishDeps) => Promise<unknown>])[] = [
  ["rolling back", (deps) => rollBack(deps, ACME, "1")],
  [
    "adding a domain",
    (deps) =>
      addDomain(deps, ACME, { domain: "new.example.com", choices: { forceTls: true }, takeOver: false }),
  ],
  ["taking a domain over", (deps) => addDomain(deps, ACME, { domain: TAKEN, choices: {}, takeOver: true })],
  ["changing a domain", (deps) => setDomain(deps, ACME, { domain: WWW, choices: { hsts: 300 } })],
  ["removing a domain", (deps) => removeDomain(deps, ACME, APEX)],
  ["suspending", (deps) => setPolicies(deps, ACME, { suspended: 503 })],
  ["adding a pattern", (deps) => editRules(deps, ACME, { edit: addingRule("/a/* /page") })],
  ["adding an exact redirect", (deps) => editRules(deps, ACME, { edit: addingRule("/a /page 302") })],
];

describe.each(CHANGES)("%s", (name, change) => {
  it.each(["before", "after"] as const)(
    "that dies %s any call shows the old or the new; the next run finishes",
    async (when) => {
      const start = await twoSites();
      const before = JSON.stringify(views(start));
      const ideal = copyWorld(start);
      await change(openDeps(ideal));
      const after = JSON.stringify(views(ideal));
      expect(after).not.toBe(before);
      for (let call = 1; ; call += 1) {
        const world = copyWorld(start);
        const faults = new FaultPoint();
        faults.failAt(call, when);
        await change(openDeps(world, { faults })).catch(() => undefined);
        if (faults.calls.length < call) break;
        expect([before, after], `${name}, call ${call}: ${faults.calls.at(-1)}`).toContain(
          JSON.stringify(views(world)),
        );
        await settleOwed(openDeps(world));
        // Settling finishes what was committed; what was not is done by running the command again.
        expect([before, after]).toContain(JSON.stringify(views(world)));
        const again = await change(openDeps(world)).catch((error: unknown) => error);
        // What is removed already cannot be removed again; everything else may be asked for twice.
        if (again instanceof Error) {
          expect([name, again]).toMatchObject(["removing a domain", { code: "domain/not-found" }]);
        }
        expect(JSON.stringify(views(world))).toBe(after);
        expect([recordOf(world).owed, recordOf(world, RIVAL).owed]).toEqual([[], []]);
        expect(purgesOfConfigs(world), world.events.join("\n")).toBeGreaterThanOrEqual(2);
      }
    },
  );
});

describe("domains", () => {
  it("of another site need --take-over, which takes them off its record", async () => {
    const world = await twoSites();
    const add = { domain: TAKEN, choices: {} };
    const taken = addDomain(openDeps(world), ACME, { ...add, takeOver: false });
    await expect(taken).rejects.toMatchObject({ code: "domain/taken", exitCode: 2 });
    await addDomain(openDeps(world), ACME, { ...add, takeOver: true });
    expect(visible(world, TAKEN)).toMatchObject({ "index.html": "two" });
    expect(recordOf(world, RIVAL).domains).toEqual({});
  });

  it("that are aliases carry only the canonical host and are not rewritten by a publish", async () => {
    const world = await twoSites();
    expect(configOf(world, APEX)).toEqual({
      kind: "alias",
      site: "acme",
      canonicalHost: WWW,
      forceTls: false,
    });
    await publish(openDeps(world), { "index.html": "three" });
    expect(world.events.filter((event) => event.startsWith("config"))).toEqual([`config ${WWW}`]);
  });

  it.each([
    ["an unknown host", { canonicalHost: "other.example.com" }, "domain/wrong-target"],
    ["itself", { canonicalHost: "new.example.com" }, "domain/wrong-target"],
    ["another alias", { canonicalHost: APEX }, "domain/wrong-target"],
    ["a host, with HSTS", { canonicalHost: WWW, hsts: 300 }, "site/invalid-setting"],
  ])("cannot be aliases of %s", async (_, choices, code) => {
    const world = await twoSites();
    const added = addDomain(openDeps(world), ACME, { domain: "new.example.com", choices, takeOver: false });
    await expect(added).rejects.toMatchObject({ code });
    expect(configOf(world, "new.example.com")).toBeUndefined();
  });

  it("that an alias leads to cannot be removed or become aliases", async () => {
    const world = await twoSites();
    await expect(removeDomain(openDeps(world), ACME, WWW)).rejects.toMatchObject({
      code: "domain/wrong-target",
    });
    expect(visible(world, WWW)).toMatchObject({ "index.html": "two" });
  });

  it("turn from alias to primary and back, keeping force TLS", async () => {
    const world = await twoSites();
    const set = (choices: Parameters<typeof setDomain>[2]["choices"]) =>
      setDomain(openDeps(world), ACME, { domain: APEX, choices });
    await set({ forceTls: true });
    await set({ canonicalHost: null });
    expect(configOf(world, APEX)).toMatchObject({ kind: "site", release: "2", forceTls: true });
    await set({ canonicalHost: WWW });
    expect(configOf(world, APEX)).toMatchObject({ kind: "alias", forceTls: true });
  });
});

describe("rolling back", () => {
  it("shows the old release also when the publish died after it had written a config", async () => {
    const world = await twoSites();
    for (let call = 1; ; call += 1) {
      const tried = copyWorld(world);
      const faults = new FaultPoint();
      faults.failAt(call, "after");
      await publish(openDeps(tried, { faults }), { "index.html": "three" }).catch(() => undefined);
      await rollBack(openDeps(tried), ACME, "2");
      expect(visible(tried, WWW), `call ${call}`).toMatchObject({ "index.html": "two" });
      if (faults.calls.length < call) return;
    }
  });

  it("leads to the release before, and again to where it came from", async () => {
    const world = await twoSites();
    expect(await rollBack(openDeps(world), ACME)).toMatchObject({ release: "1" });
    expect(visible(world, WWW)).toEqual({ "index.html": "one" });
    expect(await rollBack(openDeps(world), ACME)).toMatchObject({ release: "2" });
  });

  it("takes one record write, one config write per domain and two purges to be seen", async () => {
    const deps = openDeps(await twoSites());
    await rollBack(deps, ACME);
    const acts = deps.faults.calls.map((call) => call.replace(/ .*\//, " "));
    expect(acts).toEqual(["get acme.json", "put acme.json", "put s3cret", "purge", "purge", "put acme.json"]);
  });

  it("refuses a release that does not exist", async () => {
    const world = await twoSites();
    await expect(rollBack(openDeps(world), ACME, "9")).rejects.toMatchObject({
      code: "release/not-found",
      hint: "its releases: 1, 2",
    });
    await expect(rollBack(openDeps(world), RIVAL)).rejects.toMatchObject({ code: "release/not-found" });
  });
});

describe("the site's own rules", () => {
  it("become slots or objects of a release that writes nothing else", async () => {
    const world = await twoSites();
    const deps = openDeps(world);
    expect(await editRules(deps, ACME, { edit: addingRule("/a/* /page") })).toMatchObject({ release: "3" });
    expect(configOf(world, WWW)).toMatchObject({ base: "2", release: "3", rules: [{ segments: ["a"] }] });
    expect(await editRules(deps, ACME, { edit: addingRule("/b /page") })).toMatchObject({ release: "4" });
    expect([...world.hosting.keys()].filter((key) => /acme\/[34]\//.test(key))).toEqual([
      "test/production/acme/4/b.html",
    ]);
    expect(visible(world, WWW)).toEqual({
      "index.html": "two",
      "page.html": "page",
      "gone.html": "-> 301 /page",
      "b.html": "-> 301 /page",
    });
    expect(await listRules(deps, ACME)).toEqual([
      { from: "site", text: "/a/* /page" },
      { from: "site", text: "/b /page" },
      { from: "_redirects", text: "/gone /page" },
    ]);
  });

  it("can be imported, and imported again after a correction", async () => {
    const world = await twoSites();
    const rulesOf = (text: string) => parseRedirectCsv(text, "moved.csv").rules;
    const first = rulesOf("source,target\n/a,/page\n/b/*,/page\n/c?x=1,/page\n");
    await editRules(openDeps(world), ACME, { edit: addingRule("/own /page") });
    await editRules(openDeps(world), ACME, { edit: importingRules(first) });
    const again = rulesOf("source,target,status\n/a,/page,302\n/c?x=2,/page\n");
    expect(await editRules(openDeps(world), ACME, { edit: importingRules(again) })).toMatchObject({
      rules: ["/own /page", "/b/* /page 301", "/c x=1 /page 301", "/a /page 302", "/c x=2 /page 301"],
    });
    expect(visible(world, WWW)).toMatchObject({ "a.html": "-> 302 /page", "own.html": "-> 301 /page" });
  });

  it("survive a publish, and the same folder is still unchanged", async () => {
    const world = await twoSites();
    const deps = openDeps(world);
    const files = { "index.html": "two", "page.html": "page", _redirects: "/gone /page" };
    await editRules(deps, ACME, { edit: addingRule("/b /page") });
    expect(await publish(deps, files)).toMatchObject({ kind: "unchanged", release: "3" });
    await publish(deps, { ...files, "index.html": "three" });
    expect(visible(world, WWW)).toMatchObject({ "index.html": "three", "b.html": "-> 301 /page" });
  });

  it("that are forced over a page take a slot, so that removing them brings the page back", async () => {
    const world = await twoSites();
    const deps = openDeps(world);
    await editRules(deps, ACME, { edit: addingRule("/page /x 302!") });
    expect(configOf(world, WWW)).toMatchObject({
      rules: [{ forced: true, segments: ["page"], target: "/x" }],
    });
    await editRules(deps, ACME, { edit: removingRule("/page.html") });
    expect(configOf(world, WWW)).toMatchObject({ rules: [] });
    expect(visible(world, WWW)).toMatchObject({ "page.html": "page" });
  });

  it("tell what an edit is the reason of, and not again what the folder was published with", async () => {
    const world = newWorld();
    const rules = "/old /page\n/old /other\n";
    const { warnings } = await publish(
      openDeps(world),
      { "index.html": "one", "page.html": "page", _redirects: rules },
      [WWW],
    );
    expect(warnings).toEqual([expect.stringContaining("_redirects:2: ")]);
    expect(await editRules(openDeps(world), ACME, { edit: addingRule("/b /page") })).toMatchObject({
      warnings: [],
    });
    expect(await editRules(openDeps(world), ACME, { edit: addingRule("/old /page 302") })).toMatchObject({
      warnings: expect.arrayContaining([expect.stringContaining("_redirects:1: ")]) as string[],
    });
  });

  it("are refused with their reason, and nothing changes", async () => {
    const world = await twoSites();
    const before = JSON.stringify(views(world));
    const deps = openDeps(world);
    const invalid = { code: "redirects/invalid" };
    expect(() => addingRule("/a b 200")).toThrow(expect.objectContaining(invalid));
    await expect(editRules(deps, ACME, { edit: addingRule("/a /a/") })).rejects.toMatchObject(invalid);
    await expect(editRules(deps, ACME, { edit: removingRule("/none") })).rejects.toMatchObject(invalid);
    expect(JSON.stringify(views(world))).toBe(before);
    expect(recordOf(world).rules).toEqual([]);
  });
});
