import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Child } from "./child.ts";
import type { EdgeReport } from "./edge-process.ts";
import type { LoadOrder, LoadResult } from "./load-process.ts";
import { PATHS, peerService } from "./peer-service.ts";
import { findProgram } from "./run-program.ts";
import { freePort, ServerProgram } from "./server-program.ts";
import { load, median, rounded, spread } from "./statistics.ts";

const PAGE = `<!doctype html><title>Menu</title><p>${"bread ".repeat(600)}</p>`;
const HOST = "www.example.com";
const ROUNDS = 11;
/** Requests that ours answers on each path beforehand: its code is compiled while it runs. */
const WARM_REQUESTS = 8_000;
const WARM_UP = { connections: 8, seconds: 2 } as const;
const ROUND = { connections: 8, seconds: 0.5 } as const;

interface Target {
  readonly port: number;
  /** Processor time so far; `undefined` where nobody tells. */
  cpuMicros(): Promise<number | undefined>;
  stop(): Promise<void>;
}

interface Bench {
  readonly dir: string;
  readonly originPort: number;
  readonly ours: Target;
  readonly client: Child;
}

/**
 * Our edge beside `falco simulate` with the same VCL, and beside `varnishd` for a plain cached hit, each where the
 * program is on PATH. Rounds alternate between the two; ratios are of medians, above 1 where ours does more.
 */
export async function measurePeers(): Promise<object> {
  const loadBefore = load();
  const dir = await mkdtemp(join(tmpdir(), "sitefleet-bench-peers-"));
  const origin = await startOrigin();
  const originPort = portOf(origin);
  const client = new Child("load-process.js");
  const file = join(dir, "service.vcl");
  await writeFile(file, peerService(originPort));
  const ours = await startOurs(join(dir, "state"), file);
  const bench = { dir, originPort, ours, client };
  try {
    for (const path of Object.values(PATHS)) await warmUp(bench, path);
    const falco = await compareFalco(bench, file);
    const varnish = await compareVarnish(bench);
    return { load: [loadBefore, load()], bodyBytes: PAGE.length, falco, varnish };
  } finally {
    await client.stop();
    await ours.stop();
    origin.close();
    await rm(dir, { recursive: true, force: true });
  }
}

async function warmUp(bench: Bench, path: string): Promise<void> {
  const side = sideOf(bench.ours, false);
  for (let done = 0; done < WARM_REQUESTS;) done += (await ask(bench, side, { path, ...WARM_UP })).requests;
}

