import { ApiError, NOT_DELETED, recordNotFound } from "./api-error.ts";
import { dictionaryDigest } from "./dictionary-digest.ts";
import { json, statusOk } from "./exchange.ts";
import type { ApiContext, ApiRequest, ApiResponse, Route } from "./exchange.ts";
import { itemsAfter } from "./item-changes.ts";
import { readItemBatch, readItemOperation } from "./item-requests.ts";
import type { ItemOperation } from "./item-requests.ts";
import { pagedJson } from "./paging.ts";
import { textOf, timestamp } from "./state.ts";
import type { Collection, ResourceRecord } from "./state.ts";
import { openContent } from "./versionless-content.ts";
import { param, readVersion } from "./versions-access.ts";

const BASE = "/service/{service}/dictionary/{dictionary}";
const ITEM = `${BASE}/item/{key}`;

/** Limits of a dictionary (guides/edge-dictionaries, "Limitations"). */
export const DICTIONARY_LIMITS = { items: 1000, keyChars: 256, valueChars: 8000, batch: 1000 } as const;

/** Items of dictionaries: versionless, live at once (reference/api/dictionaries). */
export const DICTIONARY_ITEM_ROUTES: readonly Route[] = [
  { method: "GET", path: `${BASE}/items`, operation: "list-dictionary-items", handler: list },
  { method: "PATCH", path: `${BASE}/items`, operation: "bulk-update-dictionary-item", handler: batch },
  { method: "POST", path: `${BASE}/item`, operation: "create-dictionary-item", handler: create },
  { method: "GET", path: ITEM, operation: "get-dictionary-item", handler: get },
  { method: "PUT", path: ITEM, operation: "upsert-dictionary-item", handler: upsert },
  { method: "PATCH", path: ITEM, operation: "update-dictionary-item", handler: update },
  { method: "DELETE", path: ITEM, operation: "delete-dictionary-item", handler: remove },
  {
    method: "GET",
    path: "/service/{service}/version/{version}/dictionary/{dictionary}/info",
    operation: "get-dictionary-info",
    handler: info,
  },
];

interface OpenDictionary {
  readonly serviceId: string;
  readonly id: string;
  readonly writeOnly: boolean;
  readonly items: Collection;
}

/** Whether a dictionary is write-only is the newest version's to say. */
async function openDictionary(context: ApiContext, request: ApiRequest): Promise<OpenDictionary> {
  const { serviceId, id, record, content } = await openContent(context, request, "dictionary");
  return { serviceId, id, writeOnly: record["write_only"] === true, items: content };
}

async function openReadable(context: ApiContext, request: ApiRequest): Promise<OpenDictionary> {
  const dictionary = await openDictionary(context, request);
  if (!dictionary.writeOnly) return dictionary;
  throw new ApiError(403, "Forbidden", `Items of dictionary '${dictionary.id}' are write-only`);
}

function present(dictionary: OpenDictionary, item: ResourceRecord): Readonly<Record<string, unknown>> {
  const { serviceId, id, writeOnly } = dictionary;
  const shown: ResourceRecord = writeOnly ? { ...item, item_value: null } : item;
  return { dictionary_id: id, service_id: serviceId, ...shown, deleted_at: null };
}

function missing({ id, serviceId }: OpenDictionary, key: string): ApiError {
  return recordNotFound("DictionaryItem", { dictionary_id: id, item_key: key, service_id: serviceId });
}

function requireItem(dictionary: OpenDictionary, key: string): ResourceRecord {
  const item = dictionary.items.get(key);
  if (item !== undefined) return item;
  throw missing(dictionary, key);
}

async function list(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const dictionary = await openReadable(context, request);
  const items = [...dictionary.items.values()];
  const sort = request.query.get("sort") ?? "created";
  if (sort === "item_key") {
    items.sort((a, b) => (textOf(a, "item_key") < textOf(b, "item_key") ? -1 : 1));
  }
  if (request.query.get("direction") === "descend") items.reverse();
  return pagedJson(context, request, { all: items, present: (item) => present(dictionary, item) });
}

async function get(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const dictionary = await openReadable(context, request);
  return json(present(dictionary, requireItem(dictionary, param(request, "key"))));
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
  return edit(context, request, (dictionary) => ({
    items: changedItems(context, dictionary, [operation]),
    answer: (stored) => json(present(stored, requireItem(stored, operation.key))),
  }));
}

async function remove(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const operation = readItemOperation(request, "delete");
  return edit(context, request, (dictionary) => ({
    items: changedItems(context, dictionary, [operation]),
    answer: () => statusOk(),
  }));
}

async function batch(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const operations = readItemBatch(request, DICTIONARY_LIMITS.batch);
  return edit(context, request, (dictionary) => ({
    items: changedItems(context, dictionary, operations),
    answer: () => statusOk(),
  }));
}

function changedItems(
  context: ApiContext,
  dictionary: OpenDictionary,
  operations: readonly ItemOperation[],
): Collection {
  return itemsAfter(dictionary.items, operations, {
    kind: "dictionary_item",
    limits: DICTIONARY_LIMITS,
    missing: (key) => missing(dictionary, key),
    now: timestamp(context.clock.now()),
  });
}

async function edit(
  context: ApiContext,
  request: ApiRequest,
  plan: (dictionary: OpenDictionary) => {
    readonly items: Collection;
    readonly answer: (stored: OpenDictionary) => ApiResponse;
  },
): Promise<ApiResponse> {
  return context.store.exclusive(param(request, "service"), async () => {
    const dictionary = await openDictionary(context, request);
    const { items, answer } = plan(dictionary);
    await context.store.saveCollection(dictionary.serviceId, dictionary.id, items);
    return answer({ ...dictionary, items });
  });
}

async function info(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const { service, meta, objects } = await readVersion(context, request);
  const id = param(request, "dictionary");
  const record = objects.resources.dictionary.find((dictionary) => dictionary["id"] === id);
  if (record === undefined) {
    throw recordNotFound("Dictionary", { ...NOT_DELETED, id, service: service.id, version: meta.number });
  }
  const { itemCount, lastUpdated, digest } = dictionaryDigest(context.store.collection(service.id, id));
  return json({ item_count: itemCount, last_updated: lastUpdated === "" ? null : lastUpdated, digest });
}
