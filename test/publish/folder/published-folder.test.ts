import { execFileSync } from "node:child_process";
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { scanPublished } from "../../../src/publish/folder/published-folder.ts";
import { folder } from "../publish-fixture.ts";

const { signal } = new AbortController();
const NAMES_DIST = '[build]\npublish = "dist"\n';

async function pathsOf(dir: string): Promise<readonly string[]> {
  return (await scanPublished(dir, signal, {})).files.map(({ path }) => path);
}

describe("a file that names the folder to publish", () => {
  it("is read, also as a link that stays inside", async () => {
    const files = { "dist/index.html": "built", "src/index.html": "source", "config/site.toml": NAMES_DIST };
    const dir = await folder(files);
    await symlink("config/site.toml", join(dir, "netlify.toml"));
    expect(await pathsOf(dir)).toEqual(["index.html"]);
    expect(await pathsOf(await folder({ ...files, "netlify.toml": NAMES_DIST }))).toEqual(["index.html"]);
  });

  it("is refused as a link that leaves the folder", async () => {
    const other = await folder({ "netlify.toml": NAMES_DIST });
    const dir = await folder({ "dist/index.html": "built" });
    await symlink(join(other, "netlify.toml"), join(dir, "netlify.toml"));
    await expect(pathsOf(dir)).rejects.toMatchObject({
      code: "publish/invalid-folder",
      message: expect.stringContaining("netlify.toml: is a link that leaves the folder") as string,
    });
  });

  it.skipIf(process.platform === "win32")("is never waited for as a pipe", async () => {
    const dir = await folder({ "dist/index.html": "built" });
    execFileSync("mkfifo", [join(dir, "vercel.json")]);
    await expect(pathsOf(dir)).rejects.toMatchObject({
      message: expect.stringContaining("vercel.json: is neither a file nor a folder") as string,
    });
  });
});
