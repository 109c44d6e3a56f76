import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { configKeyOf } from "../src/publish/publish-deps.ts";
import { publishFolder } from "../src/publish/publish.ts";
import { encodeConfig } from "../src/site/codec.ts";
import { Child } from "./child.ts";
import { startFleet } from "./fleet.ts";
import type { Fleet } from "./fleet.ts";
import type { LoadOrder, LoadResult } from "./load-process.ts";
import { makeSigner, sendAll } from "./signed-requests.ts";
import { load, median, rounded, spread } from "./statistics.ts";

const SIZES = [10, 1_000, 100_000] as const;
/** Domains that are asked for, so that all of them are warm. */
const MOST_ASKED = 1_000;
/** Many short rounds: what else the machine does then meets all sizes alike. */
const ROUNDS = 21;
const BUSY = { connections: 16, seconds: 0.5 } as const;
const ALONE = { connections: 1, seconds: 0.25 } as const;
const PAGE = `<!doctype html><title>Menu</title><p>${"bread ".repeat(600)}</p>`;

/** A fleet with so many domains in its config bucket, and what was measured on it. */
interface Sample {
  readonly domains: number;
  readonly fleet: Fleet;
  readonly perSecond: number[];
  readonly cpuMicros: number[];
  readonly busy: LoadResult[];
  readonly alone: LoadResult[];
}

/**
 * The warm request: config hit, restart, page hit, through the rendered service, at three sizes of the config bucket.
 * The sizes take turns, so that what the machine does besides hits all of them.
 */
export async function measureEdge(): Promise<object> {
  const loadBefore = load();
  const samples: Sample[] = [];
  const client = new Child("load-process.js");
  try {
    for (const domains of SIZES) samples.push(await prepare(domains));
    for (const sample of samples) {
      await ask(client, sample, { connections: 8, seconds: 2.5 });
    }
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const at of SIZES.keys()) {
        const sample = samples[(at + round) % SIZES.length];
        if (sample) await measureRound(client, sample);
      }
    }
    const [fewest, most] = [samples[0], samples.at(-1)];
    return {
      load: [loadBefore, load()],
      bodyBytes: PAGE.length,
      sizes: await Promise.all(samples.map(figuresOf)),
      ratioOfMedians: {
        ofDomains: `${most?.domains} to ${fewest?.domains}`,
        time: rounded(median(fewest?.perSecond ?? []) / median(most?.perSecond ?? [])),
        cpu: rounded(median(most?.cpuMicros ?? []) / median(fewest?.cpuMicros ?? [])),
        ofBestRounds: rounded(Math.max(...(fewest?.perSecond ?? [])) / Math.max(...(most?.perSecond ?? []))),
        aim: 1.1,
      },
    };
  } finally {
    await client.stop();
    for (const { fleet } of samples) await fleet.close();
  }
}

async function prepare(domains: number): Promise<Sample> {
  const fleet = await startFleet();
  const { deps } = fleet;
  const dir = await mkdtemp(join(tmpdir(), "sitefleet-bench-site-"));
  await writeFile(join(dir, "menu.html"), PAGE);
  const report = await publishFolder(deps, { site: "bench", siteEnv: "production", dir, domains: [] });
  await rm(dir, { recursive: true, force: true });
  await fillConfigs(fleet, { domains, release: report.release ?? "" });
  return { domains, fleet, perSecond: [], cpuMicros: [], busy: [], alone: [] };
}

function hostOf(index: number): string {
  return `www.shop-${index}.localhost`;
}

/** The config objects as publishing would write them, without the records of that many sites. */
async function fillConfigs(
  { file, deps }: Fleet,
  { domains, release }: { readonly domains: number; readonly release: string },
): Promise<void> {
  const encoded = encodeConfig({
    kind: "site",
    site: "bench",
    base: release,
    release,
    delta: "",
    forceTls: false,
    hsts: undefined,
    notFound: "page",
    notFoundDirectories: [],
    paths: "redirect",
    noindex: false,
    suspended: undefined,
    euOnly: false,
    protectedAreas: [],
    expiresAt: undefined,
    rules: [],
    buckets: undefined,
  });
  if (encoded.kind !== "ok") throw new Error(`the config does not fit: ${encoded.kind}`);
  const { metadata } = encoded;
  const sign = makeSigner({ ...file.s3, bucket: deps.environment.s3.configBucket });
  const body = Buffer.from("{}");
  const requests = function* (): Generator<ReturnType<typeof sign>> {
    for (let index = 0; index < domains; index += 1) {
      yield sign({ method: "PUT", key: configKeyOf(deps, hostOf(index)), body, metadata });
    }
  };
  await sendAll(file.s3.url, requests());
}

async function ask(
  client: Child,
  { fleet, domains }: Sample,
  how: { readonly connections: number; readonly seconds: number },
): Promise<LoadResult> {
  // Spread over the whole bucket.
  const asked = Math.min(domains, MOST_ASKED);
  const hosts = Array.from({ length: asked }, (_, index) => hostOf(Math.floor((index * domains) / asked)));
  const port = Number(new URL(fleet.file.edge.http).port);
  return (await client.ask({ port, path: "/menu", hosts, ...how } satisfies LoadOrder)) as LoadResult;
}

async function measureRound(client: Child, sample: Sample): Promise<void> {
  const before = await sample.fleet.report();
  const busy = await ask(client, sample, BUSY);
  const after = await sample.fleet.report();
  sample.busy.push(busy);
  sample.perSecond.push(busy.requests / busy.seconds);
  sample.cpuMicros.push((after.cpuMicros - before.cpuMicros) / busy.requests);
  sample.alone.push(await ask(client, sample, ALONE));
}

async function figuresOf(sample: Sample): Promise<object> {
  const micros = (results: readonly LoadResult[], key: "p50Micros" | "p99Micros"): object =>
    spread(results.map((result) => result[key]));
  return {
    domains: sample.domains,
    perSecond: spread(sample.perSecond),
    microsPerRequest: spread(sample.perSecond.map((rate) => 1e6 / rate)),
    cpuMicrosPerRequest: spread(sample.cpuMicros),
    connections16: { p50: micros(sample.busy, "p50Micros"), p99: micros(sample.busy, "p99Micros") },
    connections1: { p50: micros(sample.alone, "p50Micros"), p99: micros(sample.alone, "p99Micros") },
    mirrorRssMb: (await sample.fleet.report()).rssMb,
  };
}
