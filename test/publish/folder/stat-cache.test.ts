import { createHash } from "node:crypto";
import { readFile, readdir, rename, rm, stat, truncate, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";

import { scanFolder } from "../../../src/publish/folder/scan.ts";
import { StatCache } from "../../../src/publish/folder/stat-cache.ts";
import { InstantClock } from "../../support/instant-clock.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { folder } from "../publish-fixture.ts";

const { signal } = new AbortController();
const CONTENT = { hash: "ab".repeat(32), size: 1, isUtf8: true, hasNul: false };

/** A clock an hour on: whatever was written by now is old. */
async function later(path: string): Promise<InstantClock> {
  return new InstantClock(Math.ceil((await stat(path)).ctimeMs) + 3_600_000);
}

async function hashes(dir: string, cacheDir: string, clock: InstantClock): Promise<Record<string, string>> {
  const { files } = await scanFolder(dir, signal, { cacheDir, clock });
  return Object.fromEntries(files.map(({ path, hash }) => [path, hash]));
}

function sha256(text: string | Uint8Array): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Rewrites what the cache says of every file's content, to see whether it is asked. */
async function forge(cacheDir: string): Promise<void> {
  const [name = ""] = await readdir(cacheDir);
  const path = join(cacheDir, name);
  const data = await readFile(path);
  const body = Buffer.from(data.subarray(0, -32));
  const real = Buffer.from(sha256("x"), "hex");
  for (let at = body.indexOf(real); at !== -1; at = body.indexOf(real, at + 32)) body.fill(0xee, at, at + 32);
  await writeFile(path, Buffer.concat([body, createHash("sha256").update(body).digest()]));
}

describe("a scan with a stat cache", () => {
  it("does not read files again that are as they were", async () => {
    const dir = await folder({ "index.html": "x", "a/b.txt": "x" });
    const cacheDir = await tempDir();
    const clock = await later(join(dir, "index.html"));
    expect(await hashes(dir, cacheDir, clock)).toEqual({ "a/b.txt": sha256("x"), "index.html": sha256("x") });
    await forge(cacheDir);
    expect(await hashes(dir, cacheDir, clock)).toEqual({
      "a/b.txt": "ee".repeat(32),
      "index.html": "ee".repeat(32),
    });
  });

  it("keeps the content type and size of what it does not read", async () => {
    const dir = await folder({
      LICENSE: "x",
      DATA: new Uint8Array([0, 1]),
      "l.html": new Uint8Array([0xfc]),
    });
    const cacheDir = await tempDir();
    const clock = await later(join(dir, "DATA"));
    const first = await scanFolder(dir, signal, { cacheDir, clock });
    expect(await scanFolder(dir, signal, { cacheDir, clock })).toEqual(first);
  });

  test.prop(
    [
      fc.uint8Array({ minLength: 1, maxLength: 40 }),
      fc.nat(),
      fc.constantFrom("write", "replace", "truncate-write"),
    ],
    { numRuns: 25 },
  )("finds other bytes of the same length with the same times", async (before, seed, how) => {
    const dir = await folder({ "page.html": before });
    const path = join(dir, "page.html");
    const cacheDir = await tempDir();
    const { atime, mtime } = await stat(path);
    await hashes(dir, cacheDir, await later(path));
    const after = Uint8Array.from(before);
    const at = seed % after.length;
    after[at] = (after[at] ?? 0) ^ (1 + (seed % 255));
    if (how === "replace") {
      await writeFile(`${path}.new`, after);
      await rename(`${path}.new`, path);
    } else {
      if (how === "truncate-write") await truncate(path, 0);
      await writeFile(path, after);
    }
    await utimes(path, atime, mtime);
    expect(await hashes(dir, cacheDir, await later(path))).toEqual({ "page.html": sha256(after) });
  });

  it("does not believe a file that was written within two seconds of being read", async () => {
    const dir = await folder({ "index.html": "x" });
    const cacheDir = await tempDir();
    const { ctimeMs, mtimeMs } = await stat(join(dir, "index.html"));
    const written = Math.floor(Math.max(ctimeMs, mtimeMs));
    for (const age of [-60_000, 0, 1_999]) {
      await hashes(dir, cacheDir, new InstantClock(written + age));
      expect(await readdir(cacheDir)).toEqual([]);
    }
    await hashes(dir, cacheDir, new InstantClock(written + 2_002));
    expect(await readdir(cacheDir)).toHaveLength(1);
  });

  it("forgets files that are gone and learns new ones", async () => {
    const dir = await folder({ "a.html": "x", "b.html": "x" });
    const cacheDir = await tempDir();
    const clock = await later(join(dir, "a.html"));
    await hashes(dir, cacheDir, clock);
    await rm(join(dir, "a.html"));
    await writeFile(join(dir, "c.html"), "c");
    const then = await later(join(dir, "c.html"));
    expect(await hashes(dir, cacheDir, then)).toEqual({ "b.html": sha256("x"), "c.html": sha256("c") });
    const [name = ""] = await readdir(cacheDir);
    const text = (await readFile(join(cacheDir, name))).toString("latin1");
    expect([text.includes("a.html"), text.includes("c.html")]).toEqual([false, true]);
  });

  it("publishes with a warning where the cache cannot be written", async () => {
    const dir = await folder({ "index.html": "x" });
    const file = join(await folder({ file: "x" }), "file");
    const clock = await later(join(dir, "index.html"));
    const scan = await scanFolder(dir, signal, { cacheDir: join(file, "cache"), clock });
    expect(scan.files).toHaveLength(1);
    expect(scan.warnings).toEqual([expect.stringContaining("could not be remembered: E")]);
  });
});

describe("StatCache", () => {
  async function opened() {
    const dir = await folder({ f: "x" });
    const cacheDir = await tempDir();
    const facts = await stat(join(dir, "f"), { bigint: true });
    const open = () => StatCache.open({ dir: cacheDir, folder: dir });
    const readAtMs = Number(facts.ctimeMs) + 3_600_000;
    const cache = await open();
    cache.keep("f", CONTENT, { stat: facts, readAtMs });
    await cache.save();
    const [name = ""] = await readdir(cacheDir);
    return { open, facts, readAtMs, path: join(cacheDir, name) };
  }

  it("answers only for exactly the same stat", async () => {
    const { open, facts } = await opened();
    const cache = await open();
    expect(cache.find("f", facts)).toEqual(CONTENT);
    expect(cache.find("g", facts)).toBeUndefined();
    for (const field of ["size", "mtimeNs", "ctimeNs", "ino", "dev"] as const) {
      const other = Object.create(facts, { [field]: { value: facts[field] + 1n } }) as typeof facts;
      expect(cache.find("f", other), field).toBeUndefined();
    }
  });

  it("keeps nothing without a change time, of another mount, or of a size that is not the one read", async () => {
    const { open, facts, readAtMs } = await opened();
    const without = async (change: Partial<typeof facts>): Promise<unknown> => {
      const cache = await open();
      const other = Object.assign(Object.create(facts), change) as typeof facts;
      cache.keep("other", CONTENT, { stat: other, readAtMs });
      await cache.save();
      return (await open()).find("other", other);
    };
    expect(await without({ ctimeNs: 0n })).toBeUndefined();
    expect(await without({ dev: facts.dev + 1n })).toBeUndefined();
    expect(await without({ size: 2n })).toBeUndefined();
    expect(await without({})).toEqual(CONTENT);
  });

  it("is empty after any damage", async () => {
    const { open, facts, path } = await opened();
    const data = await readFile(path);
    for (let length = 0; length < data.length; length += 7) {
      await writeFile(path, data.subarray(0, length));
      expect((await open()).find("f", facts)).toBeUndefined();
    }
    for (let at = 0; at < data.length; at += 1) {
      const flipped = Buffer.from(data);
      flipped[at] = (flipped[at] ?? 0) ^ 1;
      await writeFile(path, flipped);
      expect((await open()).find("f", facts)).toBeUndefined();
    }
    await writeFile(path, data);
    expect((await open()).find("f", facts)).toEqual(CONTENT);
  });

  it("cannot be read by others", async () => {
    const { path } = await opened();
    expect((await stat(path)).mode & 0o077).toBe(0);
  });
});
