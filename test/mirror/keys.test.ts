import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadMirrorKeys } from "../../src/mirror/keys.ts";
import { tempDir } from "../support/temp-dir.ts";

describe("the mirror's keys", () => {
  it("are made once, for their owner only, and stay the same", async () => {
    const dir = await tempDir();
    const keys = await loadMirrorKeys(dir);
    expect(await loadMirrorKeys(dir)).toEqual(keys);
    expect((await stat(join(dir, "keys.json"))).mode & 0o777).toBe(0o600);
    expect((await loadMirrorKeys(await tempDir())).apiToken).not.toBe(keys.apiToken);
  });

  it("are never replaced silently when the file is damaged", async () => {
    const dir = await tempDir();
    await loadMirrorKeys(dir);
    await writeFile(join(dir, "keys.json"), "{");
    await expect(loadMirrorKeys(dir)).rejects.toMatchObject({ code: "mirror/state-unreadable" });
    expect(await readFile(join(dir, "keys.json"), "utf8")).toBe("{");
  });
});
