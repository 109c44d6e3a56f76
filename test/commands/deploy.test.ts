import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { CommandContext } from "../../src/commands/context.ts";
import { createContext } from "../../src/commands/create-context.ts";
import { commands as deployCommands } from "../../src/commands/deploy.ts";
import { commands as lintCommands } from "../../src/commands/lint.ts";
import { toFlags } from "../../src/commands/program.ts";
import { commands as renderCommands } from "../../src/commands/render.ts";
import type { Report } from "../../src/commands/report.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { startMirror } from "../../src/mirror/mirror.ts";
import type { Mirror } from "../../src/mirror/mirror.ts";
import { inputOf } from "../support/command-line.ts";
import { tempDir } from "../support/temp-dir.ts";

interface Said {
  readonly documents: unknown[];
  readonly texts: string[];
  readonly lines: string[];
}

interface Run {
  readonly code: number;
  readonly said: Said;
}

type Flags = Readonly<Record<string, string | boolean>>;

async function startLocal() {
  const dir = await tempDir();
  const stateDir = join(dir, ".sitefleet");
  const ports = { edge: 0, edgeTls: 0, api: 0, s3: 0 };
  const mirror = await startMirror({ stateDir, ports, clock: systemClock, pid: process.pid });
  onTestFinished(() => mirror.close());
  return { dir, mirror, run: runnerIn(dir, mirror) };
}

function runnerIn(dir: string, mirror: Mirror) {
  const everything = [...deployCommands, ...renderCommands, ...lintCommands];
  return async (name: string, flags: Flags = {}, args: readonly string[] = []): Promise<Run> => {
    const said: Said = { documents: [], texts: [], lines: [] };
    const [noun = "", verb] = name.split(" ");
    const table = { deploy: deployCommands, render: renderCommands, lint: lintCommands }[noun] ?? everything;
    const command = table.find((row) => row.verb === verb);
    if (!command) throw new Error(`no command ${name}`);
    const code = await command.run(contextFor(dir, { said, mirror, flags }), { args, flags: toFlags(flags) });
    return { code: code ?? 0, said };
  };
}

function contextFor(dir: string, run: { said: Said; mirror: Mirror; flags: Flags }): CommandContext {
  const report: Report = {
    result(document, text) {
      run.said.documents.push(document);
      run.said.texts.push(text);
    },
    rows: () => ({ row: () => undefined, end: () => undefined }),
    status: () => undefined,
    step: () => undefined,
    progress: (line) => run.said.lines.push(line),
    warn: (line) => run.said.lines.push(`warning: ${line}`),
  };
  return createContext({
    cwd: dir,
    variables: { PATH: "/nowhere" },
    clock: systemClock,
    pid: process.pid,
    signal: new AbortController().signal,
    input: inputOf(""),
    report,
    flags: { dryRun: run.flags["dryRun"] === true },
  });
}

