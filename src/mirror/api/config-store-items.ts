import { recordNotFound } from "./api-error.ts";
import type { ApiError } from "./api-error.ts";
import { changeConfigStore, requireConfigStore } from "./config-stores.ts";
import { json, statusOk } from "./exchange.ts";
import type { ApiContext, ApiRequest, ApiResponse, Route } from "./exchange.ts";
import { itemsAfter } from "./item-changes.ts";
import { readItemBatch, readItemOperation } from "./item-requests.ts";
import type { ItemOperation } from "./item-requests.ts";
import { timestamp } from "./state.ts";
import type { ResourceRecord } from "./state.ts";
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

function missing(store: DataStore, key: string): ApiError {
  return recordNotFound("ConfigStoreItem", { item_key: key, store_id: store.id });
}

function requireItem(store: DataStore, key: string): ResourceRecord {
  const item = store.items.get(key);
  if (item !== undefined) return item;
  throw missing(store, key);
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
  return write(context, request, readItemOperation(request, "create"));
}

async function upsert(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  return write(context, request, readItemOperation(request, "upsert"));
}

async function update(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  return write(context, request, readItemOperation(request, "update"));
}

async function write(
  context: ApiContext,
  request: ApiRequest,
  operation: ItemOperation,
): Promise<ApiResponse> {
  return changeConfigStore(context, request, (store) => ({
    store: changed(context, store, [operation]),
    answer: (stored) => json(present(stored, requireItem(stored, operation.key))),
  }));
}

async function remove(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const operation = readItemOperation(request, "delete");
  return changeConfigStore(context, request, (store) => ({
    store: changed(context, store, [operation]),
    answer: () => statusOk(),
  }));
}

async function batch(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const operations = readItemBatch(request, CONFIG_STORE_LIMITS.batch);
  return changeConfigStore(context, request, (store) => ({
    store: changed(context, store, operations),
    answer: () => statusOk(),
  }));
}

function changed(context: ApiContext, store: DataStore, operations: readonly ItemOperation[]): DataStore {
  const items = itemsAfter(store.items, operations, {
    kind: "config_store_item",
    limits: CONFIG_STORE_LIMITS,
    missing: (key) => missing(store, key),
    now: timestamp(context.clock.now()),
  });
  return { ...store, items };
}
