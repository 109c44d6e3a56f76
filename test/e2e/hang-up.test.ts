import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCli, startCli, startMirrorProcess } from "../support/cli-process.ts";
import type { MirrorProcess, RunningProcess } from "../support/cli-process.ts";

/** Two deploys with every conformance case, on a machine that has other things to do. */
describe("a deploy whose terminal goes away", { timeout: 240_000 }, () => {
  let cwd = "";
  let mirror: MirrorProcess | undefined;

  beforeAll(async () => {
    cwd = await mkdtemp(join(tmpdir(), "sitefleet-hang-up-"));
    mirror = await startMirrorProcess({ cwd });
  }, 60_000);

  afterAll(async () => {
    await mirror?.stop();
    await rm(cwd, { recursive: true, force: true });
  });

  const status = async (): Promise<string> => (await runCli(["deploy", "status"], { cwd })).out;

  it("takes back what was not verified yet, for SIGHUP as for Ctrl-C", async () => {
    const { child, end } = startCli(["deploy", "apply"], { cwd });
    await said(child, "publishing the conformance sites");
    child.kill("SIGHUP");
    child.kill("SIGHUP");
    const { code, err } = await end;
    expect([code, err]).toEqual([130, expect.stringContaining("interrupted: nothing is live, as before")]);
    expect(await status()).toContain("active   nothing");
  });

  it("goes on where nobody reads its progress any more", async () => {
    const { child, end } = startCli(["deploy", "apply"], { cwd });
    await said(child, "valid");
    child.stderr?.destroy();
    expect((await end).code).toBe(0);
    expect(await status()).toMatch(/^last {5}verified$/m);
  });
});

function said(child: RunningProcess["child"], text: string): Promise<void> {
  return new Promise((resolve) => {
    let all = "";
    child.stderr?.on("data", (chunk: string) => {
      all += chunk;
      if (all.includes(text)) resolve();
    });
  });
}
