import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkOutputFile, whileWriting, writeOutputFile } from "../../src/commands/output-file.ts";

let cwd = "";

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "sitefleet-output-"));
  await writeFile(join(cwd, "file"), "a file");
});

afterAll(() => rm(cwd, { recursive: true, force: true }));

describe("a file that a command writes", () => {
  it.each([
    ["in a folder that is not there", "nowhere/plan.md", "there is no such file or folder"],
    ["below a file", "file/plan.md", "a part of its path is no folder"],
    ["that is a folder", ".", "it is a folder"],
  ])("%s is refused before and when it is written, and nothing is left", async (_, name, reason) => {
    const refused = {
      code: "output/not-writable",
      exitCode: 2,
      message: expect.stringMatching(/^".*" cannot be written: /) as string,
    };
    await expect(checkOutputFile({ cwd, name })).rejects.toMatchObject({
      ...refused,
      message: `"${name}" cannot be written: ${reason}`,
    });
    await expect(writeOutputFile({ cwd, name }, { text: "x" })).rejects.toMatchObject(refused);
    expect(await readdir(cwd)).toEqual(["file"]);
  });

  it("is found writable where it is new and where it is there, and is written", async () => {
    for (const name of ["file", join(cwd, "new")]) {
      await checkOutputFile({ cwd, name });
      await writeOutputFile({ cwd, name }, { text: "text" });
    }
    expect(await readFile(join(cwd, "file"), "utf8")).toBe("text");
    expect(await readFile(join(cwd, "new"), "utf8")).toBe("text");
    await rm(join(cwd, "new"));
  });

  it("leaves what is no answer of the system's as it is", async () => {
    const fault = new TypeError("ours");
    await expect(whileWriting("x", () => Promise.reject(fault))).rejects.toBe(fault);
  });
});
