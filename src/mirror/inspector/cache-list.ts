import { fromByteString, toByteString } from "../../http/byte-string.ts";
import type { CacheEntry } from "../edge/cache-entry.ts";
import type { CacheStore } from "../edge/cache-store.ts";
import { plainKey } from "../edge/surrogate-keys.ts";

/** One stored object. */
export interface CacheRow {
  readonly pop: string;
  readonly key: string;
  readonly status: number;
  readonly ageSeconds: number;
  /** Below zero: how long it has been stale. */
  readonly ttlSeconds: number;
  readonly hits: number;
  readonly bytes: number;
  readonly hitForPass: boolean;
  readonly surrogateKeys: readonly string[];
}

export interface CachePage {
  readonly rows: readonly CacheRow[];
  /** Whether there are more than the page shows. */
  readonly more: boolean;
  readonly pops: readonly { readonly pop: string; readonly objects: number; readonly bytes: number }[];
}

/** How many objects of a POP are looked at for one page: a full cache must not stop the edge. */
const MAX_LOOKED_AT = 50_000;

/** Objects whose cache key or a surrogate key contains the text, the ones used last first. `now` in milliseconds. */
export function listCache(
  caches: ReadonlyMap<string, CacheStore>,
  query: { readonly text: string; readonly limit: number; readonly now: number },
): CachePage {
  const pops = [...caches].map(([pop, store]) => {
    const { objects, bytes } = store.figures();
    return { pop, objects, bytes };
  });
  const rows: CacheRow[] = [];
  const wanted = toByteString(query.text);
  // Each POP has its share, so that the first one's objects do not hide the others'.
  const share = Math.max(1, Math.floor(query.limit / Math.max(1, caches.size)));
  let more = false;
  for (const [pop, store] of caches) {
    let looked = 0;
    let found = 0;
    for (const entry of store.entries()) {
      looked += 1;
      more ||= looked > MAX_LOOKED_AT || found === share;
      if (looked > MAX_LOOKED_AT || found === share) break;
      if (!matches(entry, wanted)) continue;
      found += 1;
      rows.push(rowOf(pop, entry, query.now));
    }
  }
  return { rows, more, pops };
}

function matches(entry: CacheEntry, text: string): boolean {
  return text === "" || entry.key.includes(text) || entry.surrogateKeys.some((key) => key.includes(text));
}

function rowOf(pop: string, entry: CacheEntry, now: number): CacheRow {
  return {
    pop,
    key: fromByteString(entry.key),
    status: entry.status,
    ageSeconds: entry.age(now),
    ttlSeconds: Math.round(entry.ttl(now)),
    hits: entry.hits,
    bytes: entry.size,
    hitForPass: entry.hitForPass,
    surrogateKeys: entry.surrogateKeys.map((kept) => fromByteString(plainKey(kept))),
  };
}
