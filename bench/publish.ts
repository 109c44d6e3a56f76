import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { request } from "undici";
import type { MirrorFile } from "../src/settings/local.ts";
import { Child } from "./child.ts";
import { startFleet } from "./fleet.ts";
import type { Fleet } from "./fleet.ts";
import { BenchFolder } from "./publish-folder.ts";
import { OTHER_CACHE_CONTROL, toolsFor } from "./publish-tools.ts";
import type { SyncTool } from "./publish-tools.ts";
import { load, median, rounded } from "./statistics.ts";

const SIZES = (process.env["BENCH_FILES"] ?? "1000,10000").split(",").map(Number);
const ROUNDS = Number(process.env["BENCH_ROUNDS"] ?? 3);
const LATENCY_MS = 25;
/** A stat cache believes nothing younger than two seconds. */
const SETTLE_MS = 2_500;

interface Measured {
  readonly ms: number;
  readonly peakRssMb: number;
  readonly requests: number;
  /** Where it can be wrong. */
  readonly right?: boolean;
}

/** Runs by case, then by program. */
type Table = Map<string, Map<string, Measured[]>>;

/**
 * Whole processes that make S3 hold a folder: ours, s5cmd and tuned rclone, in turn on the same server; times without
 * the second pass of the purge. Prints the table of medians on stderr, and what they are to the other programs' medians.
 */
export async function measurePublish(): Promise<object> {
  const loadBefore = load();
  const sizes: Record<string, object> = {};
  for (const files of SIZES) sizes[`files${files}`] = await measureSize(files);
  return { load: [loadBefore, load()], rounds: ROUNDS, ...sizes };
}

async function measureSize(files: number): Promise<object> {
  const fleet = await startFleet();
  const dir = await mkdtemp(join(tmpdir(), "sitefleet-bench-site-"));
  try {
    const { tools, absent } = await toolsFor(fleet);
    for (const { name, reason } of absent) console.error(`skipped: ${name}: ${reason}`);
    const table: Table = new Map();
    for (let round = 0; round < ROUNDS; round += 1) {
      const folder = new BenchFolder(join(dir, `round${round}`), files);
      await folder.create();
      await measureRound({ fleet, folder, table, site: `bench${round}`, tools: rotated(tools, round) });
      await rm(folder.dir, { recursive: true });
    }
    await measureLatency(fleet, { dir, files, table });
    console.error(tableText(files, table));
    return { skipped: absent, cases: figures(table) };
  } finally {
    await fleet.close();
    await rm(dir, { recursive: true, force: true });
  }
}

interface Round {
  readonly fleet: Fleet;
  readonly folder: BenchFolder;
  readonly table: Table;
  readonly site: string;
  readonly tools: readonly SyncTool[];
}

async function measureRound(round: Round): Promise<void> {
  const { folder } = round;
  await wait(SETTLE_MS);
  await measureCase(round, "first");
  await measureCase(round, "unchanged");
  await measureCase(round, "unchanged, fresh machine", { fresh: true });
  await folder.changeSome();
  await wait(SETTLE_MS);
  await measureCase(round, "1 % changed, 1 % deleted");
  await folder.rebuild();
  await wait(SETTLE_MS);
  await measureCase(round, "rebuilt");
  const silent = await folder.changeInSilence();
  await wait(SETTLE_MS);
  await measureCase(round, "same length and time", {
    check: async (find) => (await find(silent.path)).sha256 === silent.sha256,
  });
  await measureCase(round, "other Cache-Control", {
    cacheControl: true,
    check: async (find) => (await find(folder.pathOf(3))).cacheControl === OTHER_CACHE_CONTROL,
  });
}

/** Looks up what the store holds of a page. */
type Find = (path: string) => Promise<{ readonly sha256?: string; readonly cacheControl?: string }>;

async function measureCase(
  { fleet, folder, table, site, tools }: Round,
  name: string,
  options: {
    readonly fresh?: boolean;
    readonly cacheControl?: boolean;
    readonly check?: (find: Find) => Promise<boolean>;
  } = {},
): Promise<void> {
  const { fresh = false, cacheControl = false, check } = options;
  for (const tool of tools) {
    const before = await requestsOf(fleet);
    const run = await tool.run({ dir: folder.dir, site, cacheControl, fresh });
    const requests = (await requestsOf(fleet)) - before;
    const right = await check?.((path) => findPage(fleet, tool, { site, path }));
    keep(table, name, tool.name, { ...run, requests, ...(right === undefined ? {} : { right }) });
  }
}

