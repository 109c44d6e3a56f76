import { badRequest, NOT_DELETED, recordNotFound } from "./api-error.ts";
import { BACKEND_KIND } from "./backend-kind.ts";
import { json, statusOk } from "./exchange.ts";
import type { ApiContext, ApiRequest, ApiResponse, Route } from "./exchange.ts";
import { COMMENT, nullable, numeral, text } from "./field-rows.ts";
import { initialFields, readFields } from "./fields.ts";
import type { FieldRow } from "./fields.ts";
import { newId } from "./ids.ts";
import { numberOf, timestamp } from "./state.ts";
import type { Collection, ResourceRecord } from "./state.ts";
import { openContent } from "./versionless-content.ts";
import type { OpenContent } from "./versionless-content.ts";
import { param } from "./versions-access.ts";

const BASE = "/service/{service}/pool/{pool}";
const ONE = `${BASE}/server/{server}`;
const MAX_SERVERS = 1000;
const FIELDS: readonly FieldRow[] = [
  text("address"),
  numeral("port", "80"),
  numeral("weight", "100"),
  numeral("max_conn", "0"),
  { name: "disabled", type: "boolean", initial: false },
  nullable("override_host"),
  COMMENT,
];

/** Servers of pools: versionless, at work at once (reference/api/load-balancing/pools/server). */
export const POOL_SERVER_ROUTES: readonly Route[] = [
  { method: "GET", path: `${BASE}/servers`, operation: "list-pool-servers", handler: list },
  { method: "POST", path: `${BASE}/server`, operation: "create-pool-server", handler: create },
  { method: "GET", path: ONE, operation: "get-pool-server", handler: get },
  { method: "PUT", path: ONE, operation: "update-pool-server", handler: update },
  { method: "DELETE", path: ONE, operation: "delete-pool-server", handler: remove },
];

function requireServer(pool: OpenContent, id: string): ResourceRecord {
  const server = pool.content.get(id);
  if (server !== undefined) return server;
  throw recordNotFound("Server", { ...NOT_DELETED, id, pool_id: pool.id, service: pool.serviceId });
}

function present(pool: OpenContent, server: ResourceRecord): Readonly<Record<string, unknown>> {
  return { ...server, service_id: pool.serviceId, pool_id: pool.id, deleted_at: null };
}

async function list(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const pool = await openContent(context, request, "pool");
  return json([...pool.content.values()].map((server) => present(pool, server)));
}

async function get(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const pool = await openContent(context, request, "pool");
  return json(present(pool, requireServer(pool, param(request, "server"))));
}

async function create(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const given = readFields(FIELDS, request.body);
  return edit(context, request, (pool) => {
    const now = timestamp(context.clock.now());
    const id = newId();
    const server = { ...initialFields(FIELDS), ...given, id, created_at: now, updated_at: now };
    if (pool.content.size >= MAX_SERVERS) throw badRequest(`a pool has at most ${MAX_SERVERS} servers`);
    return stored(pool, id, server);
  });
}

async function update(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const given = readFields(FIELDS, request.body);
  return edit(context, request, (pool) => {
    const id = param(request, "server");
    const updated = timestamp(context.clock.now());
    return stored(pool, id, { ...requireServer(pool, id), ...given, updated_at: updated });
  });
}

async function remove(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  return edit(context, request, (pool) => {
    const id = param(request, "server");
    requireServer(pool, id);
    const servers = new Map(pool.content);
    servers.delete(id);
    return { servers, answer: statusOk() };
  });
}

interface Edited {
  readonly servers: Collection;
  readonly answer: ApiResponse;
}

function stored(pool: OpenContent, id: string, server: ResourceRecord): Edited {
  const weight = numberOf(server, "weight");
  if (weight < 1 || weight > 100) throw badRequest(`Weight '${weight}' is not between 1 and 100`);
  if (numberOf(server, "max_conn") < 0) throw badRequest("max_conn can't be negative");
  const problem = BACKEND_KIND.check?.(server);
  if (problem !== null && problem !== undefined) throw badRequest(problem);
  return { servers: new Map([...pool.content, [id, server]]), answer: json(present(pool, server)) };
}

async function edit(
  context: ApiContext,
  request: ApiRequest,
  plan: (pool: OpenContent) => Edited,
): Promise<ApiResponse> {
  return context.store.exclusive(param(request, "service"), async () => {
    const pool = await openContent(context, request, "pool");
    const { servers, answer } = plan(pool);
    await context.desk.saveCompiledIn(pool.serviceId, pool.id, servers);
    return answer;
  });
}
