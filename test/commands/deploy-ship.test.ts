import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createContext } from "../../src/commands/create-context.ts";
import { shipCommand } from "../../src/commands/deploy-ship.ts";
import { settingsCommand } from "../../src/commands/mirror-settings.ts";
import type { CommandDefinition } from "../../src/commands/command.ts";
import { toFlags } from "../../src/commands/program.ts";
import { findService } from "../../src/deploy/live/live.ts";
import type { FastlyClient } from "../../src/fastly/client.ts";
import { connectFastly } from "../../src/fleet/fastly-connection.ts";
import { fleetOf } from "../../src/fleet/fleet.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { InterruptedError } from "../../src/lib/interruption.ts";
import { startMirror } from "../../src/mirror/mirror.ts";
import type { Mirror } from "../../src/mirror/mirror.ts";
import { environmentOf } from "../../src/settings/environment.ts";
import { loadSettings } from "../../src/settings/load.ts";
import { inputOf } from "../support/command-line.ts";

const SETTINGS = {
  environments: Object.fromEntries(
    ["test", "production"].map((name) => [
      name,
      {
        fastly: { shield: "iad-va-us", domains: [`*.${name}.localhost`] },
        s3: {
          region: "eu-central-1",
          configBucket: `acme-${name}-config`,
          hostingBucket: `acme-${name}-hosting`,
        },
        hsts: name === "production",
        verify: { url: `https://verify.${name}.localhost`, hostSuffix: `verify.${name}.localhost` },
      },
    ]),
  ),
};

/** A team's feature that does harm in production alone, by a setting that only production has. */
const INDEXED_WITH_HSTS = `{% macro deliver_edge() %}
if (req.http.{{ cfg.noindex }} == "1") {
  set resp.http.X-Robots-Tag = "{{ "all" if environment.hsts else "noindex" }}";
}
{% endmacro %}
`;

/** What falco prints when it finds an error. */
const FALCO_ANSWER = JSON.stringify({
  LintErrors: {
    "main.vcl": [
      {
        Severity: "Error",
        Token: { Line: 300, Position: 3 },
        Message: "that is not so",
        Rule: "some/rule",
      },
    ],
  },
});

interface Run {
  readonly documents: unknown[];
  readonly texts: string[];
  readonly lines: string[];
}

/** Each stage that is deployed to runs every conformance case. */
const LONG = { timeout: 300_000 };

