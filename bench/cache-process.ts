/**
 * An edge whose cache is filled with objects as a fetch would have stored them: arguments = folder, bytes of the
 * cache; each message is an order, each answer what came of it. Needs `--expose-gc`.
 */
import { HeaderList } from "../src/http/header-list.ts";
import { systemClock } from "../src/lib/clock.ts";
import { CacheEntry } from "../src/mirror/edge/cache-entry.ts";
import type { CacheStore, StoreFigures } from "../src/mirror/edge/cache-store.ts";
import { startEdge } from "../src/mirror/edge/edge.ts";
import { varySpec } from "../src/mirror/edge/vary.ts";
import { readUsage } from "./usage.ts";
import type { Usage } from "./usage.ts";

export type CacheOrder =
  | { readonly do: "fill"; readonly objects: number; readonly bodyBytes: number }
  | { readonly do: "purge"; readonly key: string }
  /** Waits until what was purged has left. */
  | { readonly do: "rest" }
  /** Rests and collects garbage first. */
  | { readonly do: "report" };

export interface CacheReport extends Usage, StoreFigures {
  /** What a fill or a purge took. */
  readonly ms: number;
  /** Heap and buffers. */
  readonly memory: number;
}

const SERVICE = "bench";
const REQUEST = HeaderList.from([["Accept-Encoding", "gzip"]]);
const [stateDir = "", cacheBytes = ""] = process.argv.slice(2);

const edge = await startEdge({
  stateDir,
  httpPort: 0,
  httpsPort: 0,
  clock: systemClock,
  onLog: () => undefined,
  cacheBytes: Number(cacheBytes),
});
process.on("message", (order: CacheOrder) => {
  void obey(order).then((ms) => process.send?.(report(ms)));
});
await collect();
process.send?.(report(0));

function store(): CacheStore {
  const [first] = edge.caches().values();
  if (first === undefined) throw new Error("the edge has no POP");
  return first;
}

async function obey(order: CacheOrder): Promise<number> {
  const startedMs = performance.now();
  switch (order.do) {
    case "fill":
      for (let index = 0; index < order.objects; index += 1) put(index, order.bodyBytes);
      break;
    case "purge":
      await edge.purge({
        serviceId: SERVICE,
        scope: { kind: "keys", keys: [order.key] },
        soft: false,
      });
      break;
    case "rest":
      await rest();
      return 0;
    case "report":
      await collect();
      return 0;
  }
  return performance.now() - startedMs;
}

/** Five keys: of the object alone, and of groups of 10, 1,000, 10,000 and all. */
function put(index: number, bodyBytes: number): void {
  const keys = [
    `page-${index}`,
    `group-${index % 10_000}`,
    `kind-${index % 100}`,
    `part-${index % 10}`,
    "all",
  ];
  const now = systemClock.now();
  const headers = HeaderList.from([
    ["Content-Type", "text/html; charset=utf-8"],
    ["Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT"],
    ["ETag", `"${index.toString(16).padStart(32, "0")}"`],
    ["Cache-Control", "public, max-age=3600"],
    ["Surrogate-Key", keys.join(" ")],
    ["Vary", "Accept-Encoding"],
    ["Content-Length", String(bodyBytes)],
  ]);
  const entry = new CacheEntry(
    {
      key: `${SERVICE}=/shop/pages/${index}.html|www.example.com|1`,
      vary: varySpec(headers, REQUEST),
      status: 200,
      reason: "OK",
      headers,
      body: Buffer.alloc(bodyBytes, index % 256),
      ttl: 3600,
      staleIfError: 0,
      staleWhileRevalidate: 0,
      age: 0,
      surrogateKeys: keys.map((key) => `${SERVICE} ${key}`),
      hitForPass: false,
      esi: false,
      segment: null,
    },
    now,
  );
  const mark = store().beginFetch();
  store().insert(entry, REQUEST, { mark, now });
  store().endFetch(mark);
}

function report(ms: number): CacheReport {
  const { heapUsed, external } = process.memoryUsage();
  return { ...readUsage(), ...store().figures(), ms, memory: heapUsed + external };
}

/** Purged objects leave in turns of the event loop. */
async function rest(): Promise<void> {
  for (let turn = 0; turn < 300; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Buffers are given back after the collection that finds them. */
async function collect(): Promise<void> {
  await rest();
  for (let round = 0; round < 2; round += 1) {
    globalThis.gc?.();
    await rest();
  }
}
