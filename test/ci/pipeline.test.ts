import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CHECKOUT, FREE_PORTS, startMirrorProcess, startProcess } from "../support/cli-process.ts";
import type { ProcessEnd } from "../support/cli-process.ts";

/** What of the checkout the pipeline needs when it was built before. */
const NEEDED = ["ci", "dist", "templates", "inspector", "package.json"];

/** Every step runs the conformance cases once or twice. */
const LONG = { timeout: 300_000 };

describe("ci/pipeline.js without a Fastly token, in a checkout of its own", LONG, () => {
  let root = "";

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "sitefleet-pipeline-"));
    for (const name of NEEDED) await cp(join(CHECKOUT, name), join(root, name), { recursive: true });
    await symlink(join(CHECKOUT, "node_modules"), join(root, "node_modules"));
  });

  afterAll(() => rm(root, { recursive: true, force: true }));

  function pipeline(...args: readonly string[]): Promise<ProcessEnd> {
    const env = { GITHUB_STEP_SUMMARY: join(root, "summary.md"), FASTLY_API_TOKEN: "" };
    return startProcess(process.execPath, ["ci/pipeline.js", ...args], { cwd: root, env }).end;
  }

  const report = (): Promise<string> => readFile(join(root, "plan.md"), "utf8");

  it("deploys to test, and only to test, on merge", async () => {
    const end = await pipeline("merge", "--built");
    expect(end).toMatchObject({
      code: 0,
      err: expect.stringContaining("two mirrors are the stages") as string,
    });
    expect(end.out).toContain("test: version 1 is live, verified");
    expect(end.out).toContain("production: nothing is live, not begun");
    expect(end.err).toMatch(/^test: conformance: \d{3} cases passed, 0 failed$/m);
    expect(await readFile(join(root, "summary.md"), "utf8")).toBe(await report());
  });

  it("deploys to production on release, behind a test stage that is verified again", async () => {
    const end = await pipeline("release", "--built");
    expect(end.code).toBe(0);
    expect(end.out).toContain("test: version 1 is live, as before, verified");
    expect(end.out).toContain("production: version 1 is live, verified");
  });

  it("fails a pull request whose template breaks a case, names the case, and shows the plan", async () => {
    const path = join(root, "templates", "noindex.vcl.njk");
    const before = await readFile(path, "utf8");
    await writeFile(path, before.replace('"noindex"', '"all"'));
    const end = await pipeline("pull-request", "--built");
    await writeFile(path, before);
    expect(end.code).toBe(5);
    expect(end.err).toContain("failed   robots/noindex: ");
    expect(end.err).toContain("[deploy/verification-failed]");
    const plan = await report();
    expect(plan).toMatch(/^\+ +set resp\.http\.X-Robots-Tag = "all";$/m);
    expect(plan).toContain("(noindex.vcl.njk:4)");
    expect(plan).toContain("test and production are alike");
  });

  it("fails a pull request whose template is no VCL, with the template's line", async () => {
    const path = join(root, "templates", "noindex.vcl.njk");
    const before = await readFile(path, "utf8");
    await writeFile(path, before.replace('"noindex"', "noindex"));
    const end = await pipeline("pull-request", "--built");
    await writeFile(path, before);
    expect(end.code).toBe(1);
    expect(end.err).toContain("noindex.vcl.njk:4: error");
  });

  it("passes a pull request that changes nothing of the edge", async () => {
    const end = await pipeline("pull-request", "--built");
    expect(end.code).toBe(0);
    expect((await report()).match(/No changes\./g)).toHaveLength(2);
  });

  it("refuses to release while production was changed by hand, and says what was", async () => {
    await changeByHand(join(root, ".mirrors", "production"));
    const end = await pipeline("release", "--built");
    expect(end.code).toBe(6);
    expect(end.err).toContain("production was changed by hand since the last deploy [deploy/drift]");
    expect(end.err).toContain("general.default_ttl");
    expect(await report()).toContain("[deploy/drift]");
  });

  it("says what it can do when it is asked for something else", async () => {
    for (const args of [[], ["deploy"], ["merge", "release"], ["merge", "--frobnicate"]]) {
      const end = await pipeline(...args);
      expect([args, end.code, end.err]).toEqual([
        args,
        2,
        expect.stringContaining("usage: node ci/pipeline.js"),
      ]);
    }
  });

  it("ends with real stages, and no mirror, where there is a token", async () => {
    const env = { FASTLY_API_TOKEN_TEST: "a-token" };
    const args = ["ci/pipeline.js", "merge", "--built"];
    const end = await startProcess(process.execPath, args, { cwd: root, env }).end;
    expect(end.code).toBe(2);
    expect(end.err).toContain("[settings/not-found]");
    expect(end.err).not.toContain("mirrors");
  });

  /** Somebody clones the live version, changes the clone, and makes it live. */
  async function changeByHand(state: string): Promise<void> {
    const ports = { ...FREE_PORTS, ...portsIn(await readFile(join(state, "ports.json"), "utf8")) };
    const mirror = await startMirrorProcess({ cwd: root }, ["--state", state], ports);
    const { url, token } = mirror.file.api;
    const call = async (method: string, path: string, form = ""): Promise<Response> => {
      const headers = { "fastly-key": token, "content-type": "application/x-www-form-urlencoded" };
      const answer = await fetch(`${url}${path}`, {
        method,
        headers,
        ...(form === "" ? {} : { body: form }),
      });
      expect([path, answer.status]).toEqual([path, 200]);
      return answer;
    };
    const service = (await (await call("GET", "/service/search?name=pipeline-production")).json()) as {
      readonly id: string;
    };
    const path = `/service/${service.id}/version`;
    await call("PUT", `${path}/1/clone`);
    await call("PUT", `${path}/2/settings`, "general.default_ttl=60");
    await call("PUT", `${path}/2/activate`);
    await mirror.stop();
  }
});

function portsIn(text: string): { edge: number; edgeTls: number; api: number; s3: number } {
  const ports = JSON.parse(text) as Readonly<Record<string, number>>;
  const port = (name: string): number => ports[`${name}-port`] ?? 0;
  return { edge: port("edge"), edgeTls: port("edge-tls"), api: port("api"), s3: port("s3") };
}
