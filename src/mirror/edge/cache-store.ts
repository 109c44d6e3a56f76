import type { HeaderList } from "../../http/header-list.ts";
import type { CacheEntry } from "./cache-entry.ts";
import { PurgeLog } from "./purge-log.ts";
import type { FetchMark } from "./purge-log.ts";
import { segmentTag } from "./segments.ts";
import { KeyIndex } from "./surrogate-keys.ts";
import { varyMatches } from "./vary.ts";

/** Variants per object (https://docs.fastly.com/en/guides/resource-limits: 200). */
const MAX_VARIANTS = 200;

/**
 * Objects that a purge takes out of every index at once. Of a key that more of them carry they are only marked, which
 * is what makes a purge valid, and leave in slices of this many: requests are answered in between.
 */
const SLICE = 500;

/** What a surrogate key takes in the index besides its text, bytes; measured as what objects take. */
const INDEXED_KEY = 180;

export interface StoreFigures {
  readonly objects: number;
  readonly bytes: number;
  /** For a moment after a large purge also those that it left without objects. */
  readonly surrogateKeys: number;
  readonly evictions: number;
}

/**
 * The objects of one POP, bounded by bytes; the least recently used leave first. A key has one entry per Vary
 * variant, newest first. Surrogate keys belong to a service: callers prefix them.
 */
