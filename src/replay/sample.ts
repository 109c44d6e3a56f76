import { createHash } from "node:crypto";
import type { ReplaySite, SiteSource } from "./site-source.ts";

/**
 * Chooses so many sites by the hash of their names: the same ones every time, wherever they stand in the listing, and
 * more of the same when more are wanted. The listing is gone through twice; of it only one number a site is kept.
 */
export async function* sampleSites(source: SiteSource, wanted: number | "all"): AsyncGenerator<ReplaySite> {
  const limit = wanted === "all" ? Infinity : await limitFor(source, wanted);
  for await (const site of source.sites()) if (limit === Infinity || placeOf(site) <= limit) yield site;
}

/** The place of the last site that is chosen. */
async function limitFor(source: SiteSource, wanted: number): Promise<number> {
  const smallest = new SmallestNumbers(wanted);
  for await (const site of source.sites()) smallest.add(placeOf(site));
  return smallest.largest();
}

/** Where in a shuffled order a site stands: 48 bits of its name's hash. */
function placeOf({ siteEnv, site }: ReplaySite): number {
  return createHash("sha256").update(`${siteEnv}/${site}`).digest().readUIntBE(0, 6);
}

/** The smallest numbers of a sequence, in a heap whose first is the largest of them. */
class SmallestNumbers {
  readonly #capacity: number;
  readonly #heap: number[] = [];

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  add(value: number): void {
    const heap = this.#heap;
    if (heap.length < this.#capacity) {
      heap.push(value);
      this.#rise(heap.length - 1);
    } else if (value < (heap[0] ?? 0)) {
      heap[0] = value;
      this.#sink();
    }
  }

  /** The largest of them; no bound while there is room for more. */
  largest(): number {
    return this.#heap.length < this.#capacity ? Infinity : (this.#heap[0] ?? -1);
  }

  #rise(from: number): void {
    for (let at = from; at > 0;) {
      const parent = (at - 1) >> 1;
      if (this.#at(parent) >= this.#at(at)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #sink(): void {
    for (let at = 0; ;) {
      const left = 2 * at + 1;
      const larger = this.#at(left + 1) > this.#at(left) ? left + 1 : left;
      if (this.#at(larger) <= this.#at(at)) return;
      this.#swap(at, larger);
      at = larger;
    }
  }

  /** Beyond the end is nothing larger. */
  #at(index: number): number {
    return this.#heap[index] ?? -1;
  }

  #swap(a: number, b: number): void {
    const value = this.#at(a);
    this.#heap[a] = this.#at(b);
    this.#heap[b] = value;
  }
}
