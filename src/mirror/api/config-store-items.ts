import { badRequest, duplicateRecord, recordNotFound } from "./api-error.ts";
import { changeConfigStore, requireConfigStore } from "./config-stores.ts";
import { json, statusOk } from "./exchange.ts";
import type { ApiContext, ApiRequest, ApiResponse, Route } from "./exchange.ts";
import { readItemBatch, readItemFields } from "./item-requests.ts";
import type { ItemOperation } from "./item-requests.ts";
import { textOf, timestamp } from "./state.ts";
import type { Collection, ResourceRecord } from "./state.ts";
import type { DataStore } from "./store-folder.ts";
import { param } from "./versions-access.ts";

const BASE = "/resources/stores/config/{store}";
const ITEM = `${BASE}/item/{key}`;

/** Limits of a config store (guides/compute/edge-data-storage/working-with-config-stores). */
export const CONFIG_STORE_LIMITS = { items: 500, keyChars: 255, valueChars: 8000, batch: 1000 } as const;

/** Items of config stores (reference/api/services/resources/config-store-item): read anew by every request at the edge. */
export const CONFIG_STORE_ITEM_ROUTES: readonly Route[] = [
  { method: "GET", path: `${BASE}/items`, operation: "list-config-store-items", handler: list },
  { method: "PATCH", path: `${BASE}/items`, operation: "bulk-update-config-store-item", handler: batch },
  {
    method: "POST",
    path: `${BASE}/item`,
    operation: "create-config-store-item",
    handler: create,
    unmetered: true,
  },
  { method: "GET", path: ITEM, operation: "get-config-store-item", handler: get },
  { method: "PUT", path: ITEM, operation: "upsert-config-store-item", handler: upsert, unmetered: true },
  { method: "PATCH", path: ITEM, operation: "update-config-store-item", handler: update, unmetered: true },
  { method: "DELETE", path: ITEM, operation: "delete-config-store-item", handler: remove, unmetered: true },
];

function present(store: DataStore, item: ResourceRecord): Readonly<Record<string, unknown>> {
  return { ...item, deleted_at: null, store_id: store.id };
}

function requireItem(store: DataStore, key: string): ResourceRecord {
  const item = store.items.get(key);
  if (item !== undefined) return item;
  throw recordNotFound("ConfigStoreItem", { item_key: key, store_id: store.id });
}

/** By their keys (recorded). */
function list(context: ApiContext, request: ApiRequest): ApiResponse {
  const store = requireConfigStore(context, request);
  const items = [...store.items].sort(([a], [b]) => (a < b ? -1 : 1));
  return json(items.map(([, item]) => present(store, item)));
}

function get(context: ApiContext, request: ApiRequest): ApiResponse {
  const store = requireConfigStore(context, request);
  return json(present(store, requireItem(store, param(request, "key"))));
}

async function create(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const { key = "", value = "" } = readItemFields(request);
  return change(context, request, { op: "create", key, value });
}

async function upsert(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  return change(context, request, { op: "upsert", key: param(request, "key"), value: bodyValue(request) });
}

async function update(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  return change(context, request, { op: "update", key: param(request, "key"), value: bodyValue(request) });
}

function bodyValue(request: ApiRequest): string {
  const { value } = readItemFields(request);
  if (value === undefined) throw badRequest("item_value can't be missing");
  return value;
}

async function change(
  context: ApiContext,
  request: ApiRequest,
  operation: ItemOperation,
): Promise<ApiResponse> {
  return changeConfigStore(context, request, (store) => ({
    store: { ...store, items: applied(context, store, [operation]) },
    answer: (stored) => json(present(stored, requireItem(stored, operation.key))),
  }));
}

async function remove(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const operation = { op: "delete", key: param(request, "key"), value: "" } as const;
  return changeConfigStore(context, request, (store) => ({
    store: { ...store, items: applied(context, store, [operation]) },
    answer: () => statusOk(),
  }));
}

async function batch(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const operations = readItemBatch(request, CONFIG_STORE_LIMITS.batch);
  return changeConfigStore(context, request, (store) => ({
    store: { ...store, items: applied(context, store, operations) },
    answer: () => statusOk(),
  }));
}

/** The items after all operations; the first that cannot be done refuses them all. */
function applied(context: ApiContext, store: DataStore, operations: readonly ItemOperation[]): Collection {
  const items = new Map(store.items);
  const now = timestamp(context.clock.now());
  for (const operation of operations) applyOne({ ...store, items }, items, operation, now);
  if (items.size > CONFIG_STORE_LIMITS.items) {
    throw badRequest(`Exceeding max_config_store_items: ${CONFIG_STORE_LIMITS.items}`);
  }
  return items;
}

function applyOne(
  store: DataStore,
  items: Map<string, ResourceRecord>,
  { op, key, value }: ItemOperation,
  now: string,
): void {
  if (op === "delete") {
    requireItem(store, key);
    items.delete(key);
    return;
  }
  if (op === "update") requireItem(store, key);
  const before = items.get(key);
  if (op === "create" && before !== undefined) throw duplicateRecord("config_store_item", key);
  checkItem(key, value);
  const created = before === undefined ? now : textOf(before, "created_at");
  items.set(key, { item_key: key, item_value: value, created_at: created, updated_at: now });
}

function checkItem(key: string, value: string): void {
  const { keyChars, valueChars } = CONFIG_STORE_LIMITS;
  if (key === "") throw badRequest("Item key can't be blank");
  if (key.length > keyChars) throw badRequest(`Item key is longer than ${keyChars} characters`);
  if (value.length > valueChars) throw badRequest(`Item value is longer than ${valueChars} characters`);
}
