import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

import { canonicalText, parseSignature, signatureHeader } from "../../src/hook/signature.ts";
import { ROUTES } from "../../src/hook/routes.ts";
import * as library from "../../src/index.ts";
import { Secret } from "../../src/lib/secret.ts";
import { KEY, sha256, startTestHook } from "../hook/hook-fixture.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { tempDir } from "../support/temp-dir.ts";
import { visible } from "../publish/publish-fixture.ts";
import { codeBlocks, readPage } from "./page.ts";

const page = await readPage("hooks.md");
const run = promisify(execFile);

describe("docs/hooks.md", () => {
  it("shows a signature that is right, and the text that it is of", () => {
    const [headers = "", text = ""] = codeBlocks(page, "text");
    const [, header = "", digest = ""] =
      /^Sitefleet-Signature: (.*)\nSitefleet-Content-SHA256: (.*)$/m.exec(headers) ?? [];
    expect(digest).toBe(sha256('{"site":"acme"}'));
    const { keyId, timestamp, nonce } = parseSignature(header) ?? { keyId: "", timestamp: 0, nonce: "" };
    const signed = {
      environment: "production",
      method: "POST",
      target: "/v1/purges",
      timestamp,
      nonce,
      digest,
    };
    expect(text).toBe(`${canonicalText(signed)}\n`);
    const secret = new Secret("0123456789abcdef0123456789abcdef");
    expect(signatureHeader({ id: keyId, secret }, signed)).toBe(header);
  });

  it("has a row for every route", () => {
    for (const { method, path } of ROUTES) expect(page).toContain(`\`${method} ${path}\``);
  });

  it("names functions of the library that there are", () => {
    const [names = ""] = codeBlocks(page, "ts");
    const imported = /\{ (.*) \}/.exec(names)?.[1]?.split(", ") ?? [];
    expect(imported.length).toBeGreaterThan(0);
    for (const name of imported) expect(library).toHaveProperty(name);
  });

  it("has an example for curl and openssl that publishes, purges and removes as it stands", async () => {
    const test = await startTestHook({ clock: new FakeClock(Date.now()) });
    const [script = ""] = codeBlocks(page, "bash");
    const cwd = await tempDir();
    await mkdir(join(cwd, "dist"));
    await writeFile(join(cwd, "dist", "index.html"), "by curl");
    const shown = script.replace("application/gzip\n", "application/gzip; exit\n");
    const env = {
      PATH: process.env["PATH"],
      HOOK_URL: test.hook.url,
      HOOK_ENV: "test",
      HOOK_KEY: KEY.id,
      HOOK_SECRET: KEY.secret.reveal(),
    };
    await run("bash", ["-euc", shown], { cwd, env });
    expect(visible(test.world, "www.acme.com")).toMatchObject({ "index.html": "by curl" });
    const { stdout } = await run("bash", ["-euc", script], { cwd, env });
    const answers = stdout
      .trim()
      .split("\n")
      .map((line): unknown => JSON.parse(line));
    expect(answers).toMatchObject([
      { kind: "publish", state: "done", result: { kind: "unchanged" } },
      { kind: "purge", state: "done" },
      { kind: "remove-domain", state: "done" },
    ]);
    expect(visible(test.world, "www.acme.com")).toBeUndefined();
  });
});
