import type { ChildProcess } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CHECKOUT, FREE_PORTS, startMirrorProcess, startProcess } from "../support/cli-process.ts";
import type { ProcessEnd, RunningProcess } from "../support/cli-process.ts";
import { tempDir } from "../support/temp-dir.ts";

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
    const env = {
      GITHUB_STEP_SUMMARY: join(root, "summary.md"),
      GITHUB_OUTPUT: join(root, "output"),
      FASTLY_API_TOKEN: "",
    };
    return startProcess(process.execPath, ["ci/pipeline.js", ...args], { cwd: root, env }).end;
  }

  /** Runs work while a template says something else. */
  async function withTemplate(
    [name, from, to]: readonly [name: string, from: string, to: string],
    work: () => Promise<ProcessEnd>,
  ): Promise<ProcessEnd> {
    const path = join(root, "templates", name);
    const before = await readFile(path, "utf8");
    await writeFile(path, before.replace(from, to));
    try {
      return await work();
    } finally {
      await writeFile(path, before);
    }
  }

  const report = (): Promise<string> => readFile(join(root, "plan.md"), "utf8");

  it("deploys to test, and only to test, on merge, and writes down what is to come behind it", async () => {
    const end = await pipeline("merge", "--built", "--plans", "plans");
    expect(end).toMatchObject({
      code: 0,
      err: expect.stringContaining("two mirrors are the stages") as string,
    });
    expect(end.out).toContain("test: version 1 is live, verified");
    expect(end.out).toContain("production: nothing is live, not begun");
    expect(end.err).toMatch(/^test: conformance: \d{3} cases passed, 0 failed$/m);
    expect(await readFile(join(root, "summary.md"), "utf8")).toBe(await report());
    expect(await readdir(join(root, "plans"))).toEqual(["production.json"]);
    expect(await readFile(join(root, "output"), "utf8")).toBe("release=true\n");
  });

  it("carries out on release what the merge wrote down, and leaves the test stage alone", async () => {
    const end = await pipeline("release", "--built", "--plans", "plans");
    expect(end.code).toBe(0);
    expect(end.out).toContain("production: version 1 is live");
    expect(end.err).toMatch(/^conformance: \d{3} cases passed, 0 failed$/m);
    expect(end.err).not.toContain("--env test");
    expect(await report()).toMatch(/^production: version 1 is live, verified$/m);
  });

  it("carries out no plan a second time, and none that it does not find", async () => {
    const again = await pipeline("release", "--built", "--plans", "plans");
    expect([again.code, again.err]).toEqual([6, expect.stringContaining("[deploy/changed-meanwhile]")]);
    const none = await pipeline("release", "--built", "--plans", "nothing");
    expect([none.code, none.err]).toEqual([
      2,
      expect.stringContaining("there is no nothing/test.json or nothing/production.json"),
    ]);
  });

  it("says behind a merge that changes nothing of the edge that nobody need release it", async () => {
    await rm(join(root, "output"));
    const end = await pipeline("merge", "--built", "--plans", "plans");
    expect([end.code, end.err]).toEqual([0, expect.stringContaining("nothing to release for production")]);
    expect(await readFile(join(root, "output"), "utf8")).toBe("release=false\n");
  });

  it("releases nothing where the test stage runs another change by now", async () => {
    const end = await withTemplate(["noindex.vcl.njk", '"noindex"', '"noindex, nofollow"'], () =>
      pipeline("release", "--built", "--plans", "plans"),
    );
    expect([end.code, end.err]).toEqual([6, expect.stringContaining("test runs another change by now")]);
  });

  it("fails a pull request whose template breaks a case, names the case, and shows the plan", async () => {
    const end = await withTemplate(["noindex.vcl.njk", '"noindex"', '"all"'], () =>
      pipeline("pull-request", "--built"),
    );
    expect(end.code).toBe(5);
    expect(end.err).toContain("failed   robots/noindex: ");
    expect(end.err).toContain("[deploy/verification-failed]");
    const plan = await report();
    expect(plan).toMatch(/^\+ +set resp\.http\.X-Robots-Tag = "all";$/m);
    expect(plan).toContain("(noindex.vcl.njk:4)");
    expect(plan).toContain("test and production are alike");
  });

  it("fails a pull request whose template is no VCL, with the template's line", async () => {
    const end = await withTemplate(["noindex.vcl.njk", '"noindex"', "noindex"], () =>
      pipeline("pull-request", "--built"),
    );
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

  it.for([
    [[], "which step?"],
    [["deploy"], 'no step "deploy"'],
    [["constructor"], 'no step "constructor"'],
    [["merge", "release"], "one step at a time: merge release"],
    [["merge", "--frobnicate"], "Unknown option '--frobnicate'"],
    [["merge", "--plans"], "Option '--plans <value>' argument missing"],
    [["merge", "--plans="], "--plans is empty"],
    [["merge", "--mirrors="], "--mirrors is empty"],
    [["release", "--report="], "--report is empty"],
  ] as const)("says what it can do when it is asked for %j", async ([args, said]) => {
    const end = await pipeline(...args);
    expect([end.code, end.err]).toEqual([2, expect.stringContaining(said)]);
    expect(end.err).toContain("usage: node ci/pipeline.js");
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

describe("ci/pipeline.js checks, in a repository where each check writes down that it ran", () => {
  /** @param wrong the check that fails, with 3 */
  async function repository(wrong?: "check" | "build" | "vitest"): Promise<string> {
    const root = await tempDir();
    await cp(join(CHECKOUT, "ci"), join(root, "ci"), { recursive: true });
    const script = (name: string): string => `echo ${name} >> ran.txt${name === wrong ? " && exit 3" : ""}`;
    const scripts = { check: script("check"), build: script("build") };
    await writeFile(join(root, "package.json"), JSON.stringify({ type: "module", scripts }));
    await mkdir(join(root, "node_modules", ".bin"), { recursive: true });
    await writeProgram(root, `[ "$*" = run ] || exit 9\n${script("vitest")}`);
    return root;
  }

  /** Stands in for vitest. */
  function writeProgram(root: string, text: string): Promise<void> {
    return writeFile(join(root, "node_modules", ".bin", "vitest"), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  }

  const ranIn = async (root: string): Promise<readonly string[]> =>
    (await readFile(join(root, "ran.txt"), "utf8")).trim().split("\n");

  const checks = (root: string): RunningProcess =>
    startProcess(process.execPath, ["ci/pipeline.js", "checks"], { cwd: root });

  it("runs every check, one after the other", async () => {
    const root = await repository();
    const end = await checks(root).end;
    expect(end.code).toBe(0);
    expect(await ranIn(root)).toEqual(["check", "build", "vitest"]);
    const titles = end.err.split("\n").filter((line) => line.startsWith("> "));
    expect(titles).toEqual(["> npm run check", "> npm run build", "> npx --no-install vitest run"]);
  });

  it.for([
    ["check", ["check"]],
    ["build", ["check", "build"]],
    ["vitest", ["check", "build", "vitest"]],
  ] as const)("stops at %s where that fails, with its code", async ([wrong, ran]) => {
    const root = await repository(wrong);
    const end = await checks(root).end;
    expect(end).toMatchObject({
      code: 3,
      err: expect.stringMatching(/failed: np[mx] .* ended with 3\n$/) as string,
    });
    expect(await ranIn(root)).toEqual(ran);
  });

  it("lets no pull request through whose checks fail, and says what is missing where nothing was built", async () => {
    const root = await repository("check");
    const step = (...args: readonly string[]): Promise<ProcessEnd> =>
      startProcess(process.execPath, ["ci/pipeline.js", ...args], { cwd: root }).end;
    expect((await step("pull-request")).code).toBe(3);
    expect(await ranIn(root)).toEqual(["check"]);
    const end = await step("release", "--built");
    expect([end.code, end.err]).toEqual([2, expect.stringContaining("dist/cli.js is not there")]);
  });

  it.each([
    ["Ctrl-C", ["SIGINT"]],
    ["a terminal that closes", ["SIGHUP", "SIGHUP"]],
  ] as const)("hands %s to sitefleet once, waits for it, and begins nothing else", async (_, signals) => {
    const root = await repository();
    await mkdir(join(root, "dist"));
    // Stands in for the program: it has work to end when it is stopped.
    const program = `
      process.on("SIGINT", () => {
        console.log("stopped");
        setTimeout(() => { console.log("ended"); process.exit(0); }, 200);
      });
      setInterval(() => undefined, 1_000);
      console.log(process.argv.slice(2, 5).join(" "));`;
    await writeFile(join(root, "dist", "cli.js"), program);
    const env = { FASTLY_API_TOKEN: "a-token" };
    const args = ["ci/pipeline.js", "pull-request", "--built"];
    const { child, end } = startProcess(process.execPath, args, { cwd: root, env });
    await said(child, "ship");
    for (const signal of signals) child.kill(signal);
    const { code, out } = await end;
    expect([code, out]).toEqual([130, "deploy ship --dry-run\nstopped\nended\n"]);
  });
});

/** Resolves when a program has said something on its standard output. */
function said(child: ChildProcess, text: string): Promise<void> {
  return new Promise((resolve) => {
    let all = "";
    child.stdout?.on("data", (chunk: string) => {
      all += chunk;
      if (all.includes(text)) resolve();
    });
  });
}

function portsIn(text: string): { edge: number; edgeTls: number; api: number; s3: number } {
  const ports = JSON.parse(text) as Readonly<Record<string, number>>;
  const port = (name: string): number => ports[`${name}-port`] ?? 0;
  return { edge: port("edge"), edgeTls: port("edge-tls"), api: port("api"), s3: port("s3") };
}
