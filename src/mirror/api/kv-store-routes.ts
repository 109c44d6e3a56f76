import { z } from "zod";
import { created, json, noContent } from "./exchange.ts";
import type { ApiContext, ApiRequest, ApiResponse, Route } from "./exchange.ts";
import { newId } from "./ids.ts";
import type { DataStore } from "./store-folder.ts";
import { withoutStore } from "./store-links.ts";
import { cursorPage, namedStores, requireStore, storeProblem, withNames } from "./store-requests.ts";

const LIST = "/resources/stores/kv";
const ONE = `${LIST}/{store}`;
/** Recorded: 1,000 where nobody says. */
const PAGE = { initial: 1000, most: 1000 } as const;
const LOCATIONS: readonly string[] = ["US", "EU", "ASIA", "AUS"];

/** KV stores (reference/api/services/resources/kv-store). */
export const KV_STORE_ROUTES: readonly Route[] = [
  { method: "GET", path: LIST, operation: "kv-store-list", handler: list },
  { method: "POST", path: LIST, operation: "kv-store-create", handler: create, unmetered: true },
  { method: "GET", path: ONE, operation: "kv-store-get", handler: get },
  { method: "PUT", path: ONE, operation: "kv-store-put", handler: update, unmetered: true },
  { method: "DELETE", path: ONE, operation: "kv-store-delete", handler: remove, unmetered: true },
];

/** The KV store that a path names; 404 when there is none. */
export function requireKvStore(context: ApiContext, request: ApiRequest): DataStore {
  return requireStore(context.stores.kv.folder, request, () =>
    storeProblem(404, "Not Found", "the KV store was not found"),
  );
}

function present({ id, name, createdAt, updatedAt }: DataStore): Readonly<Record<string, unknown>> {
  return { id, name, created_at: spacedTime(createdAt), updated_at: spacedTime(updatedAt) };
}

/** These endpoints alone write times like `2025-06-23 19:41:15` (recorded). */
function spacedTime(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace("T", " ");
}

function list(context: ApiContext, request: ApiRequest): ApiResponse {
  const all = namedStores(context.stores.kv.folder, request);
  const meta = { total: all.length };
  return cursorPage(request, { all, keyOf: ({ id }) => id, present, limits: PAGE, meta });
}

function get(context: ApiContext, request: ApiRequest): ApiResponse {
  return json(present(requireKvStore(context, request)));
}

const bodySchema = z.object({ name: z.string().min(1).max(255) });

function readName(request: ApiRequest): string {
  const body = bodySchema.safeParse(request.body);
  if (!body.success) throw storeProblem(400, "Bad Request", "name must be a text of 1 to 255 characters");
  return body.data.name;
}

function refuseTakenName(context: ApiContext, name: string): void {
  if (context.stores.kv.folder.list().some((store) => store.name === name))
    throw storeProblem(409, "Conflict", `a KV store with the name '${name}' already exists`);
}

async function create(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const name = readName(request);
  const location = request.query.get("location");
  if (location !== null && !LOCATIONS.includes(location))
    throw storeProblem(400, "Bad Request", `location '${location}' is not one of ${LOCATIONS.join(", ")}`);
  return withNames(context, "kv", async () => {
    refuseTakenName(context, name);
    const now = context.clock.now();
    // Recorded: their ids have small letters only.
    const id = newId().toLowerCase();
    const store: DataStore = { id, name, createdAt: now, updatedAt: now, items: new Map() };
    await context.stores.kv.folder.save(store);
    return created(present(store));
  });
}

async function update(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const name = readName(request);
  return withNames(context, "kv", async () => {
    const before = requireKvStore(context, request);
    if (name !== before.name) refuseTakenName(context, name);
    const store = { ...before, name, updatedAt: context.clock.now() };
    await context.stores.kv.folder.save(store);
    return json(present(store));
  });
}

/** One with keys stays (the CLI empties it first, with `--all`). */
async function remove(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const { id } = requireKvStore(context, request);
  await withNames(context, "kv", async () => {
    requireKvStore(context, request);
    const { keys } = await context.stores.kv.list(id, { limit: 1 });
    if (keys.length > 0) throw storeProblem(409, "Conflict", "the KV store still has keys");
    await context.stores.kv.remove(id);
  });
  await withoutStore(context, id);
  return noContent();
}
