import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHECKOUT, startMirrorProcess } from "../support/cli-process.ts";
import type { MirrorProcess } from "../support/cli-process.ts";
import { missingPrograms, typedLines } from "../support/typed-page.ts";
import { typingFolder } from "../support/typing-folder.ts";

/** What the page asks of a machine besides Node. */
const missing = missingPrograms(["bash", "curl"]);
if (missing.length > 0) process.stderr.write(`skipped: docs/first-time.md needs ${missing.join(", ")}\n`);

const lines = typedLines(await readFile(join(CHECKOUT, "docs", "first-time.md"), "utf8"));

describe.skipIf(missing.length > 0)("docs/first-time.md, typed line by line", () => {
  const folder = typingFolder("first-time");
  let mirror: MirrorProcess | undefined;

  beforeAll(async () => {
    mirror = await startMirrorProcess({ cwd: folder.root });
  });

  afterAll(async () => void (await mirror?.stop()));

  test("has a line for every part that it promises", () => {
    const text = lines.map(({ line }) => line).join("\n");
    for (const part of ["init", "deploy policies", "deploy apply --create", "doctor", "publish"])
      expect(text).toContain(`sitefleet ${part}`);
  });

  test.for(lines)("$line", async (line) => {
    const { edge, api, s3 } = mirror?.file ?? { edge: { http: "" }, api: { url: "" }, s3: { url: "" } };
    const here = line.line
      .replaceAll("http://127.0.0.1:8080", edge.http)
      .replaceAll("http://127.0.0.1:8081", api.url)
      .replaceAll("http://127.0.0.1:8082", s3.url);
    await folder.type(line, { here });
  });

  test("wrote no secret into what it made but `.env` and the keys", async () => {
    const secrets = (await readFile(join(folder.root, ".env"), "utf8")).match(/(?<==)\S{20,}$/gm) ?? [];
    expect(secrets.length).toBeGreaterThan(3);
    for (const name of ["sitefleet.config.ts", ".env.example", "edge-reader.json", "deployer.json"]) {
      const text = await readFile(join(folder.root, name), "utf8");
      for (const secret of secrets) expect(text).not.toContain(secret);
    }
  });
});