describe("deploy ship with two mirrors as its stages", LONG, () => {
  let dir = "";
  let mirrors: readonly Mirror[] = [];
  let variables: Readonly<Record<string, string>> = {};

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "sitefleet-ship-"));
    const start = (name: string) =>
      startMirror({
        stateDir: join(dir, name),
        ports: { edge: 0, edgeTls: 0, api: 0, s3: 0 },
        clock: systemClock,
        pid: process.pid,
      });
    mirrors = await Promise.all(["test", "production"].map(start));
    await writeFile(join(dir, "sitefleet.config.json"), JSON.stringify(SETTINGS));
    const { texts } = await run(settingsCommand, {}, ["test=test", "production=production"]);
    variables = Object.fromEntries(
      [...(texts[0] ?? "").matchAll(/^(\w+)='(.*)'$/gm)].map(([, name, value]) => [name, value]),
    );
  });

  afterAll(async () => {
    for (const mirror of mirrors) await mirror.close();
    await rm(dir, { recursive: true, force: true });
  });

  async function run(
    command: CommandDefinition,
    flags: Readonly<Record<string, string | boolean>> = {},
    args: readonly string[] = [],
    around: {
      readonly path?: string;
      readonly signal?: AbortSignal;
      /** Told each line of progress. */
      readonly onLine?: (line: string) => void;
    } = {},
  ): Promise<Run> {
    const said: Run = { documents: [], texts: [], lines: [] };
    const context = createContext({
      cwd: dir,
      variables: { PATH: around.path ?? "/nowhere", USER: "carol", ...variables },
      clock: systemClock,
      pid: process.pid,
      signal: around.signal ?? new AbortController().signal,
      input: inputOf(""),
      report: {
        result(document, text) {
          said.documents.push(document);
          said.texts.push(text);
        },
        rows: () => ({ row: () => undefined, end: () => undefined }),
        status: () => undefined,
        step: () => undefined,
        progress(line) {
          said.lines.push(line);
          around.onLine?.(line);
        },
        warn: (line) => said.lines.push(`warning: ${line}`),
      },
      flags: {
        dryRun: flags["dryRun"] === true,
        ...(command === shipCommand ? { config: "sitefleet.mirrors.json" } : {}),
      },
    });
    await command.run(context, { args, flags: toFlags(flags) });
    return said;
  }

  async function withClient<T>(
    name: string,
    work: (client: FastlyClient, id: string) => Promise<T>,
  ): Promise<T> {
    const settings = await loadSettings(join(dir, "sitefleet.mirrors.json"));
    const client = await connectFastly(fleetOf(environmentOf(settings, name, variables)));
    try {
      const found = await findService(client, { id: undefined, name: `sitefleet-${name}` });
      return await work(client, found?.id ?? "");
    } finally {
      await client.close();
    }
  }

  const liveVersion = (name: string): Promise<number | undefined> =>
    withClient(name, async (client, id) => {
      const versions = id === "" ? [] : await client.listVersions(id);
      return versions.find(({ active }) => active)?.number;
    });

  /** A program of that name that says something; resolves with the PATH that has it and node. */
  async function standIn(name: string, says: string): Promise<string> {
    const bin = join(dir, "bin");
    await mkdir(bin, { recursive: true });
    const script = `#!${process.execPath}\nprocess.stdout.write(${JSON.stringify(says)});\nprocess.exitCode = 1;\n`;
    await writeFile(join(bin, name), script, { mode: 0o755 });
    return bin;
  }

  /** Ships with a team's folder of one file. */
  async function withOverride<T>(file: string, text: string, work: () => Promise<T>): Promise<T> {
    const path = join(dir, "sitefleet.mirrors.json");
    const before = await readFile(path, "utf8");
    await mkdir(dirname(join(dir, "edge", file)), { recursive: true });
    await writeFile(join(dir, "edge", file), text);
    await writeFile(path, before.replace("{", '{ "edge": { "templates": "./edge" },'));
    try {
      return await work();
    } finally {
      await writeFile(path, before);
      await rm(join(dir, "edge"), { recursive: true });
    }
  }

  it("moves settings to mirrors and leaves everything else of them as it is", async () => {
    const moved = await loadSettings(join(dir, "sitefleet.mirrors.json"));
    const [first] = mirrors;
    expect(moved.environments["test"]).toMatchObject({
      fastly: {
        apiUrl: first?.file.api.url,
        domains: ["*.test.localhost"],
        shield: expect.any(String) as string,
      },
      s3: { endpoint: first?.file.s3.url, configBucket: "acme-test-config" },
      verify: { url: first?.file.edge.http, hostSuffix: "verify.test.localhost" },
      hsts: false,
    });
    expect(moved.stages).toEqual(["test", "production"]);
  });

  it("plans every stage and proves them alike in a dry run, and writes nothing", async () => {
    const { documents } = await run(shipCommand, { dryRun: true, report: "plan.md" });
    expect(documents).toMatchObject([{ dryRun: true, stages: [{ state: "planned" }, { state: "planned" }] }]);
    const report = await readFile(join(dir, "plan.md"), "utf8");
    expect(report).toContain("## sitefleet: test → production");
    expect(report).toContain("test and production are alike");
    expect(report.length).toBeLessThan(65_536);
    for (const secret of Object.values(variables)) expect(report).not.toContain(secret);
    expect(await liveVersion("test")).toBeUndefined();
  });

  it("has falco look at every stage where it is on the PATH, and says why where it is not", async () => {
    const { lines } = await run(shipCommand, { dryRun: true });
    for (const name of ["test", "production"]) {
      expect(lines).toContain(`${name}: falco: skipped, falco is not on the PATH`);
    }
    const path = await standIn("falco", FALCO_ANSWER);
    const found = run(shipCommand, { dryRun: true }, [], { path });
    await expect(found).rejects.toMatchObject({
      code: "deploy/lint-failed",
      exitCode: 1,
      message: "test: falco finds an error in the rendered VCL",
      details: [expect.stringContaining("that is not so") as string],
    });
  });

  it("stops behind the stage that --through names, then goes on to the last", async () => {
    const first = await run(shipCommand, { create: true, through: "test", report: "report.json" });
    expect(first.documents).toMatchObject([
      { stages: [{ state: "verified", live: 1 }, { state: "not-begun" }] },
    ]);
    expect(first.lines).toContain("test: version 1: verified");
    expect(await liveVersion("production")).toBeUndefined();
    const second = await run(shipCommand, { create: true });
    expect(second.texts[0]).toContain("test: version 1 is live, as before, verified");
    expect(second.texts[0]).toMatch(
      /^production: version 1 is live, verified\n(?: .*\n?)*  from start to every edge +\d/m,
    );
    expect(second.lines.filter((line) => line.startsWith("test: conformance: "))).toHaveLength(1);
    expect(JSON.parse(await readFile(join(dir, "report.json"), "utf8"))).toMatchObject({
      alike: [{ environments: ["test", "production"] }],
      failure: null,
    });
  });

  it("says where each stage is when it is interrupted, and begins no other one", async () => {
    const stop = new AbortController();
    const shipped = run(shipCommand, { report: "interrupted.json" }, [], {
      signal: stop.signal,
      onLine: (line) => {
        if (line === "test: version 1: verified") stop.abort(new Error("interrupted"));
      },
    });
    const error: unknown = await shipped.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(InterruptedError);
    expect(error).toMatchObject({
      message: "production: version 1 is live, as before",
      details: ["test: version 1 is live, as before, verified"],
    });
    expect(JSON.parse(await readFile(join(dir, "interrupted.json"), "utf8"))).toMatchObject({
      stages: [
        { environment: "test", state: "verified", live: 1 },
        { environment: "production", state: "interrupted", live: 1 },
      ],
      failure: { interrupted: true, message: "production: version 1 is live, as before" },
    });
  });

  it("touches nothing where its report could not be written", async () => {
    const shipped = run(shipCommand, { create: true, report: join("nowhere", "plan.md") });
    await expect(shipped).rejects.toMatchObject({ code: "output/not-writable", exitCode: 2 });
  });

  it("puts back the stage that fails and says which stage is where", async () => {
    const failed = withOverride("noindex.vcl.njk", INDEXED_WITH_HSTS, () =>
      run(shipCommand, { report: "failed.json" }),
    );
    await expect(failed).rejects.toMatchObject({
      code: "deploy/verification-failed",
      exitCode: 5,
      message: expect.stringMatching(/^production: version 2 did not pass/) as string,
      details: expect.arrayContaining([
        expect.stringContaining("robots/noindex") as string,
        "test: version 1 is live, as before, verified",
        "production: version 1 is live, as before, for the deploy failed",
      ]) as string[],
    });
    expect([await liveVersion("test"), await liveVersion("production")]).toEqual([1, 1]);
    expect(JSON.parse(await readFile(join(dir, "failed.json"), "utf8"))).toMatchObject({
      failure: { code: "deploy/verification-failed" },
      stages: [
        { state: "verified", live: 1 },
        { state: "failed", live: 1 },
      ],
    });
  });

  it("touches no stage while one of them was changed by hand", async () => {
    await withClient("production", async (client, serviceId) => {
      const { number } = await client.cloneVersion({ serviceId, version: 1 });
      const ref = { serviceId, version: number };
      await client.writeSettings(ref, { ...(await client.readSettings(ref)), "general.default_ttl": 60 });
      await client.activateVersion(ref);
    });
    const live = await liveVersion("test");
    await expect(run(shipCommand)).rejects.toMatchObject({
      code: "deploy/drift",
      exitCode: 6,
      message: "production was changed by hand since the last deploy",
    });
    expect(await liveVersion("test")).toBe(live);
  });

  it("touches no stage when they differ in what no setting says", async () => {
    const text = '{% if environment.name == "test" %}set req.http.X-Only = "1";{% endif %}\n';
    const shipped = withOverride("snippets/recv-only.vcl.njk", text, () =>
      run(shipCommand, { through: "test" }),
    );
    await expect(shipped).rejects.toMatchObject({
      code: "deploy/not-alike",
      exitCode: 1,
      details: expect.arrayContaining(["  snippet recv-only:1 (no setting explains it)"]) as string[],
    });
  });

  it("refuses a stage that is none, also in a dry run", async () => {
    await expect(run(shipCommand, { through: "staging", dryRun: true })).rejects.toMatchObject({
      code: "cli/usage",
    });
    await expect(run(shipCommand, { through: "staging" })).rejects.toMatchObject({ code: "cli/usage" });
  });
});
