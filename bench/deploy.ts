import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { MirrorFile } from "../src/settings/local.ts";
import { hasFastlyCli, runFastlyCli } from "../test/support/fastly-cli.ts";
import { openKillGate } from "../test/support/kill-gate.ts";
import type { KillGate } from "../test/support/kill-gate.ts";
import { Child } from "./child.ts";
import type { MirrorReport } from "./mirror-process.ts";
import { ROOT } from "./project.ts";
import { load, spread } from "./statistics.ts";

const ROUNDS = 5;
/** Rounds that also run the conformance cases, which take longer than all else. */
const VERIFIED_ROUNDS = 3;
const POPS = "LHR,IAD,SYD";
const CLI = join(ROOT, "dist/cli.js");
const NAME = "bench-deploy";
const SUFFIX = "bench.localhost";

/**
 * What a deploy costs against the mirror: calls and seconds, of the whole program each time, with nothing to do and after
 * a change of one line; the same change by the official CLI, which writes, validates and activates but neither compares nor
 * looks at the edge; and from the start of `apply` to the moment at which every POP answers with the version.
 */
export async function measureDeploy(): Promise<object> {
  const loadBefore = load();
  const stateDir = await mkdtemp(join(tmpdir(), "sitefleet-bench-"));
  const child = new Child("mirror-process.js", [stateDir, POPS]);
  let gate: KillGate | undefined;
  try {
    const { file } = (await child.next()) as MirrorReport;
    gate = await openKillGate(file.api.url, () => false);
    const bench = new DeployBench(await mkdtemp(join(stateDir, "project-")), file, gate);
    const first = await bench.deploy({ page: 1_000 });
    const unchanged: Run[] = [];
    const changed: Run[] = [];
    const official: Run[] = [];
    const withCli = await hasFastlyCli();
    for (let round = 0; round < ROUNDS; round += 1) {
      changed.push(await bench.deploy({ page: 2_000 + round }));
      unchanged.push(await bench.deploy({ page: 2_000 + round }));
      if (withCli) official.push(await bench.deployByOfficialCli());
      // What the official CLI changed by hand is undone here, outside of what is measured.
      await bench.deploy({ page: 2_000 + round, overwrite: true });
    }
    const verified: Run[] = [];
    for (let round = 0; round < VERIFIED_ROUNDS; round += 1) {
      verified.push(await bench.deploy({ page: 3_000 + round, verify: true }));
    }
    return {
      load: [loadBefore, load()],
      unit: "ms",
      first: summary([first]),
      noChange: { ...summary(unchanged), aim: { writes: 0, reads: 15 } },
      oneLine: { ...summary(changed), aim: { writes: 8 } },
      officialCli: withCli ? { commands: 3, ...summary(official) } : "does not run here",
      toEveryEdge: {
        pops: POPS,
        ...spread(verified.map(({ edgeMs }) => edgeMs)),
        steps: verified.at(-1)?.timings,
        aim: 5_000,
      },
    };
  } finally {
    await gate?.close();
    await child.stop();
    await rm(stateDir, { recursive: true, force: true });
  }
}

interface Run {
  readonly ms: number;
  readonly reads: number;
  readonly writes: number;
  /** From the start to every edge's answer; NaN where none was asked. */
  readonly edgeMs: number;
  readonly timings: unknown;
}

function summary(runs: readonly Run[]): object {
  return {
    reads: Math.max(...runs.map(({ reads }) => reads)),
    writes: Math.max(...runs.map(({ writes }) => writes)),
    wholeProgram: spread(runs.map(({ ms }) => ms)),
  };
}

/** One project that is deployed again and again, through a gate that counts. */
class DeployBench {
  readonly #dir: string;
  readonly #file: MirrorFile;
  readonly #gate: KillGate;
  #officialRounds = 0;

  constructor(dir: string, file: MirrorFile, gate: KillGate) {
    this.#dir = dir;
    this.#file = file;
    this.#gate = gate;
  }

