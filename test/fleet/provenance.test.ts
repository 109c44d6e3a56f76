import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { formatStamp, parseStamp } from "../../src/deploy/live/stamp.ts";
import { readProvenance } from "../../src/fleet/provenance.ts";
import { tempDir } from "../support/temp-dir.ts";

const PATH = process.env["PATH"];
const signal = new AbortController().signal;

async function git(cwd: string, ...args: readonly string[]): Promise<string> {
  const identity = ["-c", "user.name=t", "-c", "user.email=t@example.net", "-c", "commit.gpgsign=false"];
  const { stdout } = await promisify(execFile)("git", [...identity, ...args], { cwd });
  return stdout.trim();
}

async function repository(): Promise<string> {
  const cwd = await tempDir();
  await git(cwd, "init", "-q");
  await writeFile(join(cwd, "settings.json"), "{}");
  await git(cwd, "add", "settings.json");
  await git(cwd, "commit", "-q", "-m", "First");
  return cwd;
}

describe("readProvenance", () => {
  it("tells the commit, and that tracked files differ from it", async () => {
    const cwd = await repository();
    const head = await git(cwd, "rev-parse", "HEAD");
    await writeFile(join(cwd, "plan.json"), "{}");
    const clean = await readProvenance({ cwd, variables: { PATH } }, signal);
    expect(clean).toEqual({ commit: head.slice(0, 12), by: null });
    await writeFile(join(cwd, "settings.json"), "{ }");
    const dirty = await readProvenance({ cwd, variables: { PATH } }, signal);
    expect(dirty.commit).toBe(`${head.slice(0, 12)}-dirty`);
  });

  it("takes the CI's commit where there is no repository, and the CI's actor before the user", async () => {
    const cwd = await tempDir();
    const GITHUB_SHA = "0123456789abcdef0123456789abcdef01234567";
    const variables = {
      PATH,
      GIT_CEILING_DIRECTORIES: cwd,
      GITHUB_SHA,
      GITHUB_ACTOR: "octo[bot]",
      USER: "runner",
    };
    expect(await readProvenance({ cwd, variables }, signal)).toEqual({ commit: GITHUB_SHA, by: "octo[bot]" });
    expect(await readProvenance({ cwd, variables: { USER: "ann" } }, signal)).toEqual({
      commit: null,
      by: "ann",
    });
    expect(await readProvenance({ cwd, variables: { GITHUB_SHA: "; rm -rf /" } }, signal)).toEqual({
      commit: null,
      by: null,
    });
  });

  it("makes every name fit a stamp", async () => {
    const cwd = await tempDir();
    for (const USER of ["a b, c: \u001b[31m", "x".repeat(300), "\n", "Zoë"]) {
      const { by } = await readProvenance({ cwd, variables: { USER } }, signal);
      const stamp = { version: 2, from: 1, revision: "abc", content: null, commit: null, by };
      expect(parseStamp(formatStamp(stamp))).toEqual(stamp);
    }
  });
});
