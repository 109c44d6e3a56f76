import { expect, test } from "vitest";
import { HeaderList } from "../../../src/http/header-list.ts";
import { alone } from "../../../src/mirror/edge/body.ts";
import { CacheEntry } from "../../../src/mirror/edge/cache-entry.ts";
import { CacheStore } from "../../../src/mirror/edge/cache-store.ts";
import { NO_VARY } from "../../../src/mirror/edge/vary.ts";
import { serviceOf, startOrigin, testEdge } from "./harness.ts";
import { compiledService } from "./service-vcl.ts";

test.each([
  ["read whole", ""],
  ["streamed", "set beresp.do_stream = true;"],
  ["compressed", "set beresp.gzip = true;"],
])("a small body that was %s keeps no memory but its own", async (_how, fetch) => {
  const page = "a small page ".repeat(20);
  const origin = await startOrigin((_request, response) => {
    response.writeHead(200, { "Cache-Control": "max-age=60" });
    response.write(page.slice(0, 100));
    response.end(page.slice(100));
  });
  const { ask, edge } = await testEdge(serviceOf(compiledService(origin.port, { fetch })));
  await ask("/", { headers: { "Accept-Encoding": "gzip" } });
  await edge.idle();
  const [entry] = edge.caches().get("LHR")?.entries() ?? [];
  const body = entry?.body;
  expect(Buffer.isBuffer(body) && body.length > 0).toBe(true);
  if (Buffer.isBuffer(body)) expect(body.buffer.byteLength).toBe(body.length);
});

test("bytes that are alone already are not copied", () => {
  const own = Buffer.alloc(10);
  expect(alone(own)).toBe(own);
  const piece = Buffer.from("0123456789").subarray(2, 5);
  expect(alone(piece).toString()).toBe("234");
  expect(alone(piece).buffer.byteLength).toBe(3);
});

function entryWith(key: string, surrogateKeys: readonly string[]): CacheEntry {
  const init = {
    key,
    vary: NO_VARY,
    status: 200,
    reason: "OK",
    headers: new HeaderList(),
    body: Buffer.alloc(0),
    ttl: 60,
    staleIfError: 0,
    staleWhileRevalidate: 0,
    age: 0,
    surrogateKeys,
    hitForPass: false,
    esi: false,
    segment: null,
  };
  return new CacheEntry(init, 0);
}

test("a surrogate key that many objects carry is counted once in the index", () => {
  const bytesOf = (keys: (i: number) => string): number => {
    const store = new CacheStore(1_000_000);
    for (let i = 0; i < 10; i += 1) {
      const mark = store.beginFetch();
      store.insert(entryWith(`o${i}`, [keys(i)]), new HeaderList(), { mark, now: 0 });
      store.endFetch(mark);
    }
    return store.figures().bytes;
  };
  const [shared, own] = [bytesOf(() => "k-0"), bytesOf((i) => `k-${i}`)];
  const none = 10 * entryWith("o0", []).size;
  expect(own - shared).toBeGreaterThan(0);
  expect((own - none) / (shared - none)).toBeGreaterThan(2);
});

test("the index of keys counts against the bound, and is given back", () => {
  const store = new CacheStore(20_000);
  const entries = Array.from({ length: 60 }, (_, i) => entryWith(`o${i}`, [`a-${i}`, `b-${i}`, `c-${i}`]));
  for (const entry of entries) {
    const mark = store.beginFetch();
    store.insert(entry, new HeaderList(), { mark, now: 0 });
    store.endFetch(mark);
  }
  const { bytes, objects } = store.figures();
  expect(bytes).toBeLessThanOrEqual(20_000);
  const sizes = [...store.entries()].reduce((sum, { size }) => sum + size, 0);
  expect(bytes - sizes).toBeGreaterThanOrEqual(objects * 3 * 100);
  for (const entry of entries) store.remove(entry);
  expect(store.figures().bytes).toBe(0);
});
