import { fc, test as property } from "@fast-check/vitest";
import { expect, test } from "vitest";
import { HeaderList } from "../../../src/http/header-list.ts";
import { CacheEntry } from "../../../src/mirror/edge/cache-entry.ts";
import { CacheStore } from "../../../src/mirror/edge/cache-store.ts";
import { PurgeLog } from "../../../src/mirror/edge/purge-log.ts";
import { judge } from "../../../src/mirror/edge/staleness.ts";
import { readSurrogateKeys } from "../../../src/mirror/edge/surrogate-keys.ts";
import { varySpec } from "../../../src/mirror/edge/vary.ts";

interface Made {
  readonly key: string;
  readonly language: string;
  readonly keys: readonly string[];
  readonly ttl: number;
  readonly size?: number;
}

function request(language: string): HeaderList {
  return HeaderList.from([["Accept-Language", language]]);
}

function entryOf(made: Made, now: number): CacheEntry {
  const headers = HeaderList.from([["Vary", "Accept-Language"]]);
  return new CacheEntry(
    {
      key: made.key,
      vary: varySpec(headers, request(made.language)),
      status: 200,
      reason: "OK",
      headers,
      body: Buffer.alloc(made.size ?? 10),
      ttl: made.ttl,
      staleIfError: 0,
      staleWhileRevalidate: 0,
      age: 0,
      surrogateKeys: made.keys,
      hitForPass: false,
      esi: false,
      segment: null,
    },
    now,
  );
}

function put(store: CacheStore, made: Made, now = 0): CacheEntry {
  const entry = entryOf(made, now);
  const mark = store.beginFetch();
  store.insert(entry, request(made.language), { mark, now });
  store.endFetch(mark);
  return entry;
}

const key = fc.constantFrom("a", "b", "c");
const language = fc.constantFrom("de", "en");
const tags = fc.subarray(["x", "y", "z"]);
const step = fc.oneof(
  fc.record({ do: fc.constant("put" as const), key, language, keys: tags, ttl: fc.nat(20) }),
  fc.record({
    do: fc.constant("purgeKey" as const),
    tag: fc.constantFrom("x", "y", "z"),
    soft: fc.boolean(),
  }),
  fc.record({ do: fc.constant("purgeObject" as const), key, soft: fc.boolean() }),
  fc.record({ do: fc.constant("wait" as const), seconds: fc.nat(10) }),
);

property.prop([fc.array(step, { maxLength: 40 })])(
  "behaves like a plain map of variants with expiry times, whatever is inserted, purged and waited for",
  (steps) => {
    const store = new CacheStore(1_000_000);
    const model = new Map<string, { keys: readonly string[]; expires: number; key: string }>();
    let now = 0;
    const purgeModel = (
      hit: (m: { keys: readonly string[]; key: string }) => boolean,
      soft: boolean,
    ): void => {
      for (const [id, m] of model) {
        if (!hit(m)) continue;
        if (soft) m.expires = Math.min(m.expires, now);
        else model.delete(id);
      }
    };
    for (const s of steps) {
      if (s.do === "put") {
        put(store, s, now);
        model.set(`${s.key} ${s.language}`, { key: s.key, keys: s.keys, expires: now + s.ttl * 1000 });
      } else if (s.do === "purgeKey") {
        store.purgeSurrogateKey(s.tag, { soft: s.soft, now });
        purgeModel((m) => m.keys.includes(s.tag), s.soft);
      } else if (s.do === "purgeObject") {
        store.purgeObject(s.key, { soft: s.soft, now });
        purgeModel((m) => m.key === s.key, s.soft);
      } else now += s.seconds * 1000;
      for (const k of ["a", "b", "c"]) {
        for (const l of ["de", "en"]) {
          const expected = model.get(`${k} ${l}`);
          expect(store.find(k, request(l))?.expires).toBe(expected?.expires);
        }
      }
      expect(store.figures().objects).toBe(model.size);
    }
  },
);

property.prop([
  fc.array(fc.record({ key: fc.string({ maxLength: 3 }), size: fc.nat(3000) }), { maxLength: 60 }),
])("never holds more bytes than it may, and counts to zero when all is gone", (inserted) => {
  const store = new CacheStore(20_000);
  const entries = inserted.map(({ key, size }) =>
    put(store, { key, size, language: "en", keys: ["k"], ttl: 5 }),
  );
  expect(store.figures().bytes).toBeLessThanOrEqual(20_000);
  for (const entry of entries) store.remove(entry);
  expect(store.figures()).toMatchObject({ objects: 0, bytes: 0, surrogateKeys: 0 });
});

test("the least recently used object leaves first", () => {
  const store = new CacheStore(25_000);
  const [a, b] = ["a", "b"].map((key) => put(store, { key, size: 10_000, language: "en", keys: [], ttl: 5 }));
  if (a !== undefined) store.touch(a);
  put(store, { key: "c", size: 10_000, language: "en", keys: [], ttl: 5 });
  expect([a?.stored, b?.stored]).toEqual([true, false]);
  expect(store.figures().evictions).toBe(1);
});

