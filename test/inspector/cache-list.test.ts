import { expect, test } from "vitest";
import { HeaderList } from "../../src/http/header-list.ts";
import { CacheEntry } from "../../src/mirror/edge/cache-entry.ts";
import { CacheStore } from "../../src/mirror/edge/cache-store.ts";
import { varySpec } from "../../src/mirror/edge/vary.ts";
import { listCache } from "../../src/mirror/inspector/cache-list.ts";

const NOW = 1_000_000;

/** The cache of a POP with objects `POP-0`, `POP-1`, …, fresh for a minute since ten seconds ago. */
function cacheOf(pop: string, objects: number): readonly [string, CacheStore] {
  const store = new CacheStore(1 << 20);
  for (let i = 0; i < objects; i += 1) {
    const headers = new HeaderList();
    const entry = new CacheEntry(
      {
        key: `${pop}-${i}`,
        vary: varySpec(headers, headers),
        status: 200,
        reason: "OK",
        headers,
        body: Buffer.alloc(10),
        ttl: 60,
        staleIfError: 0,
        staleWhileRevalidate: 0,
        age: 0,
        surrogateKeys: [`svc s:${pop}`],
        hitForPass: false,
        esi: false,
        segment: null,
      },
      NOW - 10_000,
    );
    const mark = store.beginFetch();
    store.insert(entry, headers, { mark, now: NOW - 10_000 });
    store.endFetch(mark);
  }
  return [pop, store];
}

const CACHES = new Map([cacheOf("LHR", 20), cacheOf("IAD", 0), cacheOf("SYD", 2)]);

test("each POP has its share of the list, those used last first, so that a full one does not hide the others", () => {
  const { rows, more, pops } = listCache(CACHES, { text: "", limit: 9, now: NOW });
  expect(rows.map(({ pop, key }) => [pop, key])).toEqual([
    ["LHR", "LHR-19"],
    ["LHR", "LHR-18"],
    ["LHR", "LHR-17"],
    ["SYD", "SYD-1"],
    ["SYD", "SYD-0"],
  ]);
  expect(more).toBe(true);
  expect(pops.map(({ pop, objects }) => [pop, objects])).toEqual([
    ["LHR", 20],
    ["IAD", 0],
    ["SYD", 2],
  ]);
});

test("an object is found at its POP by its key or a surrogate key, with its age and what is left", () => {
  const { rows, more } = listCache(CACHES, { text: "SYD-1", limit: 9, now: NOW });
  expect(rows).toMatchObject([
    { pop: "SYD", key: "SYD-1", ageSeconds: 10, ttlSeconds: 50, surrogateKeys: ["s:SYD"] },
  ]);
  expect(more).toBe(false);
  expect(listCache(CACHES, { text: "s:SYD", limit: 9, now: NOW }).rows).toHaveLength(2);
  expect(listCache(CACHES, { text: "s:IAD", limit: 9, now: NOW }).rows).toEqual([]);
});
