import { gunzipSync, gzipSync } from "node:zlib";

import { describe, expect, it } from "vitest";

import { readManifestBody } from "../../../src/publish/release/manifest.ts";
import { addingRule, editRules } from "../../../src/publish/redirects.ts";
import { ACME, openDeps, publish, visible, without } from "../publish-fixture.ts";
import type { World } from "../publish-fixture.ts";
import { V1, V2, WWW, hostingWrites, published } from "../two-editions.ts";

function withoutLastLine(manifest: Uint8Array): Uint8Array {
  const lines = gunzipSync(manifest).toString("utf8").trimEnd().split("\n");
  return gzipSync(`${lines.slice(0, -1).join("\n")}\n`);
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
    ["cut off between two lines", withoutLastLine],
  ])("that is %s is made anew from a listing, and no file is sent again", async (_, body) => {
    const world = await twoReleases();
    const found = world.config.get(KEY);
    if (!found) throw new Error("no manifest");
    if (body === undefined) world.config.delete(KEY);
    else
      world.config.set(KEY, {
        ...found,
        body: typeof body === "function" ? body(found.body) : Buffer.from(body),
      });
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
