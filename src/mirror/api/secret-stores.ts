import { z } from "zod";
import { created, json, noContent } from "./exchange.ts";
import type { ApiContext, ApiRequest, ApiResponse, Route } from "./exchange.ts";
import { newId } from "./ids.ts";
import { timestamp } from "./state.ts";
import type { DataStore } from "./store-folder.ts";
import { withoutStore } from "./store-links.ts";
import { cursorPage, namedStores, requireStore, storeProblem, withNames } from "./store-requests.ts";

const LIST = "/resources/stores/secret";
const ONE = `${LIST}/{store}`;
/** Recorded: 10 where nobody says. */
const PAGE = { initial: 10, most: 200 } as const;
/** Names of stores and of secrets (reference/api/services/resources/secret-store). */
export const SECRET_NAME = /^[A-Za-z0-9._-]{1,255}$/;

/** Secret stores (reference/api/services/resources/secret-store). */
export const SECRET_STORE_ROUTES: readonly Route[] = [
  { method: "GET", path: LIST, operation: "get-secret-stores", handler: list },
  { method: "POST", path: LIST, operation: "create-secret-store", handler: create, unmetered: true },
  { method: "GET", path: ONE, operation: "get-secret-store", handler: get },
  { method: "DELETE", path: ONE, operation: "delete-secret-store", handler: remove, unmetered: true },
];

/** The secret store that a path names; 404 when there is none. */
export function requireSecretStore(context: ApiContext, request: ApiRequest): DataStore {
  return requireStore(context.stores.secret, request, () =>
    storeProblem(404, "Not Found", "the secret store was not found"),
  );
}

function present({ id, name, createdAt }: DataStore): Readonly<Record<string, unknown>> {
  return { id, name, created_at: timestamp(createdAt) };
}

function list(context: ApiContext, request: ApiRequest): ApiResponse {
  const all = namedStores(context.stores.secret, request);
  return cursorPage(request, { all, keyOf: ({ id }) => id, present, limits: PAGE });
}

function get(context: ApiContext, request: ApiRequest): ApiResponse {
  return json(present(requireSecretStore(context, request)));
}

const bodySchema = z.object({ name: z.string().regex(SECRET_NAME) });

async function create(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const body = bodySchema.safeParse(request.body);
  if (!body.success)
    throw storeProblem(400, "Bad Request", "name must be 1 to 255 letters, digits, `.`, `_` or `-`");
  const { name } = body.data;
  return withNames(context, "secret", async () => {
    const { secret } = context.stores;
    if (secret.list().some((store) => store.name === name))
      throw storeProblem(409, "Conflict", `a secret store with the name '${name}' already exists`);
    const now = context.clock.now();
    const store: DataStore = { id: newId(), name, createdAt: now, updatedAt: now, items: new Map() };
    await secret.save(store);
    return created(present(store));
  });
}

async function remove(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const { id } = requireSecretStore(context, request);
  await context.stores.exclusive(id, async () => {
    requireSecretStore(context, request);
    await context.stores.secret.remove(id);
  });
  await withoutStore(context, id);
  return noContent();
}
