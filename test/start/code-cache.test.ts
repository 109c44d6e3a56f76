import { chmod, mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";

import { codeCacheFolder, readCodeCache, writeCodeCache } from "../../src/start/code-cache.ts";
import { tempDir } from "../support/temp-dir.ts";

const STAMP = "build v20 x64";

describe("the file of compiled code", () => {
  const CODE = new Map([
    ["a.cjs", Buffer.from("compiled a")],
    ["b.cjs", Buffer.from("")],
  ]);

  async function written(): Promise<string> {
    const path = join(await tempDir(), "caches/code/publish");
    writeCodeCache(path, STAMP, CODE);
    return path;
  }

  it("is read as it was written, by the build and the Node that wrote it", async () => {
    const path = await written();
    expect(readCodeCache(path, STAMP)).toEqual(CODE);
    expect(readCodeCache(path, "build v22 x64")).toEqual(new Map());
    expect(readCodeCache(`${path}-other`, STAMP)).toEqual(new Map());
    writeCodeCache(path, "later", new Map([["a.cjs", Buffer.from("new")]]));
    expect(readCodeCache(path, STAMP)).toEqual(new Map());
    expect(await readdir(dirname(path))).toEqual(["publish"]);
  });

  it("is empty with any byte changed or missing", async () => {
    const path = await written();
    const whole = await readFile(path);
    for (let at = 0; at < whole.length; at += 1) {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      await writeFile(path, damaged);
      expect(readCodeCache(path, STAMP)).toEqual(new Map());
      await writeFile(path, whole.subarray(0, at));
      expect(readCodeCache(path, STAMP)).toEqual(new Map());
    }
  });

  it.skipIf(process.platform === "win32")(
    "is not believed, nor written, where others could write",
    async () => {
      const path = await written();
      await chmod(path, 0o620);
      expect(readCodeCache(path, STAMP)).toEqual(new Map());
      await chmod(path, 0o600);
      expect(readCodeCache(path, STAMP)).toEqual(CODE);
      await chmod(dirname(path), 0o777);
      writeCodeCache(`${path}-new`, STAMP, CODE);
      expect(await readdir(dirname(path))).toEqual(["publish"]);
    },
  );

  it("is done without where its folder cannot be made", async () => {
    const folder = await tempDir();
    await mkdir(join(folder, "x"));
    await writeFile(join(folder, "x/code"), "a file");
    writeCodeCache(join(folder, "x/code/publish"), STAMP, CODE);
    expect(readCodeCache(join(folder, "x/code/publish"), STAMP)).toEqual(new Map());
  });

  it.each([
    [{ HOME: "/home/me" }, "linux", "/home/me/.cache/sitefleet/code"],
    [{ HOME: "/home/me", XDG_CACHE_HOME: "/caches" }, "linux", "/caches/sitefleet/code"],
    [{ HOME: "/Users/me" }, "darwin", "/Users/me/Library/Caches/sitefleet/code"],
    [{ HOME: "/home/me", NODE_DISABLE_COMPILE_CACHE: "1" }, "linux", undefined],
    [{}, "linux", undefined],
    [{ HOME: "/home/me" }, "win32", undefined],
  ] as const)("of %j on %s is in %s", (variables, platform, folder) => {
    expect(codeCacheFolder(variables, platform)).toBe(folder);
  });
});
