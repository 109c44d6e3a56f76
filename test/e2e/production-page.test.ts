import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHECKOUT, startMirrorProcess, startProcess } from "../support/cli-process.ts";
import type { MirrorProcess } from "../support/cli-process.ts";
import { missingPrograms, typedLines } from "../support/typed-page.ts";

/** What the page asks of a machine besides Node. */
const missing = missingPrograms(["bash", "curl", "sed"]);
if (missing.length > 0) process.stderr.write(`skipped: docs/production.md needs ${missing.join(", ")}\n`);

const lines = typedLines(await readFile(join(CHECKOUT, "docs", "production.md"), "utf8"));
const cli = join(CHECKOUT, "dist", "cli.js");

/** A deploy to two stages runs every conformance case twice. */
const LONG = { timeout: 120_000 };

describe.skipIf(missing.length > 0)("docs/production.md, typed line by line", LONG, () => {
  let root = "";
  let mirrors: readonly MirrorProcess[] = [];

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "sitefleet-production-"));
    await mkdir(join(root, "bin"));
    await writeFile(join(root, "bin", "sitefleet"), `#!/bin/sh\nexec "${process.execPath}" "${cli}" "$@"\n`);
    await chmod(join(root, "bin", "sitefleet"), 0o755);
    const start = (name: string): Promise<MirrorProcess> =>
      startMirrorProcess({ cwd: root }, ["--state", join(".mirrors", name)]);
    mirrors = await Promise.all(["test", "production"].map(start));
  });

  afterAll(async () => {
    await Promise.all(mirrors.map((mirror) => mirror.stop()));
    await rm(root, { recursive: true, force: true });
  });

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

  test.for(lines)("$line", async ({ line, code, says }) => {
    // As in a shell that has read `.env`.
    const here = `PATH="${root}/bin:$PATH"; [ ! -f .env ] || { set -a; . ./.env; set +a; }; ${line}`;
    const end = await startProcess("bash", ["-o", "pipefail", "-c", here], { cwd: root }).end;
    const said = `${end.out}${end.err}`;
    expect({ line, code: end.code, said: end.code === code ? "" : said }).toEqual({ line, code, said: "" });
    for (const part of says) expect(said).toContain(part);
  });

  test("wrote no secret into any plan or report", async () => {
    const secrets = (await readFile(join(root, ".env"), "utf8")).match(/(?<==')[^'\n]{16,}/g) ?? [];
    expect(secrets.length).toBeGreaterThan(5);
    const kept = ["plan.json", "plan.md", "report.json", "changes.jsonl", "sitefleet.mirrors.json"];
    for (const name of [...kept, "sitefleet.config.ts", ".env.example", "deployer.json"]) {
      const text = await readFile(join(root, name), "utf8");
      for (const secret of secrets) expect([name, text.includes(secret)]).toEqual([name, false]);
    }
  });
});