test("a key that thousands of objects carry is purged at once, and they leave between requests", async () => {
  const store = new CacheStore(10_000_000);
  const putMany = (count: number, keys: readonly string[]): void => {
    for (let i = 0; i < count; i++) put(store, { key: `${keys[0]}${i}`, language: "en", keys, ttl: 5 });
  };
  putMany(2_000, ["a", "all"]);
  putMany(10, ["b"]);
  store.purgeSurrogateKey("all", { soft: false, now: 0 });
  expect(store.find("a0", request("en"))).toBeNull();
  expect(store.find("a1999", request("en"))).toBeNull();
  const left = store.figures();
  expect(left.objects).toBe(10);
  expect([...store.entries()].map(({ surrogateKeys }) => surrogateKeys)).toEqual(
    Array.from({ length: 10 }, () => ["b"]),
  );
  // The same objects again, before the old ones have left.
  putMany(3, ["a", "all"]);
  const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
  for (let i = 0; i < 10; i++) await turn();
  expect(store.find("a2", request("en"))?.stored).toBe(true);
  expect(store.figures()).toMatchObject({ objects: 13, surrogateKeys: 3, evictions: 0 });
  store.purgeSurrogateKey("a", { soft: false, now: 0 });
  store.purgeSurrogateKey("b", { soft: false, now: 0 });
  expect(store.figures()).toEqual({ objects: 0, bytes: 0, surrogateKeys: 0, evictions: 0 });
});

test("the bound holds while thousands of purged objects leave", async () => {
  const store = new CacheStore(2_000_000);
  for (let i = 0; i < 1_000; i++) put(store, { key: `a${i}`, language: "en", keys: ["all"], ttl: 5 });
  store.purgeSurrogateKey("all", { soft: false, now: 0 });
  const size = 100_000;
  const entries = Array.from({ length: 40 }, (_, i) =>
    put(store, { key: `b${i}`, language: "en", keys: [], ttl: 5, size }),
  );
  expect(store.figures().bytes).toBeLessThanOrEqual(2_000_000);
  expect([entries[0]?.stored, entries[39]?.stored]).toEqual([false, true]);
  for (let i = 0; i < 10; i++) await new Promise((resolve) => void setImmediate(resolve));
  expect([...store.entries()].length).toBe(store.figures().objects);
  expect(store.figures().surrogateKeys).toBe(0);
});

test("an object larger than the cache is not stored and pushes nothing out", () => {
  const store = new CacheStore(6_000);
  const small = put(store, { key: "a", language: "en", keys: [], ttl: 5 });
  expect(put(store, { key: "b", size: 9_000, language: "en", keys: [], ttl: 5 }).stored).toBe(false);
  expect(small.stored).toBe(true);
});

test("bytes that arrive after the object was stored count", () => {
  const store = new CacheStore(25_000);
  const old = put(store, { key: "a", size: 10_000, language: "en", keys: [], ttl: 5 });
  const growing = put(store, { key: "b", language: "en", keys: [], ttl: 5 });
  store.grow(growing, 14_000);
  expect([old.stored, growing.stored]).toEqual([false, true]);
});

test("a key has 200 variants at most", () => {
  const store = new CacheStore(10_000_000);
  for (let i = 0; i < 250; i++) put(store, { key: "a", language: `l${i}`, keys: [], ttl: 5 });
  expect(store.figures().objects).toBe(200);
  expect(store.find("a", request("l249"))).not.toBeNull();
  expect(store.find("a", request("l0"))).toBeNull();
});

test("the purge log forgets what no fetch under way has to hear of", () => {
  const log = new PurgeLog();
  log.record("t", false);
  expect(log.size).toBe(0);
  const first = log.begin();
  log.record("t", true);
  const second = log.begin();
  log.record("u", false);
  expect([log.verdict(first, ["t"]), log.verdict(second, ["t"]), log.verdict(second, ["t", "u"])]).toEqual([
    "soft",
    "valid",
    "hard",
  ]);
  log.end(first);
  expect(log.size).toBe(1);
  log.end(second);
  expect(log.size).toBe(0);
});

test("a soft purge after a hard one does not weaken it", () => {
  const log = new PurgeLog();
  const mark = log.begin();
  log.record("t", false);
  log.record("t", true);
  expect(log.verdict(mark, ["t"])).toBe("hard");
});

test("the stale windows open and close where they should, and the request's limit wins when smaller", () => {
  const entry = entryOf({ key: "a", language: "en", keys: [], ttl: 10 }, 0);
  entry.staleWhileRevalidate = 10;
  entry.staleIfError = 100;
  let sick = false;
  const at = (seconds: number, more: Partial<Parameters<typeof judge>[1]> = {}): string =>
    judge(
      entry,
      {
        maxStaleIfError: null,
        maxStaleWhileRevalidate: null,
        hashIgnoreBusy: false,
        sick: () => sick,
        ...more,
      },
      seconds * 1000,
    );
  expect([at(9), at(10), at(19), at(20), at(109), at(110)]).toEqual([
    "fresh",
    "revalidate",
    "revalidate",
    "usable",
    "usable",
    "expired",
  ]);
  expect(at(15, { maxStaleWhileRevalidate: 0 })).toBe("usable");
  expect(at(60, { maxStaleIfError: 20 })).toBe("expired");
  expect(at(15, { hashIgnoreBusy: true })).toBe("expired");
  sick = true;
  expect([at(9), at(15), at(60), at(110)]).toEqual(["fresh", "stale", "stale", "expired"]);
});

test("surrogate keys are read within Fastly's limits", () => {
  const read = (...lines: string[]): readonly string[] =>
    readSurrogateKeys(HeaderList.from(lines.map((line) => ["Surrogate-Key", line] as const)));
  expect(read("a  b a", "c")).toEqual(["a", "b", "c"]);
  expect(read(`a ${"x".repeat(1025)} ${"y".repeat(1024)}`)).toEqual(["a", "y".repeat(1024)]);
  const many = Array.from({ length: 300 }, (_, i) => `key-${String(i).padStart(60, "0")}`);
  expect(read(many.join(" "))).toEqual(many.slice(0, 252));
});
