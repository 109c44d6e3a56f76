import { describe, expect, it } from "vitest";

import { protectSite } from "../../src/publish/passwords.ts";
import { publishFolder } from "../../src/publish/publish.ts";
import { addingRule, editRules } from "../../src/publish/redirects.ts";
import { rollBack } from "../../src/publish/release/rollback.ts";
import { ACME, folder, newWorld, openDeps, publish, recordOf } from "./publish-fixture.ts";
import type { World } from "./publish-fixture.ts";

const WWW = "www.example.com";
const PASSWORD = "open sesame";
const PAGES = { "index.html": "front", "secret/plan.html": "the plan", "open.html": "open" };
const OPEN_RULE = "/moved /open 200\n/plan /secret/plan 200";

async function published(files: Readonly<Record<string, string>>): Promise<World> {
  const world = newWorld();
  await publish(openDeps(world), files, [WWW]);
  return world;
}

function protect(world: World, path = "/secret/"): Promise<unknown> {
  return protectSite(openDeps(world), ACME, { path, password: PASSWORD });
}

const naming = (text: string) => ({
  code: "site/invalid-setting",
  exitCode: 2,
  details: [expect.stringContaining(text) as string],
});

describe("a rule that would show a protected page at an open path", () => {
  it("keeps the page from being protected, and is named", async () => {
    const world = await published({ ...PAGES, _redirects: OPEN_RULE });
    await expect(protect(world)).rejects.toMatchObject(
      naming('_redirects:2: the rule "/plan /secret/plan 200"'),
    );
    expect(recordOf(world).protectedAreas).toEqual([]);
  });

  it("is no reason where its own path is protected by the same password", async () => {
    const world = await published({ ...PAGES, _redirects: "/secret/old /secret/plan 200" });
    await protect(world);
    const whole = await published({ ...PAGES, _redirects: OPEN_RULE });
    await protect(whole, "/");
    expect([recordOf(world), recordOf(whole)].map(({ protectedAreas }) => protectedAreas.length)).toEqual([
      1, 1,
    ]);
  });

  it("is no reason where an open page says the same", async () => {
    const world = await published({ ...PAGES, "plan-b.html": "the plan", _redirects: OPEN_RULE });
    await protect(world);
    expect(recordOf(world).protectedAreas).toHaveLength(1);
  });

  it("is not published once the page is protected: by a folder, a preview, or the site's own rules", async () => {
    const world = await published(PAGES);
    await protect(world);
    const files = { ...PAGES, _redirects: OPEN_RULE };
    await expect(publish(openDeps(world), files)).rejects.toMatchObject(naming("_redirects:2"));
    const request = { ...ACME, dir: await folder(files), domains: [], preview: { name: "pr" } };
    await expect(publishFolder(openDeps(world), request)).rejects.toMatchObject(naming("_redirects:2"));
    const edit = editRules(openDeps(world), ACME, { edit: addingRule("/plan /secret/plan 404") });
    await expect(edit).rejects.toMatchObject(naming("/plan /secret/plan 404"));
    expect(recordOf(world).releases).toHaveLength(1);
  });

  it("is not shown again by a roll back", async () => {
    const world = await published({ ...PAGES, _redirects: OPEN_RULE });
    await publish(openDeps(world), PAGES);
    await protect(world);
    await expect(rollBack(openDeps(world), ACME, "1")).rejects.toMatchObject(naming("_redirects:2"));
    expect(recordOf(world).current).toBe("2");
  });

  it("is looked for in what previews show, too", async () => {
    const world = await published(PAGES);
    const dir = await folder({ ...PAGES, _redirects: OPEN_RULE });
    await publishFolder(openDeps(world), { ...ACME, dir, domains: [], preview: { name: "pr" } });
    await expect(protect(world)).rejects.toMatchObject(naming("_redirects:2"));
  });
});
