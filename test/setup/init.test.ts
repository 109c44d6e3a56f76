import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runCommandLine } from "../../src/commands/run-command-line.ts";
import { environmentOf } from "../../src/settings/environment.ts";
import { loadSettings } from "../../src/settings/load.ts";
import { stagesOf } from "../../src/settings/schema.ts";
import { inputOf, runHere } from "../support/command-line.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { tempDir } from "../support/temp-dir.ts";

const FLAGS = ["--domain", "sites.example.com", "--region", "eu-central-1", "--buckets", "acme-sites"];

async function init(cwd: string, ...flags: readonly string[]): ReturnType<typeof runHere> {
  return runHere(["init", ...flags], { cwd, clock: new FakeClock() });
}

/** Runs `init` at a terminal where a person gives these answers, one after the other. */
async function initAsked(
  cwd: string,
  answers: readonly string[],
  ...flags: readonly string[]
): Promise<{ readonly code: number; readonly err: string; readonly asked: readonly string[] }> {
  const asked: string[] = [];
  let err = "";
  const code = await runCommandLine(["init", ...flags], {
    cwd,
    variables: {},
    clock: new FakeClock(),
    pid: process.pid,
    signal: new AbortController().signal,
    input: {
      ...inputOf(""),
      isTerminal: true,
      ask(question) {
        asked.push(question);
        const answer = answers[asked.length - 1];
        return answer === undefined ? Promise.reject(new Error("asked too often")) : Promise.resolve(answer);
      },
    },
    out: () => undefined,
    err: (text) => void (err += text),
  });
  return { code, err, asked };
}

