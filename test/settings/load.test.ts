import { mkdir, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { findSettingsFile, loadSettings } from "../../src/settings/load.ts";
import { exampleSettings } from "../support/environments.ts";
import { tempDir } from "../support/temp-dir.ts";

describe("the settings file", () => {
  it("is found in a folder above", async () => {
    const dir = await tempDir();
    await mkdir(join(dir, "a", "b"), { recursive: true });
    await writeFile(join(dir, "sitefleet.config.json"), "{}");
    expect(findSettingsFile(join(dir, "a", "b"))).toBe(join(dir, "sitefleet.config.json"));
  });

  it.each([
    ["sitefleet.config.json", JSON.stringify(exampleSettings)],
    ["sitefleet.config.js", `export default ${JSON.stringify(exampleSettings)};`],
    [
      "sitefleet.config.ts",
      `const settings: object = ${JSON.stringify(exampleSettings)};\nexport default settings;`,
    ],
  ])("may be %s", async (name, content) => {
    const path = join(await tempDir(), name);
    await writeFile(path, content);
    expect(Object.keys((await loadSettings(path)).environments)).toEqual(["test", "production"]);
    const fromHere = relative(process.cwd(), path);
    expect(Object.keys((await loadSettings(fromHere)).environments)).toEqual(["test", "production"]);
  });

  it.each([
    ["sitefleet.config.json", "{ not json"],
    ["sitefleet.config.ts", "export default {;"],
    ["sitefleet.config.js", "throw new Error('mine');"],
  ])("that cannot be read (%s) is the user's error with its path", async (name, content) => {
    const path = join(await tempDir(), name);
    await writeFile(path, content);
    await expect(loadSettings(path)).rejects.toMatchObject({ code: "settings/invalid", exitCode: 2 });
    await expect(loadSettings(path)).rejects.toThrow(path);
  });

  it("lists all problems in one error", async () => {
    const path = join(await tempDir(), "sitefleet.config.json");
    await writeFile(path, JSON.stringify({ environments: { test: { fastly: {}, s3: {} } } }));
    const error: unknown = await loadSettings(path).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "settings/invalid" });
    expect(error).toHaveProperty(
      "details",
      expect.arrayContaining([expect.stringMatching(/^environments\.test\.s3\.region: /)]),
    );
  });

  it("that was named but does not exist is an error", async () => {
    await expect(loadSettings("/nowhere/sitefleet.config.ts")).rejects.toMatchObject({
      code: "settings/not-found",
    });
  });
});
