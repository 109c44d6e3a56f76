import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BRIEF_WAITS, CHECKOUT, startMirrorProcess, startProcess } from "../support/cli-process.ts";
import type { MirrorProcess } from "../support/cli-process.ts";
import { missingPrograms, typedLines } from "../support/typed-page.ts";

/** What the page asks of a machine besides Node. */
const missing = missingPrograms(["bash", "curl"]);
if (missing.length > 0) process.stderr.write(`skipped: docs/publishing.md needs ${missing.join(", ")}\n`);

const lines = typedLines(await readFile(join(CHECKOUT, "docs", "publishing.md"), "utf8"));
const cli = join(CHECKOUT, "dist", "cli.js");

describe.skipIf(missing.length > 0)("docs/publishing.md, typed line by line", () => {
  let root = "";
  let mirror: MirrorProcess | undefined;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "sitefleet-publishing-"));
    await mkdir(join(root, "bin"));
    await writeFile(join(root, "bin", "sitefleet"), `#!/bin/sh\nexec "${process.execPath}" "${cli}" "$@"\n`);
    await chmod(join(root, "bin", "sitefleet"), 0o755);
    const env = { SITEFLEET_STATE: join(root, "state") };
    mirror = await startMirrorProcess({ cwd: root, env }, ["--examples"]);
  });

  afterAll(async () => {
    await mirror?.stop();
    await rm(root, { recursive: true, force: true });
  });

  test("has a line for every part that it promises", () => {
    const text = lines.map(({ line }) => line).join("\n");
    for (const part of [
      "--dry-run",
      "_redirects",
      "_headers",
      "--preview",
      "site promote",
      "--from staging",
      "site rollback",
      "site prune",
      "site protect",
      "--eu-only",
      "--noindex",
      "site suspend",
      "--verify",
      "--in-place",
      "--no-wait",
      "purge --owed",
      "--batch",
      "--undo",
    ])
      expect(text).toContain(part);
  });

  test.for(lines)("$line", async ({ line, code, says }) => {
    const port = new URL(mirror?.file.edge.http ?? "").port;
    const here = `PATH="${root}/bin:$PATH"; ${line.replaceAll("8080", port).replaceAll("/tmp/", `${root}/`)}`;
    const place = { cwd: root, env: { SITEFLEET_STATE: join(root, "state"), ...BRIEF_WAITS } };
    const end = await startProcess("bash", ["-o", "pipefail", "-c", here], place).end;
    const said = `${end.out}${end.err}`;
    expect({ line, code: end.code, said: end.code === code ? "" : said }).toEqual({ line, code, said: "" });
    for (const part of says) expect(said).toContain(part);
  });
});
