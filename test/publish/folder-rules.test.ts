import { symlink } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { publishFolder } from "../../src/publish/publish.ts";
import { addingRule, editRules } from "../../src/publish/redirects.ts";
import type { FaultPoint } from "../support/fault-point.ts";
import { ACME, configOf, folder, newWorld, openDeps, publish, recordOf, visible } from "./publish-fixture.ts";
import type { World } from "./publish-fixture.ts";

const WWW = "www.example.com";
const SHOP = "shop.example.com";
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

describe("rules and headers of a folder", () => {
  const RULES = Array.from({ length: 60 }, (_, index) => `/s${index % 6}/p${index}/* /about/:splat`).join(
    "\n",
  );

  it("go into buckets where the config has no room, written again only when they change", async () => {
    const world = await published();
    const deps = openDeps(world);
    await publish(deps, { ...V1, _redirects: RULES });
    const written = requestsOf(deps).filter((call) => call.includes("/rules/"));
    expect(written.length).toBeGreaterThan(0);
    expect(configOf(world, WWW)).toMatchObject({ release: "2", buckets: { tag: "2" } });
    const again = openDeps(world);
    await publish(again, { ...V2, _redirects: RULES });
    expect(requestsOf(again).filter((call) => call.includes("/rules/"))).toEqual([]);
    expect(configOf(world, WWW)).toMatchObject({ release: "3", buckets: { tag: "2" } });
    await publish(openDeps(world), { ...V2, _redirects: `${RULES}\n/s1/q/* /news` });
    expect(configOf(world, WWW)).toMatchObject({ release: "4", buckets: { tag: "4" } });
    await publish(openDeps(world), V2);
    expect(configOf(world, WWW)).toMatchObject({ release: "5", buckets: undefined });
  });

  it("become headers of objects, and a change of them alone sends no file", async () => {
    const world = await published();
    const deps = openDeps(world);
    await publish(deps, { ...V1, _headers: "/about\n  Cache-Control: max-age=60\n  X-Team: shop" });
    expect(hostingWrites(deps)).toEqual(["copy acme/2/about.html"]);
    expect(world.hosting.get("test/production/acme/2/about.html")).toMatchObject({
      headers: { contentType: "text/html; charset=utf-8", cacheControl: "max-age=60" },
      metadata: { p: "/about", h: "0=X-Team:shop" },
    });
  });

  it("that are wrong are refused with file and line, or left out when that is asked for", async () => {
    const world = await published();
    const files = { ...V1, _redirects: "/a /about\n/b nowhere", _headers: "/*\n  Set-Cookie: a=b" };
    await expect(publish(openDeps(world), files)).rejects.toMatchObject({
      code: "publish/invalid-rules",
      details: [
        expect.stringContaining("_redirects:2: "),
        expect.stringContaining("_headers:2: "),
      ] as unknown,
    });
    const request = { ...ACME, dir: await folder(files), domains: [], strict: false };
    const report = await publishFolder(openDeps(world), request);
    expect(report.warnings).toEqual([
      expect.stringMatching(/^_redirects:2: .*; it is left out$/),
      expect.stringMatching(/^_headers:2: .*; it is left out$/),
    ]);
    expect(visible(world, WWW)).toEqual({ ...V1, "a.html": "-> 301 /about" });
    await editRules(openDeps(world), ACME, { edit: addingRule("/c /about") });
    expect(visible(world, WWW)).toMatchObject({ "c.html": "-> 301 /about" });
  });

  it("show a page at another path with its own status", async () => {
    const world = await published();
    await publish(openDeps(world), { ...V1, _redirects: "/us /about 200\n/closed /about 410" });
    const metadata = ["us", "closed"].map(
      (key) => world.hosting.get(`test/production/acme/2/${key}.html`)?.metadata,
    );
    expect(metadata).toEqual([{}, { c: "410" }]);
    expect(visible(world, WWW)).toMatchObject({ "us.html": "about", "closed.html": "about" });
  });

  it("choose the slash policy where the site leaves it to them", async () => {
    const world = await published();
    await publish(openDeps(world), { ...V1, "vercel.json": '{"trailingSlash": true}' });
    expect(recordOf(world).releases.at(-1)).toMatchObject({ trailingSlash: "force" });
    expect(world.hosting.get("test/production/acme/2/about.html")?.metadata).toEqual({ p: "/about/" });
    expect(visible(world, WWW)).not.toHaveProperty("vercel.json");
  });

  it("may name the folder to publish, which must be inside", async () => {
    const world = await published();
    const site = { "dist/index.html": "built", "dist/_redirects": "/x /", "src/secret.txt": "no" };
    await publish(openDeps(world), { ...site, "netlify.toml": '[build]\n  publish = "dist"\n' });
    expect(visible(world, WWW)).toMatchObject({ "index.html": "built", "x.html": "-> 301 /" });
    expect(visible(world, WWW)).not.toHaveProperty("src/secret.txt");
    const dir = await folder({ "netlify.toml": '[build]\n  publish = "link"\n' });
    await symlink("/etc", join(dir, "link"));
    await expect(publishFolder(openDeps(world), { ...ACME, dir, domains: [] })).rejects.toMatchObject({
      code: "publish/invalid-folder",
      message: expect.stringContaining("is a link that leaves it") as string,
    });
  });
});
