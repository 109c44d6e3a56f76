import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHECKOUT, startMirrorProcess, startProcess } from "../support/cli-process.ts";
import type { MirrorProcess } from "../support/cli-process.ts";
import { missingPrograms, typedLines } from "../support/typed-page.ts";

/** What the page asks of a machine besides Node. */
const missing = missingPrograms(["bash", "curl"]);
if (missing.length > 0) process.stderr.write(`skipped: docs/first-time.md needs ${missing.join(", ")}\n`);

const lines = typedLines(await readFile(join(CHECKOUT, "docs", "first-time.md"), "utf8"));
const cli = join(CHECKOUT, "dist", "cli.js");

describe.skipIf(missing.length > 0)("docs/first-time.md, typed line by line", () => {
  let root = "";
  let mirror: MirrorProcess | undefined;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "sitefleet-first-time-"));
    await mkdir(join(root, "bin"));
    await writeFile(join(root, "bin", "sitefleet"), `#!/bin/sh\nexec "${process.execPath}" "${cli}" "$@"\n`);
    await chmod(join(root, "bin", "sitefleet"), 0o755);
    mirror = await startMirrorProcess({ cwd: root });
  });

  afterAll(async () => {
    await mirror?.stop();
    await rm(root, { recursive: true, force: true });
  });

  test("has a line for every part that it promises", () => {
    const text = lines.map(({ line }) => line).join("\n");
    for (const part of ["init", "deploy policies", "deploy apply --create", "doctor", "publish"])
      expect(text).toContain(`sitefleet ${part}`);
  });

  test.for(lines)("$line", async ({ line, code, says }) => {
    const { edge, api, s3 } = mirror?.file ?? { edge: { http: "" }, api: { url: "" }, s3: { url: "" } };
    const typed = line
      .replaceAll("http://127.0.0.1:8080", edge.http)
      .replaceAll("http://127.0.0.1:8081", api.url)
      .replaceAll("http://127.0.0.1:8082", s3.url);
    // As in a shell that has read `.env`; what a line sets for itself wins.
    const here = `PATH="${root}/bin:$PATH"; [ ! -f .env ] || { set -a; . ./.env; set +a; }; ${typed}`;
    const end = await startProcess("bash", ["-o", "pipefail", "-c", here], { cwd: root }).end;
    const said = `${end.out}${end.err}`;
    expect({ line, code: end.code, said: end.code === code ? "" : said }).toEqual({ line, code, said: "" });
    for (const part of says) expect(said).toContain(part);
  });

  test("wrote no secret into what it made but `.env` and the keys", async () => {
    const secrets = (await readFile(join(root, ".env"), "utf8")).match(/(?<==)\S{20,}$/gm) ?? [];
    expect(secrets.length).toBeGreaterThan(3);
    for (const name of ["sitefleet.config.ts", ".env.example", "edge-reader.json", "deployer.json"]) {
      const text = await readFile(join(root, name), "utf8");
      for (const secret of secrets) expect(text).not.toContain(secret);
    }
  });
});
