import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHECKOUT, startMirrorProcess } from "../support/cli-process.ts";
import type { MirrorProcess } from "../support/cli-process.ts";
import { missingPrograms, typedLines } from "../support/typed-page.ts";
import { typingFolder } from "../support/typing-folder.ts";

/** What the page asks of a machine besides Node. */
const missing = missingPrograms(["bash", "curl", "sed"]);
if (missing.length > 0) process.stderr.write(`skipped: docs/production.md needs ${missing.join(", ")}\n`);

const lines = typedLines(await readFile(join(CHECKOUT, "docs", "production.md"), "utf8"));

/** A deploy to two stages runs every conformance case twice. */
const LONG = { timeout: 120_000 };

describe.skipIf(missing.length > 0)("docs/production.md, typed line by line", LONG, () => {
  const folder = typingFolder("production");
  let mirrors: readonly MirrorProcess[] = [];

  beforeAll(async () => {
    const start = (name: string): Promise<MirrorProcess> =>
      startMirrorProcess({ cwd: folder.root }, ["--state", join(".mirrors", name)]);
    mirrors = await Promise.all(["test", "production"].map(start));
  });

  afterAll(async () => void (await Promise.all(mirrors.map((mirror) => mirror.stop()))));

  test("has a line for every part that it promises", () => {
    const text = lines.map(({ line }) => line).join("\n");
    for (const part of [
      "sitefleet init",
      "deploy policies",
      "--create",
      "sitefleet doctor",
      "sitefleet lint",
      "deploy plan",
      "--out plan.json",
      "--detailed-exitcode # exit 10",
      "--replay-out",
      "deploy ship",
      "--report",
      "deploy apply plan.json",
      "deploy status",
      "deploy rollback",
      "--adopt",
      "--overwrite",
    ])
      expect(text).toContain(part);
  });

  test.for(lines)("$line", (line) => folder.type(line));

  test("wrote no secret into any plan or report", async () => {
    const secrets = (await readFile(join(folder.root, ".env"), "utf8")).match(/(?<==')[^'\n]{16,}/g) ?? [];
    expect(secrets.length).toBeGreaterThan(5);
    const kept = ["plan.json", "plan.md", "report.json", "changes.jsonl", "sitefleet.mirrors.json"];
    for (const name of [...kept, "sitefleet.config.ts", ".env.example", "deployer.json"]) {
      const text = await readFile(join(folder.root, name), "utf8");
      for (const secret of secrets) expect([name, text.includes(secret)]).toEqual([name, false]);
    }
  });
});
