import { compareUtf8 } from "./sorted-keys.ts";
import type { SortedKeys } from "./sorted-keys.ts";

export interface ListingQuery {
  readonly prefix: string;
  /** Empty for none. */
  readonly delimiter: string;
  /** Keys up to and including this one are left out; with `skipGroup` also all that start with it. */
  readonly after: string | undefined;
  readonly skipGroup: boolean;
  readonly maxKeys: number;
}

export interface Listing {
  /** Keys and common prefixes together in listing order. */
  readonly items: readonly ListingItem[];
  readonly truncated: boolean;
}

export type ListingItem =
  | { readonly kind: "key"; readonly text: string }
  /** Stands for every key that starts with it. */
  | { readonly kind: "prefix"; readonly text: string };

/**
 * One page of a bucket's keys (userguide/using-prefixes.html). Keys behind a common prefix are skipped by search, not
 * one by one, so a listing of folders costs the same however full they are.
 */
export function listKeys(keys: SortedKeys, query: ListingQuery): Listing {
  const items: ListingItem[] = [];
  let cursor = startCursor(keys, query);
  for (;;) {
    const next = cursor.next();
    if (next.done === true || !next.value.startsWith(query.prefix)) return { items, truncated: false };
    if (items.length >= query.maxKeys) return { items, truncated: query.maxKeys > 0 };
    const group = groupOf(next.value, query);
    if (group === undefined) {
      items.push({ kind: "key", text: next.value });
    } else {
      items.push({ kind: "prefix", text: group });
      cursor = keys.afterPrefix(group);
    }
  }
}

function startCursor(keys: SortedKeys, { prefix, after, skipGroup }: ListingQuery): IterableIterator<string> {
  if (after === undefined) return keys.from(prefix);
  if (skipGroup) return keys.afterPrefix(after);
  // A start in front of the prefix would meet keys without it first, and end the listing there.
  return compareUtf8(after, prefix) < 0 ? keys.from(prefix) : keys.after(after);
}

/** The common prefix that a key is rolled up into, or `undefined`. */
export function groupOf(
  key: string,
  { prefix, delimiter }: Pick<ListingQuery, "prefix" | "delimiter">,
): string | undefined {
  if (delimiter === "") return undefined;
  const at = key.indexOf(delimiter, prefix.length);
  return at < 0 ? undefined : key.slice(0, at + delimiter.length);
}
