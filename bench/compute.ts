import { existsSync, readdirSync, statSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { unpackTar } from "modern-tar";
import { writeViceroyStores } from "../src/commands/mirror-viceroy.ts";
import { publishFolder } from "../src/publish/publish.ts";
import { originsOf } from "../src/render/origins.ts";
import { EDGE_STORES } from "../src/site/edge-settings.ts";
import { Child } from "./child.ts";
import { buildPeer } from "./compute-peer.ts";
import type { ComputeApp } from "./compute-peer.ts";
import { startFleet } from "./fleet.ts";
import type { Fleet } from "./fleet.ts";
import type { LoadOrder, LoadResult } from "./load-process.ts";
import { ROOT } from "./project.ts";
import { findProgram } from "./run-program.ts";
import { freePort, ServerProgram } from "./server-program.ts";
import { load, median, rounded, spread } from "./statistics.ts";

const HOST = "www.bench.localhost";
const PAGE = `<!doctype html><title>Menu</title><p>${"bread ".repeat(600)}</p>`;
/** Pages of the site; the first one is asked for. */
const PAGES = 50;
const ROUNDS = 7;
const WARM_UP = { connections: 4, seconds: 1 } as const;
const ROUND = { connections: 4, seconds: 1 } as const;
const ALONE = { connections: 1, seconds: 0.5 } as const;
const COLD_STARTS = 3;
/** A module of 11 MB is compiled first, on a busy machine for long. */
const START_MS = 180_000;

interface Side {
  readonly app: ComputeApp;
  readonly server: ServerProgram;
  readonly perSecond: number[];
  readonly cpuMicros: number[];
  readonly busy: LoadResult[];
  readonly alone: LoadResult[];
}

/**
 * The Compute package beside Fastly's own publisher of static sites on one Viceroy, rounds in turn. Viceroy caches nothing:
 * for each request ours signs and sends two to S3, in another process, where the other one reads a KV store in Viceroy's
 * memory; and it compresses nothing, so that ours sends the page as it is, the other one as its publishing has compressed
 * it (`answerBytes`). Each request is a new instance of the program. CPU is all that Viceroy takes, its own work for
 * a request among it. Ratios are ours to theirs.
 */
export async function measureCompute(): Promise<object> {
  const viceroy = findViceroy();
  if (viceroy === undefined) return { skipped: "no viceroy on PATH or in cargo's folder" };
  const archive = join(ROOT, "compute/pkg/sitefleet.tar.gz");
  if (!existsSync(archive)) return { skipped: "no package: npm run build:compute" };
  if (isOutdated(archive)) return { skipped: "the package is older than its sources: npm run build:compute" };
  const loadBefore = load();
  const dir = await mkdtemp(join(tmpdir(), "sitefleet-bench-compute-"));
  const fleet = await startFleet();
  try {
    const site = await writeSite(join(dir, "site"));
    const report = { site: "bench", siteEnv: "production", dir: site, domains: [HOST] };
    await publishFolder(fleet.deps, report);
    const ours = await ourApp(fleet, { archive, dir });
    const theirs = await buildPeer(site).catch((error: unknown) => reasonOf(error));
    const figures = await compare(viceroy, { ours, theirs });
    return { load: [loadBefore, load()], bodyBytes: PAGE.length, connections: ROUND.connections, ...figures };
  } finally {
    await fleet.close();
    await rm(dir, { recursive: true, force: true });
  }
}

/** Whether a source of the package was written after it: figures of another program would be taken for this one's. */
function isOutdated(archive: string): boolean {
  const { mtimeMs } = statSync(archive);
  const files = ["compute/src", "src/site"].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" }).map((name) =>
      join(ROOT, folder, name),
    ),
  );
  const builders = readdirSync(join(ROOT, "compute")).filter((name) => name.endsWith(".js"));
  return [...files, ...builders.map((name) => join(ROOT, "compute", name))].some(
    (file) => statSync(file).mtimeMs > mtimeMs,
  );
}

function findViceroy(): string | undefined {
  const cargo = join(process.env["CARGO_HOME"] ?? join(homedir(), ".cargo"), "bin/viceroy");
  return findProgram("viceroy") ?? (existsSync(cargo) ? cargo : undefined);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.slice(0, 500) : String(error);
}

async function writeSite(dir: string): Promise<string> {
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, "index.html"), PAGE);
  for (let page = 1; page < PAGES; page += 1)
    await writeFile(join(dir, `page-${page}.html`), `${PAGE}<p>${page}</p>`);
  return dir;
}

/** Our package with the stores of a mirror, whose S3 it reads. */
async function ourApp(
  fleet: Fleet,
  { archive, dir }: { readonly archive: string; readonly dir: string },
): Promise<ComputeApp> {
  const packed = await readFile(archive);
  const entries = await unpackTar(gunzipSync(packed));
  const wasm = entries.find(({ header }) => header.name.endsWith("/main.wasm"))?.data;
  if (wasm === undefined) throw new Error(`there is no program in ${archive}`);
  const program = join(dir, "main.wasm");
  await writeFile(program, wasm);
  await writeViceroyStores(fleet.stateDir, fleet.file);
  const manifest = join(dir, "fastly.toml");
  const file = (name: string): string => JSON.stringify(join(fleet.stateDir, "viceroy", name));
  const lines = [
    "manifest_version = 3",
    'name = "sitefleet"',
    'language = "javascript"',
    ...originsOf(fleet.environment).flatMap(({ name, host, tls }) => [
      `[local_server.backends.${name}]`,
      `url = ${JSON.stringify(`${tls ? "https" : "http"}://${host}`)}`,
    ]),
    `[local_server.config_stores.${EDGE_STORES.settings}]`,
    'format = "json"',
    `file = ${file("settings.json")}`,
    `[local_server.secret_stores.${EDGE_STORES.secrets}]`,
    'format = "json"',
    `file = ${file("secrets.json")}`,
  ];
  await writeFile(manifest, lines.join("\n"));
  return { program, manifest, packageBytes: packed.length, programBytes: wasm.length };
}

