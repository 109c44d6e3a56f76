import type { HeaderList } from "../../http/header-list.ts";

/** Only keys wholly inside the first 16 KB count, and keys over 1 KB cannot be purged (reference/vcl/constraints-and-limitations). */
const MAX_HEADER = 16 * 1024;
const MAX_KEY = 1024;

/** The surrogate keys of a response, each once, within Fastly's limits. */
export function readSurrogateKeys(headers: HeaderList): readonly string[] {
  const lines = headers.getAll("Surrogate-Key");
  if (lines.length === 0) return [];
  let text = lines.join(" ").replaceAll("\t", " ");
  if (text.length > MAX_HEADER) {
    const cut = text.lastIndexOf(" ", MAX_HEADER);
    text = cut === -1 ? "" : text.slice(0, cut);
  }
  const keys = new Set<string>();
  for (const key of text.split(/ +/)) if (key !== "" && key.length <= MAX_KEY) keys.add(key);
  return [...keys];
}

/** The key as the service calls it, of one as the cache keeps it: behind the id of its service. */
export function plainKey(kept: string): string {
  return kept.slice(kept.indexOf(" ") + 1);
}

/** From key to the objects that carry it: a purge costs as much as it has objects to purge. */
export class KeyIndex<T> {
  readonly #objects = new Map<string, Set<T>>();

  /** Number of keys that some object carries. */
  get size(): number {
    return this.#objects.size;
  }

  add(keys: readonly string[], object: T): void {
    for (const key of keys) {
      const set = this.#objects.get(key);
      if (set === undefined) this.#objects.set(key, new Set([object]));
      else set.add(object);
    }
  }

  remove(keys: readonly string[], object: T): void {
    for (const key of keys) {
      const set = this.#objects.get(key);
      if (set === undefined) continue;
      set.delete(object);
      if (set.size === 0) this.#objects.delete(key);
    }
  }

  /** The objects that carry the key now; safe to remove from the index while walking it. */
  objects(key: string): readonly T[] {
    const set = this.#objects.get(key);
    return set === undefined ? [] : [...set];
  }
}
