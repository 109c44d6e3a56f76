import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Child } from "./child.ts";
import type { S3Report } from "./s3-process.ts";
import { S3_BENCH } from "./s3-target.ts";
import { makeSigner, sendAll } from "./signed-requests.ts";
import type { RequestPlan } from "./signed-requests.ts";
import { load, rounded } from "./statistics.ts";

const BODY = randomBytes(2048);
const METADATA = { a: "1", b: "two" } as const;
const OBJECTS = 100_000;

/** PUT and GET per second with signatures checked, and the start and memory with 100,000 objects in the bucket. */
export async function measureS3(): Promise<object> {
  const loadBefore = load();
  const memory = await measureRates("memory", 10_000);
  const fsync = await measureRates("fsync", 3_000);
  const start = await measureStart();
  return { load: [loadBefore, load()], bodyBytes: BODY.length, memory, fsync, start };
}

/** The server in another process. */
async function withServer<T>(
  options: { readonly dir: string; readonly durability: "fsync" | "memory" },
  use: (server: Child, ready: S3Report) => Promise<T>,
): Promise<T> {
  const child = new Child("s3-process.js", [options.dir, options.durability], ["--expose-gc"]);
  try {
    return await use(child, (await child.next()) as S3Report);
  } finally {
    await child.stop();
  }
}

async function inFolder<T>(use: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), "sitefleet-bench-"));
  try {
    return await use(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Requests are signed before the clock runs. */
async function measureRequests(server: Child, url: string, plans: readonly RequestPlan[]): Promise<object> {
  const requests = plans.map(makeSigner({ ...S3_BENCH, url }));
  const before = (await server.ask("report")) as S3Report;
  const seconds = await sendAll(url, requests);
  const after = (await server.ask("report")) as S3Report;
  return {
    requests: requests.length,
    perSecond: rounded(requests.length / seconds),
    cpuMicrosPerRequest: rounded((after.cpuMicros - before.cpuMicros) / requests.length),
  };
}

function measureRates(durability: "fsync" | "memory", count: number): Promise<object> {
  const puts = Array.from({ length: count }, (_, index): RequestPlan => ({
    method: "PUT",
    key: `site/${index}.html`,
    body: BODY,
    metadata: METADATA,
  }));
  return inFolder((dir) =>
    withServer({ dir, durability }, async (server, { url }) => {
      await measureRequests(server, url, puts.slice(0, 500));
      const put = await measureRequests(server, url, puts);
      if (durability === "fsync") return { put };
      const gets = [...puts, ...puts].map(({ key }): RequestPlan => ({ method: "GET", key }));
      return { put, get: await measureRequests(server, url, gets) };
    }),
  );
}

function measureStart(): Promise<object> {
  const body = BODY.subarray(0, 200);
  return inFolder(async (dir) => {
    const empty = await withServer({ dir, durability: "memory" }, async (_, ready) => ready);
    await withServer({ dir, durability: "memory" }, (_, { url }) => {
      const sign = makeSigner({ ...S3_BENCH, url });
      const requests = function* (): Generator<ReturnType<typeof sign>> {
        for (let index = 0; index < OBJECTS; index += 1) {
          const key = `production/www${index}.example.com/${index.toString(36)}secret`;
          yield sign({ method: "PUT", key, body, metadata: METADATA });
        }
      };
      return sendAll(url, requests());
    });
    return withServer({ dir, durability: "memory" }, async (server, { startMs }) => {
      const { heapMb, rssMb } = (await server.ask("report")) as S3Report;
      const bytesPerObject = Math.round(((heapMb - empty.heapMb) * 2 ** 20) / OBJECTS);
      return { objects: OBJECTS, startMs, rssMb, heapMb, emptyHeapMb: empty.heapMb, bytesPerObject };
    });
  });
}
