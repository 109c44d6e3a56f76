import { badRequest, duplicateRecord } from "./api-error.ts";
import type { ApiError } from "./api-error.ts";
import type { ItemOperation } from "./item-requests.ts";
import { textOf } from "./state.ts";
import type { Collection, ResourceRecord } from "./state.ts";

/** What Fastly takes of items. */
export interface ItemLimits {
  readonly items: number;
  readonly keyChars: number;
  readonly valueChars: number;
}

/** What differs between the things that have items. */
export interface ItemRules {
  /** As Fastly's errors call such an item. */
  readonly kind: "config_store_item" | "dictionary_item";
  readonly limits: ItemLimits;
  /** The error for a key that has no item. */
  readonly missing: (key: string) => ApiError;
  /** The time of the change, as Fastly prints times. */
  readonly now: string;
}

/** The items after all operations. Throws for the first that cannot be done, so that a batch is done whole or not at all. */
export function itemsAfter(
  before: Collection,
  operations: readonly ItemOperation[],
  rules: ItemRules,
): Collection {
  const items = new Map(before);
  for (const operation of operations) applyOne(items, operation, rules);
  const { kind, limits } = rules;
  if (items.size > limits.items) throw badRequest(`Exceeding max_${kind}s: ${limits.items}`);
  return items;
}

function applyOne(
  items: Map<string, ResourceRecord>,
  { op, key, value }: ItemOperation,
  { kind, limits, missing, now }: ItemRules,
): void {
  const before = items.get(key);
  if (before === undefined && (op === "delete" || op === "update")) throw missing(key);
  if (op === "delete") return void items.delete(key);
  if (op === "create" && before !== undefined) throw duplicateRecord(kind, key);
  checkItem(key, value, limits);
  const created = before === undefined ? now : textOf(before, "created_at");
  items.set(key, { item_key: key, item_value: value, created_at: created, updated_at: now });
}

function checkItem(key: string, value: string, { keyChars, valueChars }: ItemLimits): void {
  if (key === "") throw badRequest("Item key can't be blank");
  if (key.length > keyChars) throw badRequest(`Item key is longer than ${keyChars} characters`);
  if (value.length > valueChars) throw badRequest(`Item value is longer than ${valueChars} characters`);
}
