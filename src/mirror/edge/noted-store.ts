import type { CacheEntry } from "./cache-entry.ts";
import { CacheStore } from "./cache-store.ts";

/** A cache that tells what it is given to keep. */
export class NotedStore extends CacheStore {
  readonly #note: (entry: CacheEntry) => void;

  constructor(cacheBytes: number, note: (entry: CacheEntry) => void) {
    super(cacheBytes);
    this.#note = note;
  }

  override insert(...given: Parameters<CacheStore["insert"]>): boolean {
    this.#note(given[0]);
    return super.insert(...given);
  }
}
