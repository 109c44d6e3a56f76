/** Keys per chunk at most; an insertion moves half of these on average, a search halves the number of chunks. */
const CHUNK_SIZE = 512;
const SURROGATE = /[\ud800-\udfff]/;

/** A place between keys; valid until the next `add` or `delete`. */
interface Place {
  readonly chunk: number;
  readonly index: number;
}

/**
 * A set of keys in the byte order of their UTF-8, which is the order S3 lists in (API/API_ListObjectsV2.html).
 * JavaScript compares UTF-16 units, which differs only where surrogates meet U+E000–U+FFFF: the slow comparison is used
 * once a key with a surrogate has come.
 */
export class SortedKeys {
  #chunks: string[][] = [];
  #size = 0;
  #compare: (left: string, right: string) => number = compareUnits;

  /** Takes keys in any order, each once. */
  static from(keys: readonly string[]): SortedKeys {
    const sorted = new SortedKeys();
    if (keys.some((key) => SURROGATE.test(key))) sorted.#compare = compareUtf8;
    const all = sorted.#compare === compareUnits ? [...keys].sort() : [...keys].sort(compareUtf8);
    for (let at = 0; at < all.length; at += CHUNK_SIZE / 2)
      sorted.#chunks.push(all.slice(at, at + CHUNK_SIZE / 2));
    sorted.#size = all.length;
    return sorted;
  }

  get size(): number {
    return this.#size;
  }

  /** Adds a key that is not in the set. */
  add(key: string): void {
    if (this.#compare === compareUnits && SURROGATE.test(key)) this.#reorder();
    const chunkIndex = this.#chunkOf(key);
    const chunk = this.#chunks[chunkIndex];
    this.#size++;
    if (chunk === undefined) {
      this.#chunks.push([key]);
      return;
    }
    chunk.splice(
      partition(chunk, (other) => this.#compare(other, key) < 0),
      0,
      key,
    );
    if (chunk.length > CHUNK_SIZE) this.#chunks.splice(chunkIndex + 1, 0, chunk.splice(CHUNK_SIZE / 2));
  }

  /** Removes a key; nothing happens when it is not there. */
  delete(key: string): void {
    const chunkIndex = this.#chunkOf(key);
    const chunk = this.#chunks[chunkIndex];
    const compare = this.#comparison(key);
    const index = partition(chunk ?? [], (other) => compare(other, key) < 0);
    if (chunk?.[index] !== key) return;
    chunk.splice(index, 1);
    this.#size--;
    if (chunk.length === 0) this.#chunks.splice(chunkIndex, 1);
  }

  /** The keys from `key` on, `key` itself included if it is there. */
  from(key: string): IterableIterator<string> {
    const compare = this.#comparison(key);
    return this.#iterate(this.#seek((other) => compare(other, key) < 0));
  }

  /** The keys behind `key`. */
  after(key: string): IterableIterator<string> {
    const compare = this.#comparison(key);
    return this.#iterate(this.#seek((other) => compare(other, key) <= 0));
  }

  /** The keys behind all that start with `prefix`. */
  afterPrefix(prefix: string): IterableIterator<string> {
    const compare = this.#comparison(prefix);
    return this.#iterate(this.#seek((other) => other.startsWith(prefix) || compare(other, prefix) < 0));
  }

  *#iterate(place: Place): IterableIterator<string> {
    let index = place.index;
    for (let chunkIndex = place.chunk; chunkIndex < this.#chunks.length; chunkIndex++) {
      const chunk = this.#chunks[chunkIndex] ?? [];
      for (; index < chunk.length; index++) {
        const key = chunk[index];
        if (key !== undefined) yield key;
      }
      index = 0;
    }
  }

  /** The chunk that holds `key`, or where it would go. */
  #chunkOf(key: string): number {
    const compare = this.#comparison(key);
    return Math.max(0, this.#find((first) => compare(first, key) <= 0) - 1);
  }

  /** How to compare the keys with one that may be none of them. */
  #comparison(key: string): (left: string, right: string) => number {
    return SURROGATE.test(key) ? compareUtf8 : this.#compare;
  }

  /** The first place whose key is not `before`; `before` must hold for a leading run of keys only. */
  #seek(before: (key: string) => boolean): Place {
    const chunkIndex = Math.max(0, this.#find(before) - 1);
    const index = partition(this.#chunks[chunkIndex] ?? [], before);
    return { chunk: chunkIndex, index };
  }

  /** How many chunks have a first key for which `before` holds. */
  #find(before: (first: string) => boolean): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (before(this.#chunks[middle]?.[0] ?? "")) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #reorder(): void {
    this.#compare = compareUtf8;
    const all = this.#chunks.flat().sort(compareUtf8);
    this.#chunks = all.length === 0 ? [] : [all];
    while ((this.#chunks.at(-1)?.length ?? 0) > CHUNK_SIZE) {
      const rest = this.#chunks.at(-1)?.splice(CHUNK_SIZE / 2) ?? [];
      this.#chunks.push(rest);
    }
  }
}

/** How many leading items satisfy `before`, by bisection. */
function partition(items: readonly string[], before: (item: string) => boolean): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (before(items[middle] ?? "")) low = middle + 1;
    else high = middle;
  }
  return low;
}

function compareUnits(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Compares by code point, which is the order of UTF-8 bytes. */
export function compareUtf8(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) {
    const a = left.charCodeAt(index);
    const b = right.charCodeAt(index);
    if (a !== b) return rank(a) - rank(b);
  }
  return left.length - right.length;
}

/** Moves surrogates (code points from U+10000) behind U+E000–U+FFFF. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}