async function startOrigin(): Promise<Server> {
  const origin = createServer((request, response) => {
    response.setHeader("Cache-Control", "max-age=3600");
    response.setHeader("Content-Type", "text/html");
    if (request.url === "/config") response.setHeader("X-Release", "7");
    response.end(PAGE);
  }).listen(0, "127.0.0.1");
  await once(origin, "listening");
  return origin;
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

async function startOurs(stateDir: string, file: string): Promise<Target> {
  const child = new Child("edge-process.js", [stateDir, file]);
  const { port } = (await child.next()) as EdgeReport;
  return {
    port,
    cpuMicros: async () => ((await child.ask("report")) as EdgeReport).cpuMicros,
    stop: () => child.stop(),
  };
}

async function startTheirs(command: Parameters<typeof ServerProgram.start>[0]): Promise<Target> {
  const server = await ServerProgram.start(command);
  return {
    port: server.port,
    cpuMicros: () => Promise.resolve(server.cpuMicros()),
    stop: () => server.stop(),
  };
}

/**
 * As it is by itself, `falco simulate` answers with what the request did (`report`), over connections it keeps alive.
 * With `--proxy` it answers as an edge does, but closes the connection after each answer: there ours is asked over a
 * new connection for each request as well.
 */
async function compareFalco(bench: Bench, file: string): Promise<object> {
  const program = findProgram("falco");
  if (program === undefined) return { skipped: "no falco on PATH" };
  const run = async (args: readonly string[], matches: Readonly<Record<string, string>>): Promise<object> => {
    const port = await freePort();
    await writeFile(join(bench.dir, ".falco.yml"), `simulator:\n  port: ${port}\n`);
    const theirs = await startTheirs({ program, args: ["simulate", ...args, file], cwd: bench.dir, port });
    try {
      const figures: Record<string, object> = {};
      for (const [name, path] of Object.entries(matches)) {
        figures[name] = await compare(bench, { theirs, path, reconnect: args.length > 0, aim: 10 });
      }
      return figures;
    } finally {
      await theirs.stop();
    }
  };
  return { report: await run([], PATHS), proxy: await run(["--proxy"], PATHS) };
}

async function compareVarnish(bench: Bench): Promise<object> {
  const program = findProgram("varnishd");
  if (program === undefined) return { skipped: "no varnishd on PATH" };
  const port = await freePort();
  const file = join(bench.dir, "varnish.vcl");
  await writeFile(file, `vcl 4.1;\nbackend origin { .host = "127.0.0.1"; .port = "${bench.originPort}"; }\n`);
  // In the foreground, without a management port, and as whoever runs the bench.
  const own = ["-F", "-T", "none", "-j", "none", "-n", join(bench.dir, "varnish")];
  const args = [...own, "-a", `127.0.0.1:${port}`, "-f", file, "-s", "malloc,64m"];
  const theirs = await startTheirs({ program, args, cwd: bench.dir, port });
  try {
    return { hit: await compare(bench, { theirs, path: PATHS.hit, reconnect: false, aim: 0.1 }) };
  } finally {
    await theirs.stop();
  }
}

interface Match {
  readonly theirs: Target;
  readonly path: string;
  readonly reconnect: boolean;
  readonly aim: number;
}

interface Side {
  readonly target: Target;
  /** Whether each request has a connection of its own. */
  readonly reconnect: boolean;
  readonly perSecond: number[];
  readonly cpuMicros: number[];
}

async function compare(bench: Bench, { theirs, path, reconnect, aim }: Match): Promise<object> {
  const sides = {
    ours: sideOf(bench.ours, false),
    ...(reconnect ? { oursReconnecting: sideOf(bench.ours, true) } : {}),
    theirs: sideOf(theirs, reconnect),
  };
  const all = Object.values(sides);
  for (const side of all) await ask(bench, side, { path, ...WARM_UP });
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const at of all.keys()) {
      const side = all[(at + round) % all.length];
      if (side !== undefined) await measureRound(bench, side, path);
    }
  }
  const ratio = ({ perSecond, cpuMicros }: Side): object => ({
    perSecond: rounded(median(perSecond) / median(sides.theirs.perSecond)),
    perCpuSecond: rounded(median(sides.theirs.cpuMicros) / median(cpuMicros)),
  });
  return {
    ...Object.fromEntries(Object.entries(sides).map(([name, side]) => [name, figuresOf(side)])),
    ratioOfMedians: {
      ours: ratio(sides.ours),
      ...(sides.oursReconnecting === undefined ? {} : { oursReconnecting: ratio(sides.oursReconnecting) }),
      aim,
    },
  };
}

function sideOf(target: Target, reconnect: boolean): Side {
  return { target, reconnect, perSecond: [], cpuMicros: [] };
}

async function measureRound(bench: Bench, side: Side, path: string): Promise<void> {
  const before = await side.target.cpuMicros();
  const result = await ask(bench, side, { path, ...ROUND });
  const after = await side.target.cpuMicros();
  side.perSecond.push(result.requests / result.seconds);
  side.cpuMicros.push(((after ?? Number.NaN) - (before ?? Number.NaN)) / result.requests);
}

async function ask(
  { client }: Bench,
  { target, reconnect }: Side,
  how: { readonly path: string; readonly connections: number; readonly seconds: number },
): Promise<LoadResult> {
  const order = { port: target.port, hosts: [HOST], reconnect, ...how } satisfies LoadOrder;
  return (await client.ask(order)) as LoadResult;
}

function figuresOf({ perSecond, cpuMicros }: Side): object {
  return { perSecond: spread(perSecond), cpuMicrosPerRequest: spread(cpuMicros) };
}
