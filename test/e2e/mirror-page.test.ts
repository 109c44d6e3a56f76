import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHECKOUT, startMirrorProcess } from "../support/cli-process.ts";
import type { MirrorProcess } from "../support/cli-process.ts";
import { missingPrograms, typedLines } from "../support/typed-page.ts";
import { typingFolder } from "../support/typing-folder.ts";

const missing = missingPrograms(["bash", "curl"]);
if (missing.length > 0) process.stderr.write(`skipped: docs/mirror.md needs ${missing.join(", ")}\n`);

const lines = typedLines(await readFile(join(CHECKOUT, "docs", "mirror.md"), "utf8"));
const POPS = ["--pops", "lhr,iad,syd", "--shield", "iad", "--pop-ports", "0", "--purge-delay", "iad=150"];

describe.skipIf(missing.length > 0)("docs/mirror.md, typed line by line", () => {
  const folder = typingFolder("mirror");
  let mirror: MirrorProcess | undefined;

  beforeAll(async () => {
    const env = { SITEFLEET_STATE: join(folder.root, "state") };
    mirror = await startMirrorProcess({ cwd: folder.root, env }, ["--examples", ...POPS]);
  });

  afterAll(async () => void (await mirror?.stop()));

  test("has lines to type", () => {
    expect(lines.length).toBeGreaterThan(3);
  });

  test.for(lines)("$line", async (line) => {
    const { http = "", https = "", popUrls = {} } = mirror?.file.edge ?? {};
    // The page's ports and state folder are the default ones; the mirror of this test listens at free ones.
    const here = line.line
      .replaceAll(".sitefleet/", "state/")
      .replaceAll("8080", new URL(http).port)
      .replaceAll("8443", new URL(https).port)
      .replaceAll("8094", new URL(popUrls["SYD"]?.http ?? "").port);
    await folder.type(line, { here, env: { SITEFLEET_STATE: join(folder.root, "state") } });
  });
});