  async deploy(choice: {
    readonly page: number;
    readonly verify?: boolean;
    readonly overwrite?: boolean;
  }): Promise<Run> {
    await writeFile(join(this.#dir, "sitefleet.config.json"), JSON.stringify(this.#settings(choice)));
    const flags = ["--create", "--env", "test", "--json", ...(choice.overwrite ? ["--overwrite"] : [])];
    const { api, s3, configSegment } = this.#file;
    const env = {
      PATH: process.env["PATH"],
      HOME: this.#dir,
      FASTLY_API_TOKEN: api.token,
      AWS_ACCESS_KEY_ID: s3.accessKeyId,
      AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
      SITEFLEET_EDGE_S3_KEY: s3.edgeKey,
      SITEFLEET_CONFIG_SEGMENT: configSegment,
    };
    return this.#measure(async () => {
      const run = promisify(execFile)(process.execPath, [CLI, "deploy", "apply", ...flags], {
        cwd: this.#dir,
        env,
      });
      return (await run).stdout;
    });
  }

  /** The same change: one more line in the VCL of a clone, validated and made live. */
  async deployByOfficialCli(): Promise<Run> {
    const { token } = this.#file.api;
    const service = await this.#service();
    const path = join(this.#dir, "main.vcl");
    this.#officialRounds += 1;
    await writeFile(path, `${service.vcl}# ${this.#officialRounds}\n`);
    const place = { home: this.#dir, endpoint: this.#gate.url, token };
    const run = async (...args: readonly string[]): Promise<void> => {
      const { code, out } = await runFastlyCli(place, [...args, "--service-id", service.id]);
      if (code !== 0) throw new Error(`fastly ${args.join(" ")} ended with ${code}: ${out}`);
    };
    return this.#measure(async () => {
      const vcl = ["service", "vcl", "custom", "update", "--name", "main.vcl", "--content", path];
      await run(...vcl, "--version", "active", "--autoclone");
      await run("service", "version", "validate", "--version", "latest");
      await run("service", "version", "activate", "--version", "latest");
      return "{}";
    });
  }

  async #measure(work: () => Promise<string>): Promise<Run> {
    const before = this.#gate.calls.length;
    const startedMs = performance.now();
    const said = JSON.parse(await work()) as { edgeMs?: number | null; timings?: unknown };
    const ms = performance.now() - startedMs;
    const calls = this.#gate.calls.slice(before);
    const reads = calls.filter((call) => call.startsWith("GET ")).length;
    return {
      ms,
      reads,
      writes: calls.length - reads,
      edgeMs: said.edgeMs ?? Number.NaN,
      timings: said.timings,
    };
  }

  async #service(): Promise<{ readonly id: string; readonly vcl: string }> {
    const get = async (path: string): Promise<unknown> => {
      const answer = await fetch(this.#file.api.url + path, {
        headers: { "fastly-key": this.#file.api.token },
      });
      return answer.json();
    };
    const { id, versions } = (await get(`/service/search?name=${NAME}`)) as {
      id: string;
      versions: readonly { number: number; active: boolean }[];
    };
    const active = versions.find((version) => version.active)?.number;
    const { content } = (await get(`/service/${id}/version/${active}/vcl/main.vcl`)) as { content: string };
    return { id, vcl: content };
  }

  #settings({ page, verify = false }: { readonly page: number; readonly verify?: boolean }): object {
    const { s3, edge } = this.#file;
    const http = new URL(edge.http);
    const https = new URL(edge.https);
    const test = {
      fastly: {
        serviceName: NAME,
        apiUrl: this.#gate.url,
        shield: "iad-va-us",
        domains: [`*.${SUFFIX}`],
      },
      s3: {
        region: s3.region,
        endpoint: s3.url,
        configBucket: "sitefleet-config",
        hostingBucket: "sitefleet-hosting",
      },
      hsts: false,
      publicPorts: { http: Number(http.port), https: Number(https.port) },
      ttl: { page },
      ...(verify ? { verify: { url: edge.http, hostSuffix: SUFFIX, pops: POPS.split(",") } } : {}),
    };
    return { environments: { test } };
  }
}
