import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { SitefleetError } from "../../src/lib/errors.ts";
import { downloadPrefix, incomingPrefix } from "../../src/hook/incoming.ts";
import { DEFAULT_LIMITS } from "../../src/hook/limits.ts";
import { MemoryStore } from "../support/memory-store.ts";
import { tempDir } from "../support/temp-dir.ts";

const PREFIX = `${incomingPrefix("test", "acme")}build-4/`;
const { signal } = new AbortController();

async function download(objects: Readonly<Record<string, string>>, limits: object = {}) {
  const hosting = new MemoryStore();
  for (const [key, body] of Object.entries(objects)) await hosting.put({ key, body, signal });
  const to = await tempDir();
  await downloadPrefix({ hosting, prefix: PREFIX, to, limits: { ...DEFAULT_LIMITS, ...limits }, signal });
  const files = (await readdir(to, { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  );
  const read = files.map(async ({ parentPath, name }) => {
    const path = join(parentPath, name);
    return [path.slice(to.length + 1), await readFile(path, "utf8")] as const;
  });
  return Object.fromEntries(await Promise.all(read));
}

describe("downloadPrefix", () => {
  it("copies what is below the prefix and nothing beside it", async () => {
    const files = await download({
      [`${PREFIX}index.html`]: "home",
      [`${PREFIX}docs/`]: "",
      [`${PREFIX}docs/a.html`]: "a",
      "test/_incoming/acme/build-42/index.html": "another build",
      "test/_incoming/other/build-4/index.html": "another site",
      "test/production/acme/1/index.html": "a release",
    });
    expect(files).toEqual({ "index.html": "home", "docs/a.html": "a" });
  });

  it.each([
    ["nothing", {}, "there is no file"],
    ["a key that leads out", { [`${PREFIX}../evil`]: "x" }, "`..`"],
    ["a key with a control character", { [`${PREFIX}a\u0001`]: "x" }, "control character"],
    ["a file below a file", { [`${PREFIX}a`]: "x", [`${PREFIX}a/b`]: "x" }, "both a file and a folder"],
    ["the same path in two spellings", { [`${PREFIX}a/b`]: "x", [`${PREFIX}a//b`]: "x" }, "both a file"],
  ])("refuses %s", async (_, objects, reason) => {
    await expect(download(objects)).rejects.toMatchObject({
      code: "hook/invalid-archive",
      message: expect.stringContaining(reason),
    });
  });

  it.each([
    ["a prefix below which there is nothing", {}],
    ["a key that leads out", { [`${PREFIX}../evil`]: "x" }],
    ["a file below a file", { [`${PREFIX}a`]: "x", [`${PREFIX}a/b`]: "x" }],
  ])("speaks of the prefix and the bucket, never of an archive, about %s", async (_, objects) => {
    const error: unknown = await download(objects).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      message: expect.stringContaining(`"${PREFIX}"`),
      hint: expect.stringMatching(/prefix/),
    });
    expect(error instanceof SitefleetError ? error.message + (error.hint ?? "") : "").not.toMatch(
      /\b(?:tar|unpacked|archive)\b/,
    );
  });

  it("refuses too many objects and too many bytes", async () => {
    const objects = { [`${PREFIX}a`]: "12345", [`${PREFIX}b`]: "12345" };
    await expect(download(objects, { entries: 1 })).rejects.toMatchObject({ code: "hook/invalid-archive" });
    await expect(download(objects, { unpackedBytes: 9 })).rejects.toMatchObject({
      code: "hook/invalid-archive",
    });
    expect(await download(objects, { entries: 2, unpackedBytes: 10 })).toEqual({ a: "12345", b: "12345" });
  });

  it("refuses more folders than it may have files", async () => {
    const deep = { [`${PREFIX}a/b/c/d/e/x`]: "1" };
    await expect(download(deep, { entries: 4 })).rejects.toMatchObject({ code: "hook/invalid-archive" });
    expect(await download(deep, { entries: 5 })).toEqual({ "a/b/c/d/e/x": "1" });
  });

  it("refuses an object that changes while it is read", async () => {
    const hosting = new MemoryStore();
    await hosting.put({ key: `${PREFIX}a`, body: "before", signal });
    const list = hosting.list.bind(hosting);
    hosting.list = async function* (input) {
      yield* list(input);
    };
    const get = hosting.get.bind(hosting);
    hosting.get = async (input) => {
      await hosting.put({ key: `${PREFIX}a`, body: "after it", signal });
      return get(input);
    };
    const input = { hosting, prefix: PREFIX, to: await tempDir(), limits: DEFAULT_LIMITS, signal };
    await expect(downloadPrefix(input)).rejects.toMatchObject({ code: "hook/invalid-archive" });
  });
});