/** Each deploy runs every conformance case: seconds of work that other programs may have to share. */
describe("deploy against a running mirror", { timeout: 180_000 }, () => {
  it("plans, applies, verifies at the edge, and then has nothing to do", async () => {
    const { run, mirror } = await startLocal();
    expect((await run("deploy plan", { detailedExitcode: true })).code).toBe(10);
    const applied = await run("deploy apply");
    expect(applied.said.documents).toMatchObject([{ environment: "local", outcome: "deployed", version: 1 }]);
    expect(applied.said.lines).toContain("version 1: verified");
    const again = await run("deploy plan", { detailedExitcode: true });
    expect(again.code).toBe(0);
    expect(again.said.texts[0]).toContain("No changes.");
    expect((await run("deploy apply")).said.documents).toMatchObject([{ outcome: "unchanged" }]);
    const shown = JSON.stringify([applied.said, again.said]);
    for (const secret of [mirror.file.api.token, mirror.file.configSegment, mirror.file.s3.edgeKey]) {
      expect(shown).not.toContain(secret);
    }
  });

  it("refuses a key with which the edge could read no bucket, and writes nothing", async () => {
    const { run, dir, mirror } = await startLocal();
    const path = join(dir, ".sitefleet", "mirror.json");
    const s3 = { ...mirror.file.s3, edgeKey: "AKIANOBODY:not-the-right-secret" };
    await writeFile(path, JSON.stringify({ ...mirror.file, s3 }));
    for (const name of ["deploy plan", "deploy apply"]) {
      await expect(run(name)).rejects.toMatchObject({ code: "deploy/edge-key-refused" });
    }
    expect((await run("deploy status")).said.documents).toMatchObject([{ service: null }]);
    await writeFile(path, JSON.stringify(mirror.file));
    expect((await run("deploy apply")).said.documents).toMatchObject([{ outcome: "deployed", version: 1 }]);
    await writeFile(path, JSON.stringify({ ...mirror.file, s3 }));
    await expect(run("deploy apply")).rejects.toMatchObject({ code: "deploy/edge-key-refused" });
    expect((await run("deploy status")).said.documents).toMatchObject([{ lastChange: "verified" }]);
  });

  it("keeps a plan as a file and applies it", async () => {
    const { run, dir } = await startLocal();
    await run("deploy plan", { out: "plan.json" });
    expect(JSON.parse(await readFile(join(dir, "plan.json"), "utf8"))).toMatchObject({
      format: 2,
      baseVersion: null,
    });
    expect((await run("deploy apply", {}, ["plan.json"])).said.documents).toMatchObject([{ version: 1 }]);
    await expect(run("deploy apply", {}, ["plan.json"])).rejects.toMatchObject({
      code: "deploy/changed-meanwhile",
    });
    await expect(run("deploy apply", {}, ["missing.json"])).rejects.toMatchObject({
      code: "deploy/invalid-plan",
    });
  });

  it("changes nothing on a dry run", async () => {
    const { run } = await startLocal();
    const dry = await run("deploy apply", { dryRun: true });
    expect(dry.said.texts[0]).toContain('+ service "sitefleet-local"');
    expect((await run("deploy status")).said.documents).toMatchObject([{ service: null, active: null }]);
  });

  it("shows the status and refuses to roll back past the first version", async () => {
    const { run } = await startLocal();
    await run("deploy apply");
    const status = await run("deploy status");
    expect(status.said.documents).toMatchObject([
      { active: { number: 1 }, drafts: [], drift: [], lastChange: "verified" },
    ]);
    await expect(run("deploy rollback")).rejects.toMatchObject({ code: "deploy/invalid-version" });
    await expect(run("deploy rollback", { to: "x" })).rejects.toMatchObject({ code: "cli/usage" });
    expect((await run("deploy rollback", { to: "1" })).said.documents).toMatchObject([
      { outcome: "unchanged" },
    ]);
  });
});

describe("render and lint", () => {
  it("render to stdout and into a folder, without secrets", async () => {
    const { run, dir, mirror } = await startLocal();
    const shown = await run("render");
    expect(shown.said.texts[0]).toContain("sub vcl_recv");
    const { said } = await run("render", { out: "rendered" });
    expect(said.documents).toMatchObject([
      { environment: "local", files: ["main.vcl", "rendered-from.json"] },
    ]);
    const source = await readFile(join(dir, "rendered", "rendered-from.json"), "utf8");
    expect(JSON.parse(source)).toMatchObject({ environment: { name: "local" } });
    const main = await readFile(join(dir, "rendered", "main.vcl"), "utf8");
    for (const secret of [mirror.file.api.token, mirror.file.configSegment, mirror.file.s3.secretAccessKey]) {
      expect(main + source).not.toContain(secret);
    }
  });

  it("lint finds nothing in ours and says why falco did not run", async () => {
    const { run } = await startLocal();
    const { code, said } = await run("lint");
    expect(said.texts[0]).toContain("local: 0 errors, 0 warnings");
    expect(said.lines).toEqual(["falco: skipped, falco is not on the PATH"]);
    expect(code).toBe(0);
  });
});