async function compare(
  viceroy: string,
  apps: { readonly ours: ComputeApp; readonly theirs: ComputeApp | string },
): Promise<object> {
  const { ours, theirs } = apps;
  const client = new Child("load-process.js");
  const sides: Side[] = [];
  try {
    const cold = {
      ours: await measureCold(viceroy, ours),
      ...(typeof theirs === "string" ? {} : { theirs: await measureCold(viceroy, theirs) }),
    };
    for (const app of typeof theirs === "string" ? [ours] : [ours, theirs])
      sides.push(sideOf(app, (await start(viceroy, app)).server));
    for (const side of sides) await ask(client, side, WARM_UP);
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const at of sides.keys()) {
        const side = sides[(at + round) % sides.length];
        if (side !== undefined) await measureRound(client, side);
      }
    }
    const [our, their] = sides;
    return {
      coldStart: cold,
      ours: our && figuresOf(our),
      theirs: their === undefined ? { skipped: theirs } : figuresOf(their),
      ...(our && their ? { ratioOfMedians: ratiosOf(our, their) } : {}),
    };
  } finally {
    await client.stop();
    for (const { server } of sides) await server.stop();
  }
}

function sideOf(app: ComputeApp, server: ServerProgram): Side {
  return { app, server, perSecond: [], cpuMicros: [], busy: [], alone: [] };
}

/** Starts Viceroy; `ms` is until it accepts connections, which is when the module has been compiled. */
async function start(
  viceroy: string,
  { program, manifest }: ComputeApp,
): Promise<{ readonly server: ServerProgram; readonly ms: number }> {
  const port = await freePort();
  const args = ["serve", "--addr", `127.0.0.1:${port}`, "-C", manifest, program];
  const startedMs = performance.now();
  const server = await ServerProgram.start({
    program: viceroy,
    args,
    cwd: dirname(manifest),
    port,
    startMs: START_MS,
  });
  return { server, ms: performance.now() - startedMs };
}

/** A new Viceroy each time: until it listens, and from the first request to its answer's end. */
async function measureCold(viceroy: string, app: ComputeApp): Promise<object> {
  const compiled: number[] = [];
  const first: number[] = [];
  const bytes: number[] = [];
  for (let round = 0; round < COLD_STARTS; round += 1) {
    const { server, ms } = await start(viceroy, app);
    try {
      compiled.push(ms);
      const answer = await timeRequest(server.port);
      first.push(answer.ms);
      bytes.push(answer.bytes);
    } finally {
      await server.stop();
    }
  }
  return {
    unit: "ms",
    untilListening: spread(compiled),
    firstAnswer: spread(first),
    answerBytes: Math.max(...bytes),
  };
}

/** The first answer, asked for as the load asks. */
function timeRequest(port: number): Promise<{ readonly ms: number; readonly bytes: number }> {
  return new Promise((resolve, reject) => {
    const startedMs = performance.now();
    const headers = { host: HOST, accept: "text/html", "accept-encoding": "gzip" };
    const sent = request({ host: "127.0.0.1", port, path: "/", headers }, (answer) => {
      let bytes = 0;
      answer.on("data", (chunk: Buffer) => (bytes += chunk.length));
      answer.once("end", () => {
        if (answer.statusCode === 200) resolve({ ms: performance.now() - startedMs, bytes });
        else reject(new Error(`the first answer has status ${answer.statusCode}`));
      });
    });
    sent.once("error", reject);
    sent.end();
  });
}

async function ask(
  client: Child,
  { server }: Side,
  how: { readonly connections: number; readonly seconds: number },
): Promise<LoadResult> {
  const order = { port: server.port, path: "/", hosts: [HOST], ...how } satisfies LoadOrder;
  return (await client.ask(order)) as LoadResult;
}

async function measureRound(client: Child, side: Side): Promise<void> {
  const before = side.server.cpuMicros() ?? Number.NaN;
  const busy = await ask(client, side, ROUND);
  const after = side.server.cpuMicros() ?? Number.NaN;
  side.busy.push(busy);
  side.perSecond.push(busy.requests / busy.seconds);
  side.cpuMicros.push((after - before) / busy.requests);
  side.alone.push(await ask(client, side, ALONE));
}

function figuresOf({ app, perSecond, cpuMicros, busy, alone }: Side): object {
  const micros = (results: readonly LoadResult[], key: "p50Micros" | "p99Micros"): object =>
    spread(results.map((result) => result[key]));
  return {
    packageBytes: app.packageBytes,
    programBytes: app.programBytes,
    perSecond: spread(perSecond),
    cpuMicrosPerRequest: spread(cpuMicros),
    busy: { p50: micros(busy, "p50Micros"), p99: micros(busy, "p99Micros") },
    alone: { p50: micros(alone, "p50Micros"), p99: micros(alone, "p99Micros") },
  };
}

function ratiosOf(ours: Side, theirs: Side): object {
  const ratio = (of: (side: Side) => readonly number[]): number =>
    rounded(median(of(ours)) / median(of(theirs)));
  return {
    perSecond: ratio(({ perSecond }) => perSecond),
    p99: ratio(({ busy }) => busy.map(({ p99Micros }) => p99Micros)),
    p99Alone: ratio(({ alone }) => alone.map(({ p99Micros }) => p99Micros)),
    cpu: ratio(({ cpuMicros }) => cpuMicros),
    packageBytes: rounded(ours.app.packageBytes / theirs.app.packageBytes),
  };
}
