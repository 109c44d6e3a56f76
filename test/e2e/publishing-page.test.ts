import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BRIEF_WAITS, CHECKOUT, startMirrorProcess } from "../support/cli-process.ts";
import type { MirrorProcess } from "../support/cli-process.ts";
import { missingPrograms, typedLines } from "../support/typed-page.ts";
import { typingFolder } from "../support/typing-folder.ts";

/** What the page asks of a machine besides Node. */
const missing = missingPrograms(["bash", "curl"]);
if (missing.length > 0) process.stderr.write(`skipped: docs/publishing.md needs ${missing.join(", ")}\n`);

const lines = typedLines(await readFile(join(CHECKOUT, "docs", "publishing.md"), "utf8"));

describe.skipIf(missing.length > 0)("docs/publishing.md, typed line by line", () => {
  const folder = typingFolder("publishing");
  let mirror: MirrorProcess | undefined;

  beforeAll(async () => {
    const env = { SITEFLEET_STATE: join(folder.root, "state") };
    mirror = await startMirrorProcess({ cwd: folder.root, env }, ["--examples"]);
  });

  afterAll(async () => void (await mirror?.stop()));

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

  test.for(lines)("$line", async (line) => {
    const { port } = new URL(mirror?.file.edge.http ?? "");
    const here = line.line.replaceAll("8080", port).replaceAll("/tmp/", `${folder.root}/`);
    await folder.type(line, { here, env: { SITEFLEET_STATE: join(folder.root, "state"), ...BRIEF_WAITS } });
  });
});