export class CacheStore {
  readonly #capacity: number;
  readonly #objects = new Map<string, CacheEntry[]>();
  readonly #index = new KeyIndex<CacheEntry>();
  readonly #purges = new PurgeLog();
  #newest: CacheEntry | null = null;
  #oldest: CacheEntry | null = null;
  #count = 0;
  #bytes = 0;
  #arriving = 0;
  #evictions = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  figures(): StoreFigures {
    return {
      objects: this.#count,
      bytes: this.#held(),
      surrogateKeys: this.#index.size,
      evictions: this.#evictions,
    };
  }

  /** Every object, the one used last first. */
  *entries(): Generator<CacheEntry> {
    for (let entry = this.#newest; entry !== null; entry = entry.older) if (entry.stored) yield entry;
  }

  /** The variant that this request selects, whether fresh or not. */
  find(key: string, request: HeaderList): CacheEntry | null {
    const variants = this.#objects.get(key);
    if (variants === undefined) return null;
    for (const entry of variants) if (entry.stored && varyMatches(entry.vary, request)) return entry;
    return null;
  }

  /** Marks an entry as used now. */
  touch(entry: CacheEntry): void {
    if (!entry.stored || this.#newest === entry) return;
    this.#unlink(entry);
    this.#link(entry);
  }

  /** To be called before a fetch starts, and `endFetch` when its outcome is stored or dropped. */
  beginFetch(): FetchMark {
    return this.#purges.begin();
  }

  endFetch(mark: FetchMark): void {
    this.#purges.end(mark);
  }

  /**
   * Stores an entry in place of the variant that its request selects. Not stored: what was purged since its fetch
   * began, and what is larger than the whole cache. Softly purged meanwhile: stored as stale. `now` in ms.
   */
  insert(entry: CacheEntry, request: HeaderList, fetch: { mark: FetchMark; now: number }): boolean {
    const verdict = this.#purges.verdict(fetch.mark, tagsOf(entry));
    if (verdict === "hard" || entry.size > this.#capacity) return false;
    if (verdict === "soft") entry.expires = Math.min(entry.expires, fetch.now);
    const former = this.find(entry.key, request);
    if (former !== null) this.remove(former);
    const variants = this.#objects.get(entry.key);
    if (variants === undefined) this.#objects.set(entry.key, [entry]);
    else variants.unshift(entry);
    const excess = variants?.[MAX_VARIANTS];
    if (excess !== undefined) this.remove(excess);
    this.#index.add(entry.surrogateKeys, entry);
    entry.stored = true;
    this.#count += 1;
    this.#bytes += entry.size;
    this.#link(entry);
    this.#evict();
    return true;
  }

  /** Whether something was purged that this fetch, begun before, must not refresh. */
  purgedSince(entry: CacheEntry, mark: FetchMark): boolean {
    return this.#purges.verdict(mark, tagsOf(entry)) !== "valid";
  }

  /** Accounts for bytes that arrived after the entry was stored. */
  grow(entry: CacheEntry, bytes: number): void {
    entry.size += bytes;
    if (!entry.stored) return;
    this.#bytes += bytes;
    this.#evict();
  }

  /**
   * Makes room for bytes of a body that is being read before it can be stored; `false` when what is arriving fills
   * the whole cache. `arrived` gives the room back.
   */
  reserve(bytes: number): boolean {
    if (this.#arriving + bytes > this.#capacity) return false;
    this.#arriving += bytes;
    this.#evict();
    return true;
  }

  arrived(bytes: number): void {
    this.#arriving -= bytes;
  }

  remove(entry: CacheEntry): void {
    if (!entry.stored) return;
    this.#retire(entry);
    this.#forget(entry);
  }

  /** From here on no request finds it, and it counts no more. */
  #retire(entry: CacheEntry): void {
    entry.stored = false;
    this.#count -= 1;
    this.#bytes -= entry.size;
  }

  /** Takes what was retired out of every index. */
  #forget(entry: CacheEntry): void {
    const variants = this.#objects.get(entry.key);
    if (variants !== undefined) {
      const at = variants.indexOf(entry);
      if (at !== -1) variants.splice(at, 1);
      if (variants.length === 0) this.#objects.delete(entry.key);
    }
    this.#index.remove(entry.surrogateKeys, entry);
    this.#unlink(entry);
  }

  /** Purges every object with this (prefixed) surrogate key. `now` in milliseconds. */
  purgeSurrogateKey(key: string, purge: { soft: boolean; now: number }): void {
    this.#purges.record(`s${key}`, purge.soft);
    const entries = this.#index.objects(key);
    if (entries.length > SLICE) this.#purgeMany(entries, purge);
    else for (const entry of entries) this.#purge(entry, purge);
  }

  /** Purges every variant under a cache key, and every block of a segmented object. `now` in milliseconds. */
  purgeObject(key: string, purge: { soft: boolean; now: number }): void {
    this.#purges.record(`o${key}`, purge.soft);
    // A copy: removing an entry changes the list.
    const variants = this.#objects.get(key)?.slice() ?? [];
    for (const entry of variants) this.#purge(entry, purge);
    this.purgeSurrogateKey(segmentTag(key), purge);
  }

  #purgeMany(entries: readonly CacheEntry[], purge: { soft: boolean; now: number }): void {
    const retired: CacheEntry[] = [];
    for (const entry of entries) {
      if (purge.soft && !entry.hitForPass) entry.expires = Math.min(entry.expires, purge.now);
      else if (entry.stored) {
        this.#retire(entry);
        retired.push(entry);
      }
    }
    if (retired.length > 0) this.#forgetLater(retired);
  }

  #forgetLater(retired: CacheEntry[]): void {
    setImmediate(() => {
      for (const entry of retired.splice(-SLICE)) this.#forget(entry);
      if (retired.length > 0) this.#forgetLater(retired);
    });
  }

  #purge(entry: CacheEntry, purge: { soft: boolean; now: number }): void {
    if (purge.soft && !entry.hitForPass) entry.expires = Math.min(entry.expires, purge.now);
    else this.remove(entry);
  }

  #evict(): void {
    let oldest = this.#oldest;
    while (this.#held() + this.#arriving > this.#capacity && oldest !== null) {
      const { newer } = oldest;
      // One that was purged leaves by itself, and its bytes are counted no more.
      if (oldest.stored) {
        this.#evictions += 1;
        this.remove(oldest);
      }
      oldest = newer;
    }
  }

  /** Bytes that objects and the index of their keys take. */
  #held(): number {
    return this.#bytes + this.#index.size * INDEXED_KEY;
  }

  #link(entry: CacheEntry): void {
    entry.older = this.#newest;
    entry.newer = null;
    if (this.#newest !== null) this.#newest.newer = entry;
    this.#newest = entry;
    this.#oldest ??= entry;
  }

  #unlink(entry: CacheEntry): void {
    if (entry.newer !== null) entry.newer.older = entry.older;
    else this.#newest = entry.older;
    if (entry.older !== null) entry.older.newer = entry.newer;
    else this.#oldest = entry.newer;
    entry.newer = null;
    entry.older = null;
  }
}

function* tagsOf(entry: CacheEntry): Generator<string> {
  yield `o${entry.key}`;
  for (const key of entry.surrogateKeys) yield `s${key}`;
}
