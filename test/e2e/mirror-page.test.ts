import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHECKOUT, startMirrorProcess, startProcess } from "../support/cli-process.ts";
import type { MirrorProcess } from "../support/cli-process.ts";
import { missingPrograms, typedLines } from "../support/typed-page.ts";

const missing = missingPrograms(["bash", "curl"]);
if (missing.length > 0) process.stderr.write(`skipped: docs/mirror.md needs ${missing.join(", ")}\n`);

const lines = typedLines(await readFile(join(CHECKOUT, "docs", "mirror.md"), "utf8"));
const POPS = ["--pops", "lhr,iad,syd", "--shield", "iad", "--pop-ports", "0", "--purge-delay", "iad=150"];

describe.skipIf(missing.length > 0)("docs/mirror.md, typed line by line", () => {
  let root = "";
  let mirror: MirrorProcess | undefined;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "sitefleet-mirror-"));
    await mkdir(join(root, "bin"));
    const cli = join(CHECKOUT, "dist", "cli.js");
    await writeFile(join(root, "bin", "sitefleet"), `#!/bin/sh\nexec "${process.execPath}" "${cli}" "$@"\n`);
    await chmod(join(root, "bin", "sitefleet"), 0o755);
    const env = { SITEFLEET_STATE: join(root, "state") };
    mirror = await startMirrorProcess({ cwd: root, env }, ["--examples", ...POPS]);
  });

  afterAll(async () => {
    await mirror?.stop();
    await rm(root, { recursive: true, force: true });
  });

  test("has lines to type", () => {
    expect(lines.length).toBeGreaterThan(3);
  });

  test.for(lines)("$line", async ({ line, code }) => {
    const { http = "", https = "", popUrls = {} } = mirror?.file.edge ?? {};
    // The page's ports and state folder are the default ones; the mirror of this test listens at free ones.
    const typed = line
      .replaceAll(".sitefleet/", "state/")
      .replaceAll("8080", new URL(http).port)
      .replaceAll("8443", new URL(https).port)
      .replaceAll("8094", new URL(popUrls["SYD"]?.http ?? "").port);
    const here = `PATH="${root}/bin:$PATH"; ${typed}`;
    const place = { cwd: root, env: { SITEFLEET_STATE: join(root, "state") } };
    const end = await startProcess("bash", ["-o", "pipefail", "-c", here], place).end;
    const said = end.code === code ? "" : `${end.out}${end.err}`;
    expect({ line, code: end.code, said }).toEqual({ line, code, said: "" });
  });
});