async function requestsOf(fleet: Fleet): Promise<number> {
  const counts = Object.values((await fleet.report()).s3Requests);
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Ours through the edge, since only the site's config knows where a page lies; others by their key. */
async function findPage(
  { file, deps }: Fleet,
  tool: SyncTool,
  { site, path }: { readonly site: string; readonly path: string },
): ReturnType<Find> {
  const { signal } = new AbortController();
  if (tool.name !== "sitefleet") {
    const found = await deps.store.hosting.get({ key: `${tool.name}/${site}/${path}`, signal });
    if (found.kind === "not-found") return {};
    const { cacheControl } = found.object.headers;
    return { sha256: hashOf(found.body), ...(cacheControl === undefined ? {} : { cacheControl }) };
  }
  const url = new URL(`/${path.replace(/\.html$/, "")}`, file.edge.http);
  url.hostname = `${site}.localhost`;
  const answer = await request(`${file.edge.http}${url.pathname}`, { headers: { host: url.host } });
  const cacheControl = answer.headers["cache-control"];
  const sha256 = hashOf(new Uint8Array(await answer.body.arrayBuffer()));
  return { sha256, ...(typeof cacheControl === "string" ? { cacheControl } : {}) };
}

function hashOf(body: Uint8Array): string {
  return createHash("sha256").update(body).digest("hex");
}

/** A first publish over a wire on which every request takes 25 ms longer. */
async function measureLatency(
  fleet: Fleet,
  { dir, files, table }: { readonly dir: string; readonly files: number; readonly table: Table },
): Promise<void> {
  const wire = new Child("delay-process.js", [new URL(fleet.file.s3.url).port, String(LATENCY_MS)]);
  const { port } = (await wire.next()) as { readonly port: number };
  const stateDir = join(dir, "far-state");
  try {
    await mkdir(stateDir);
    const file: MirrorFile = { ...fleet.file, s3: { ...fleet.file.s3, url: `http://127.0.0.1:${port}` } };
    await writeFile(join(stateDir, "mirror.json"), JSON.stringify(file));
    const { tools } = await toolsFor({ file, stateDir });
    const folder = new BenchFolder(join(dir, "far"), files);
    await folder.create();
    for (let round = 0; round < ROUNDS; round += 1) {
      const site = `far${round}`;
      await measureCase(
        { fleet, folder, table, site, tools: rotated(tools, round) },
        `first, ${LATENCY_MS} ms`,
      );
    }
  } finally {
    await wire.stop();
  }
}

/** Another program begins each round, so that none has always the warmest machine. */
function rotated(tools: readonly SyncTool[], round: number): readonly SyncTool[] {
  const start = round % tools.length;
  return [...tools.slice(start), ...tools.slice(0, start)];
}

function keep(table: Table, name: string, tool: string, run: Measured): void {
  const row = table.get(name) ?? new Map<string, Measured[]>();
  table.set(name, row);
  row.set(tool, [...(row.get(tool) ?? []), run]);
}

function figures(table: Table): object {
  return Object.fromEntries(
    [...table].map(([name, row]) => [
      name,
      Object.fromEntries([...row].map(([tool, runs]) => [tool, { ...summary(runs), ...ratio(row, tool) }])),
    ]),
  );
}

function summary(runs: readonly Measured[]): object {
  const first = runs[0];
  return {
    ms: rounded(median(runs.map(({ ms }) => ms))),
    peakRssMb: median(runs.map(({ peakRssMb }) => peakRssMb)),
    requests: median(runs.map(({ requests }) => requests)),
    ...(first?.right === undefined ? {} : { right: runs.every(({ right }) => right) }),
  };
}

/** Our median to the other program's. */
function ratio(row: ReadonlyMap<string, readonly Measured[]>, tool: string): object {
  if (tool === "sitefleet") return {};
  return { oursToIts: rounded(medianMs(row, "sitefleet") / medianMs(row, tool)) };
}

function medianMs(row: ReadonlyMap<string, readonly Measured[]>, tool: string): number {
  return median((row.get(tool) ?? []).map(({ ms }) => ms));
}

function tableText(files: number, table: Table): string {
  const tools = [...new Set([...table.values()].flatMap((row) => [...row.keys()]))].sort(oursFirst);
  const others = tools.filter((tool) => tool !== "sitefleet");
  const head = [
    `${files} files`,
    ...tools.flatMap((tool) => [`${tool} ms`, "MB", "requests"]),
    ...others.map((tool) => `/ ${tool}`),
  ];
  const lines = [...table].map(([name, row]) => [
    name,
    ...tools.flatMap((tool) => cells(row.get(tool) ?? [])),
    ...others.map((tool) => `${rounded(medianMs(row, "sitefleet") / medianMs(row, tool))}`),
  ]);
  return [head, head.map(() => "---"), ...lines].map((line) => `| ${line.join(" | ")} |`).join("\n");
}

function oursFirst(a: string, b: string): number {
  return Number(b === "sitefleet") - Number(a === "sitefleet");
}

function cells(runs: readonly Measured[]): readonly string[] {
  const isWrong = runs.some(({ right }) => right === false);
  return [
    `${rounded(median(runs.map(({ ms }) => ms)))}${isWrong ? " (wrong)" : ""}`,
    `${median(runs.map(({ peakRssMb }) => peakRssMb))}`,
    `${median(runs.map(({ requests }) => requests))}`,
  ];
}
