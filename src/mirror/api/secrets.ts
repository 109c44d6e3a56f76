import { createHash, randomBytes } from "node:crypto";
import { z } from "zod";
import { json, noContent } from "./exchange.ts";
import type { ApiContext, ApiRequest, ApiResponse, Route } from "./exchange.ts";
import { requireSecretStore, SECRET_NAME } from "./secret-stores.ts";
import { textOf, timestamp } from "./state.ts";
import type { ResourceRecord } from "./state.ts";
import { BASE64, cursorPage, storeProblem } from "./store-requests.ts";
import { param } from "./versions-access.ts";

const STORES = "/resources/stores/secret";
const LIST = `${STORES}/{store}/secrets`;
const ONE = `${LIST}/{name}`;
/** Recorded: 10 where nobody says. */
const PAGE = { initial: 10, most: 200 } as const;
/** Largest secret (guides/compute/edge-data-storage/working-with-secret-stores). */
const MAX_SECRET_BYTES = 64 * 1024;
const SALT_BYTES = 16;

const WRITES = { POST: "create", PUT: "recreate-or-create", PATCH: "recreate" } as const;

/**
 * Secrets (reference/api/services/resources/secret-store-secret): no answer ever has a value. POST creates one, PATCH gives
 * one that is there a new value, PUT does either.
 */
export const SECRET_ROUTES: readonly Route[] = [
  { method: "GET", path: LIST, operation: "get-secrets", handler: list },
  ...(["POST", "PUT", "PATCH"] as const).map((method): Route => ({
    method,
    path: LIST,
    operation: `${WRITES[method]}-secret`,
    handler: write,
    unmetered: true,
  })),
  { method: "GET", path: ONE, operation: "get-secret", handler: get },
  { method: "DELETE", path: ONE, operation: "delete-secret", handler: remove, unmetered: true },
  {
    method: "POST",
    path: `${STORES}/client-key`,
    operation: "client-key",
    handler: newClientKey,
    unmetered: true,
  },
  { method: "GET", path: `${STORES}/signing-key`, operation: "signing-key", handler: signingKey },
];

function newClientKey(context: ApiContext): ApiResponse {
  const { publicKey, signature, expiresAt } = context.stores.clientKeys.create();
  return json({
    public_key: publicKey.toString("base64"),
    signature: signature.toString("base64"),
    expires_at: new Date(expiresAt).toISOString(),
  });
}

function signingKey(context: ApiContext): ApiResponse {
  return json({ signing_key: context.stores.clientKeys.signingKey.toString("base64") });
}

function present(name: string, record: ResourceRecord): Readonly<Record<string, unknown>> {
  return { name, digest: textOf(record, "digest"), created_at: textOf(record, "created_at") };
}

function list(context: ApiContext, request: ApiRequest): ApiResponse {
  const all = [...requireSecretStore(context, request).items].sort(([a], [b]) => (a < b ? -1 : 1));
  return cursorPage(request, {
    all,
    keyOf: ([name]) => name,
    present: ([name, record]) => present(name, record),
    limits: PAGE,
  });
}

function get(context: ApiContext, request: ApiRequest): ApiResponse {
  const name = param(request, "name");
  const record = requireSecretStore(context, request).items.get(name);
  if (record === undefined) throw secretNotFound();
  return json(present(name, record));
}

const bodySchema = z.object({
  name: z.string().regex(SECRET_NAME, "must be 1 to 255 letters, digits, `.`, `_` or `-`"),
  secret: z.string().regex(BASE64, "must be base64"),
  client_key: z.string().optional(),
});

async function write(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const { id } = requireSecretStore(context, request);
  const { name, value } = readSecret(context, request);
  return context.stores.exclusive(id, async () => {
    const store = requireSecretStore(context, request);
    const isThere = store.items.has(name);
    if (isThere && request.method === "POST")
      throw storeProblem(409, "Conflict", `a secret with the name '${name}' already exists`);
    if (!isThere && request.method === "PATCH") throw secretNotFound();
    const now = context.clock.now();
    const record = secretRecord(value, timestamp(now));
    await context.stores.secret.save({
      ...store,
      items: new Map([...store.items, [name, record]]),
      updatedAt: now,
    });
    return json({ ...present(name, record), ...(isThere ? { recreated: true } : {}) });
  });
}

function readSecret(
  context: ApiContext,
  request: ApiRequest,
): { readonly name: string; readonly value: Buffer } {
  const body = bodySchema.safeParse(request.body);
  if (!body.success) {
    const issue = body.error.issues[0];
    throw storeProblem(400, "Bad Request", `${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`);
  }
  const { name, secret, client_key: clientKey } = body.data;
  const sent = Buffer.from(secret, "base64");
  const value =
    clientKey === undefined || clientKey === "" ? sent : context.stores.clientKeys.open(clientKey, sent);
  if (value === null)
    throw storeProblem(400, "Bad Request", "secret: was not sealed with this client key, or too long ago");
  if (value.length === 0) throw storeProblem(400, "Bad Request", "secret: can't be blank");
  if (value.length > MAX_SECRET_BYTES)
    throw storeProblem(400, "Bad Request", `secret: is larger than ${MAX_SECRET_BYTES} bytes`);
  return { name, value };
}

/** With salt, as recorded: the same secret written twice has two digests. */
function secretRecord(value: Buffer, now: string): ResourceRecord {
  const salt = randomBytes(SALT_BYTES);
  const digest = createHash("sha256").update(salt).update(value).digest("base64");
  return { secret: value.toString("base64"), digest, created_at: now };
}

async function remove(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const { id } = requireSecretStore(context, request);
  return context.stores.exclusive(id, async () => {
    const store = requireSecretStore(context, request);
    const items = new Map(store.items);
    if (!items.delete(param(request, "name"))) throw secretNotFound();
    await context.stores.secret.save({ ...store, items, updatedAt: context.clock.now() });
    return noContent();
  });
}

function secretNotFound(): ReturnType<typeof storeProblem> {
  return storeProblem(404, "Not Found", "the secret was not found");
}