describe("init with flags", () => {
  it("writes a settings file that loads and means what the flags say", async () => {
    const cwd = await tempDir();
    const { code, err } = await init(cwd, ...FLAGS, "--second-region", "eu-west-1");
    expect({ code, err }).toEqual({
      code: 0,
      err: `settings written to ${join(cwd, "sitefleet.config.ts")}\n`,
    });
    const settings = await loadSettings(join(cwd, "sitefleet.config.ts"));
    expect(stagesOf(settings)).toEqual(["test", "production"]);
    const production = environmentOf(settings, "production", {});
    expect(production.fastly).toMatchObject({
      serviceName: "acme-sites-production",
      shield: "frankfurt-de",
      domains: ["*.sites.example.com"],
    });
    expect(production.s3).toMatchObject({
      region: "eu-central-1",
      configBucket: "acme-sites-production-config",
      hostingBucket: "acme-sites-production-hosting",
      second: { region: "eu-west-1", configBucket: "acme-sites-production-config-eu-west-1" },
    });
    expect(production.verify?.url).toBe("https://verify.sites.example.com");
    const test = environmentOf(settings, "test", {});
    expect(test.fastly.domains).toEqual(["*.test.sites.example.com"]);
    expect(test.hostSuffixes).toEqual([{ suffix: ".staging.test.sites.example.com", siteEnv: "staging" }]);
  });

  it.each(["ts", "js", "json"])(
    "writes settings for Compute into a %s file, without a shield",
    async (ending) => {
      const cwd = await tempDir();
      const name = `acme.${ending}`;
      expect((await init(cwd, ...FLAGS, "--target", "compute", "--config", name)).code).toBe(0);
      const settings = await loadSettings(join(cwd, name));
      for (const environment of ["test", "production"]) {
        const { target, fastly, compute } = environmentOf(settings, environment, {});
        expect([target, fastly.shield, compute.httpCache]).toEqual(["compute", undefined, true]);
      }
      const text = await readFile(join(cwd, name), "utf8");
      expect(text).not.toContain("shield");
      if (ending !== "json") expect(text).toContain("// compute: { httpCache: false }");
    },
  );

  it("refuses a shield for Compute, which has none", async () => {
    const cwd = await tempDir();
    const { code, err } = await init(cwd, ...FLAGS, "--target", "compute", "--shield", "iad-va-us");
    expect(code).toBe(2);
    expect(err).toContain('--shield "iad-va-us": a Compute service has no shield');
    expect(await readdir(cwd)).toEqual([]);
  });

  it("says nothing of targets where the edge is VCL, as it is unless asked for otherwise", async () => {
    const cwd = await tempDir();
    await init(cwd, ...FLAGS, "--target", "vcl");
    await init(cwd, ...FLAGS, "--config", "unasked.ts");
    const text = await readFile(join(cwd, "sitefleet.config.ts"), "utf8");
    expect(text).not.toMatch(/target|compute/);
    expect(await readFile(join(cwd, "unasked.ts"), "utf8")).toBe(text);
  });

  it("has a comment above every choice, and needs no package to be read", async () => {
    const cwd = await tempDir();
    await init(cwd, ...FLAGS);
    const text = await readFile(join(cwd, "sitefleet.config.ts"), "utf8");
    for (const name of ["serviceName", "shield", "domains", "second", "hostSuffixes", "verify", "previews"])
      expect(text).toContain(name);
    expect(text.split("\n").filter((line) => line.includes("//")).length).toBeGreaterThan(10);
    expect(text).toContain('preview.sites.example.com" }');
    expect(text).toMatch(/^import type /);
    expect(text).not.toMatch(/^import \{/m);
  });

  it("prints the names of the variables and not one value", async () => {
    const cwd = await tempDir();
    const { out } = await init(cwd, ...FLAGS);
    const lines = out.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    expect(lines.length).toBe(10);
    expect(lines).toContain("SITEFLEET_EDGE_S3_KEY_PRODUCTION=");
    for (const line of lines) expect(line).toMatch(/^[A-Z0-9_]+=$/);
    const json = await init(await tempDir(), ...FLAGS, "--json");
    expect(JSON.parse(json.out)).toMatchObject({
      environments: ["test", "production"],
      variables: lines.map((line) => line.slice(0, -1)),
    });
  });

  it("names every flag that is missing where nobody can be asked", async () => {
    const cwd = await tempDir();
    const { code, err } = await init(cwd, "--region", "eu-central-1");
    expect(code).toBe(2);
    expect(err).toContain("--domain <host>");
    expect(err).toContain("--buckets <prefix>");
    expect(err).not.toContain("--region <");
    expect(err).toContain("[setup/missing-answers]");
    expect(await readdir(cwd)).toEqual([]);
  });

  it.each([
    ["--domain", "Sites_Example", '--domain "Sites_Example": must be a lower-case host name'],
    ["--region", "EU", "must be an S3 region"],
    ["--buckets", "Acme Sites", "must be an S3 bucket name"],
    ["--buckets", "a".repeat(60), "must be an S3 bucket name"],
    ["--second-region", "x y", "must be an S3 region"],
    ["--shield", "LHR", '--shield "LHR"'],
    ["--target", "wasm", '--target "wasm": must be vcl or compute'],
    ["--environments", "test,Production", "must be lower-case letters"],
    ["--environments", "local,production", "`local` is the mirror"],
    ["--environments", "test,test", 'names "test" a second time'],
    ["--s3-endpoint", "ftp://x", "--s3-endpoint"],
    ["--verify-url", "verify.example.com", "--verify-url"],
    ["--fastly-api", "nothing", "--fastly-api"],
  ])("refuses %s %s and writes nothing", async (flag, value, said) => {
    const cwd = await tempDir();
    const { code, err } = await init(cwd, ...FLAGS, flag, value);
    expect(code).toBe(2);
    expect(err).toContain(said);
    expect(err).toContain("[setup/invalid-answer]");
    expect(await readdir(cwd)).toEqual([]);
  });

  it("overwrites nothing without --force, and never a file of another kind", async () => {
    const cwd = await tempDir();
    const path = join(cwd, "sitefleet.config.ts");
    await writeFile(path, "mine");
    const refused = await init(cwd, ...FLAGS);
    expect(refused.code).toBe(2);
    expect(refused.err).toContain("[setup/file-exists]");
    expect(await readFile(path, "utf8")).toBe("mine");
    expect((await init(cwd, ...FLAGS, "--force")).code).toBe(0);
    expect(await readFile(path, "utf8")).toContain("satisfies SettingsInput");
    await writeFile(join(cwd, "sitefleet.config.json"), "{}");
    const other = await init(cwd, ...FLAGS, "--force");
    expect([other.code, other.err]).toEqual([2, expect.stringContaining("sitefleet.config.json")]);
  });

  it.each(["ts", "js", "mjs", "json"])(
    "writes the %s file that --config names, which loads",
    async (ending) => {
      const cwd = await tempDir();
      await mkdir(join(cwd, "edge"));
      const name = `edge/acme.${ending}`;
      const { code, err, out } = await init(cwd, ...FLAGS, "--config", name);
      expect({ code, err }).toEqual({ code: 0, err: `settings written to ${join(cwd, name)}\n` });
      expect(await readdir(cwd)).toEqual(["edge"]);
      expect(out).toContain(`sitefleet doctor --env test --config ${name}`);
      const settings = await loadSettings(join(cwd, name));
      expect(stagesOf(settings)).toEqual(["test", "production"]);
      const { s3, fastly } = environmentOf(settings, "production", {});
      expect([s3.region, fastly.domains]).toEqual(["eu-central-1", ["*.sites.example.com"]]);
      const again = await init(cwd, ...FLAGS, "--config", name);
      expect([again.code, again.err]).toEqual([2, expect.stringContaining("[setup/file-exists]")]);
      expect((await init(cwd, ...FLAGS, "--config", name, "--force")).code).toBe(0);
    },
  );

  it("writes a file of another name beside the one that is found by itself, and no rival of that", async () => {
    const cwd = await tempDir();
    expect((await init(cwd, ...FLAGS)).code).toBe(0);
    expect((await init(cwd, ...FLAGS, "--config", "other.ts")).code).toBe(0);
    const rival = await init(cwd, ...FLAGS, "--config", "sitefleet.config.json", "--force");
    expect([rival.code, rival.err]).toEqual([2, expect.stringContaining("remove sitefleet.config.ts first")]);
    expect((await readdir(cwd)).sort()).toEqual(["other.ts", "sitefleet.config.ts"]);
  });

  it.each([
    [["--config", "settings.yaml"], "its name must end in one of .ts, .js, .mjs, .json"],
    [["--config", "nowhere/sitefleet.config.ts"], "there is no folder"],
    [["--config", ""], "which no settings file can be called"],
    [["--env", "production"], "init takes no --env"],
  ])("refuses %j and writes nothing", async (flags, said) => {
    const cwd = await tempDir();
    const { code, err } = await init(cwd, ...FLAGS, ...flags);
    expect([code, err]).toEqual([2, expect.stringContaining(said)]);
    expect(await readdir(cwd)).toEqual([]);
  });

  it("shows with --dry-run what it would write, and writes nothing", async () => {
    const cwd = await tempDir();
    const { code, out } = await init(cwd, ...FLAGS, "--dry-run");
    expect([code, out.includes("satisfies SettingsInput")]).toEqual([0, true]);
    expect(await readdir(cwd)).toEqual([]);
  });

  it("names no secret of its own surroundings in what it writes", async () => {
    const cwd = await tempDir();
    await runHere(["init", ...FLAGS], {
      cwd,
      clock: new FakeClock(),
      variables: { FASTLY_API_TOKEN: "very-secret-token", AWS_SECRET_ACCESS_KEY: "very-secret-key" },
    });
    expect(await readFile(join(cwd, "sitefleet.config.ts"), "utf8")).not.toContain("very-secret");
  });
});

describe("init at a terminal", () => {
  it("asks for what no flag says, takes suggestions for empty answers, and asks again for wrong ones", async () => {
    const cwd = await tempDir();
    const { code, asked, err } = await initAsked(
      cwd,
      ["", "Sites.Example.com", "sites.example.com", "", "", "", "", ""],
      "--region",
      "us-east-1",
    );
    expect({ code, asked: asked.length }).toEqual({ code: 0, asked: 8 });
    expect(err).toContain("warning: there is no going on without it");
    expect(err).toContain("warning: must be a lower-case host name");
    expect(asked[3]).toContain("[sites-example-com]");
    expect(asked[4]).toContain("[vcl]");
    expect(asked[5]).toContain("[none]");
    expect(asked[6]).toContain("[iad-va-us]");
    const settings = await loadSettings(join(cwd, "sitefleet.config.ts"));
    const { s3, fastly } = environmentOf(settings, "production", {});
    expect([s3.configBucket, s3.second, fastly.shield]).toEqual([
      "sites-example-com-production-config",
      undefined,
      "iad-va-us",
    ]);
  });

  it("asks what the edge runs, and nobody for the shield of a Compute service", async () => {
    const cwd = await tempDir();
    const { code, asked, err } = await initAsked(cwd, ["wasm", "compute", "", ""], ...FLAGS);
    expect({ code, asked: asked.length }).toEqual({ code: 0, asked: 4 });
    expect(err).toContain("warning: must be vcl or compute");
    expect(asked.join()).not.toContain("shields");
    const settings = await loadSettings(join(cwd, "sitefleet.config.ts"));
    expect(environmentOf(settings, "test", {}).target).toBe("compute");
  });

  it("asks nothing before it knows that it may write", async () => {
    const cwd = await tempDir();
    await writeFile(join(cwd, "sitefleet.config.js"), "");
    const { code, asked } = await initAsked(cwd, []);
    expect({ code, asked }).toEqual({ code: 2, asked: [] });
  });
});
