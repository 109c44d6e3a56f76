import { ApiError, badRequest, duplicateRecord } from "./api-error.ts";
import { json, statusOk } from "./exchange.ts";
import type { ApiContext, ApiRequest, ApiResponse, Route } from "./exchange.ts";
import { NAME } from "./field-rows.ts";
import { readFields } from "./fields.ts";
import { newId } from "./ids.ts";
import { presentService } from "./services.ts";
import { textOf, timestamp } from "./state.ts";
import type { DataStore } from "./store-folder.ts";
import { servicesLinkedTo, withoutStore } from "./store-links.ts";
import { requireStore, withNames } from "./store-requests.ts";

const LIST = "/resources/stores/config";
const ONE = `${LIST}/{store}`;
const MAX_NAME = 255;

/** Config stores (reference/api/services/resources/config-store). */
export const CONFIG_STORE_ROUTES: readonly Route[] = (
  [
    { method: "GET", path: LIST, operation: "list-config-stores", handler: list },
    { method: "POST", path: LIST, operation: "create-config-store", handler: create },
    { method: "GET", path: ONE, operation: "get-config-store", handler: get },
    { method: "PUT", path: ONE, operation: "update-config-store", handler: update },
    { method: "DELETE", path: ONE, operation: "delete-config-store", handler: remove },
    { method: "GET", path: `${ONE}/info`, operation: "get-config-store-info", handler: info },
    { method: "GET", path: `${ONE}/services`, operation: "list-config-store-services", handler: services },
  ] as const
).map((route) => ({ ...route, unmetered: true as const }));

/** The config store that a path names; 404, in the few words that were recorded, when there is none. */
export function requireConfigStore(context: ApiContext, request: ApiRequest): DataStore {
  return requireStore(context.stores.config, request, () => new ApiError(404, "Record not found"));
}

function present(store: DataStore): Readonly<Record<string, unknown>> {
  return {
    name: store.name,
    id: store.id,
    created_at: timestamp(store.createdAt),
    updated_at: timestamp(store.updatedAt),
    deleted_at: null,
  };
}

function list(context: ApiContext, request: ApiRequest): ApiResponse {
  const name = request.query.get("name");
  const stores = context.stores.config.list().filter((store) => name === null || store.name === name);
  return json(stores.map(present));
}

function get(context: ApiContext, request: ApiRequest): ApiResponse {
  return json(present(requireConfigStore(context, request)));
}

async function create(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const name = readName(request);
  return withNames(context, "config", async () => {
    refuseTakenName(context, name);
    const now = context.clock.now();
    const store: DataStore = { id: newId(), name, createdAt: now, updatedAt: now, items: new Map() };
    await context.stores.config.save(store);
    return json(present(store));
  });
}

async function update(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const name = readName(request);
  return withNames(context, "config", () =>
    changeConfigStore(context, request, (store) => {
      if (name !== store.name) refuseTakenName(context, name);
      return { store: { ...store, name }, answer: (stored) => json(present(stored)) };
    }),
  );
}

async function remove(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const { id } = requireConfigStore(context, request);
  await context.stores.exclusive(id, async () => {
    requireConfigStore(context, request);
    await context.stores.config.remove(id);
  });
  await withoutStore(context, id);
  return statusOk();
}

function info(context: ApiContext, request: ApiRequest): ApiResponse {
  return json({ item_count: requireConfigStore(context, request).items.size });
}

async function services(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const linked = await servicesLinkedTo(context, requireConfigStore(context, request).id);
  return json(linked.map((service) => presentService(context, service)));
}

/** Changes a store; writers of one run one after the other. */
export async function changeConfigStore(
  context: ApiContext,
  request: ApiRequest,
  plan: (store: DataStore) => {
    readonly store: DataStore;
    readonly answer: (stored: DataStore) => ApiResponse;
  },
): Promise<ApiResponse> {
  const { id } = requireConfigStore(context, request);
  return context.stores.exclusive(id, async () => {
    const { store, answer } = plan(requireConfigStore(context, request));
    const stored = { ...store, updatedAt: context.clock.now() };
    await context.stores.config.save(stored);
    return answer(stored);
  });
}

function readName(request: ApiRequest): string {
  const name = textOf(readFields([NAME], request.body), "name");
  if (name === "") throw badRequest("Name can't be blank");
  if (name.length > MAX_NAME) throw badRequest(`Name is longer than ${MAX_NAME} characters`);
  return name;
}

function refuseTakenName(context: ApiContext, name: string): void {
  if (context.stores.config.list().some((store) => store.name === name))
    throw duplicateRecord("config_store", name);
}
