import { z } from "zod";
import type { PurgeScope } from "../service.ts";
import { ApiError, badRequest } from "./api-error.ts";
import { json } from "./exchange.ts";
import type { ApiContext, ApiRequest, ApiResponse, Route } from "./exchange.ts";
import { textOf } from "./state.ts";
import { param, requireService } from "./versions-access.ts";

/** Limits of the purge API (reference/api/purging; reference/http/http-headers/Surrogate-Key). */
const MAX_KEYS = 256;
const MAX_KEY_BYTES = 1024;

/** Purging (reference/api/purging). Key and URL purges do not count against the rate limit, purging all does. */
export const PURGE_ROUTES: readonly Route[] = [
  {
    method: "POST",
    path: "/service/{service}/purge/{key}",
    operation: "purge-tag",
    handler: purgeKey,
    unmetered: true,
  },
  {
    method: "POST",
    path: "/service/{service}/purge",
    operation: "bulk-purge-tag",
    handler: purgeKeys,
    unmetered: true,
  },
  { method: "POST", path: "/service/{service}/purge_all", operation: "purge-all", handler: purgeAll },
  { method: "POST", path: "/purge/*", operation: "purge-single-url", handler: purgeUrl, unmetered: true },
];

async function purgeKey(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const keys = checkedKeys([param(request, "key")]);
  await purge(context, request, { kind: "keys", keys });
  return json({ status: "ok", id: context.purgeIds.next(context.clock.now()) });
}

const bodySchema = z.object({ surrogate_keys: z.array(z.string()) });

async function purgeKeys(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const keys = checkedKeys(requestedKeys(request));
  await purge(context, request, { kind: "keys", keys });
  // A Map first: a key such as `__proto__` must come back as a key like any other.
  return json(
    Object.fromEntries(new Map(keys.map((key) => [key, context.purgeIds.next(context.clock.now())]))),
  );
}

/** Keys of the `Surrogate-Key` header, separated by blanks, else of the JSON body. */
function requestedKeys(request: ApiRequest): readonly string[] {
  const header = request.headers["surrogate-key"];
  if (header !== undefined) {
    // Node reads header bytes as latin1; keys are UTF-8.
    const bytes = Buffer.from(String(header), "latin1");
    return bytes
      .toString("utf8")
      .split(/\s+/)
      .filter((key) => key !== "");
  }
  const body = bodySchema.safeParse(request.body);
  if (!body.success) throw badRequest('name the keys in a Surrogate-Key header or as {"surrogate_keys":[…]}');
  return body.data.surrogate_keys;
}

function checkedKeys(keys: readonly string[]): readonly string[] {
  if (keys.length === 0 || keys.includes("")) throw badRequest("Surrogate key can't be blank");
  if (keys.length > MAX_KEYS)
    throw badRequest(`${keys.length} surrogate keys are more than the limit of ${MAX_KEYS}`);
  const long = keys.find((key) => Buffer.byteLength(key) > MAX_KEY_BYTES);
  if (long !== undefined) throw badRequest(`a surrogate key is longer than ${MAX_KEY_BYTES} bytes`);
  return keys;
}

async function purgeAll(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const service = requireService(context, param(request, "service"));
  // Always hard: a soft purge of everything does not exist.
  await context.edge.purge({ serviceId: service.id, scope: { kind: "all" }, soft: false });
  return json({ status: "ok" });
}

async function purgeUrl(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const [, host = "", rest = ""] = /^(?:https?:\/{1,2})?([^/?#]+)([^#]*)/i.exec(request.rest) ?? [];
  const name = host.toLowerCase().replace(/:\d+$/, "");
  if (name === "") throw badRequest("the URL to purge has no host");
  const serviceId = await serviceOfHost(context, name);
  if (serviceId === null) {
    throw new ApiError(404, "Record not found", `no active service has the domain '${name}'`);
  }
  const pathAndQuery = rest.startsWith("/") ? rest : `/${rest}`;
  const scope: PurgeScope = { kind: "url", host: name, pathAndQuery };
  await context.edge.purge({ serviceId, scope, soft: isSoft(request) });
  return json({ status: "ok", id: context.purgeIds.next(context.clock.now()) });
}

/** The service an edge would choose for a Host: exact name, then the longest wildcard, then the pinned one. */
async function serviceOfHost(context: ApiContext, host: string): Promise<string | null> {
  let best = { length: 0, id: context.pinnedService() };
  for (const service of context.store.list()) {
    if (service.activeVersion === null) continue;
    const { resources } = await context.store.objects(service.id, service.activeVersion);
    const versioned = resources.domain.map((domain) => textOf(domain, "name").toLowerCase());
    for (const name of [...versioned, ...context.store.domainsOf(service.id)]) {
      if (name === host) return service.id;
      const below = name.startsWith("*.") && host.endsWith(name.slice(1));
      if (below && name.length > best.length) best = { length: name.length, id: service.id };
    }
  }
  return best.id;
}

async function purge(context: ApiContext, request: ApiRequest, scope: PurgeScope): Promise<void> {
  const service = requireService(context, param(request, "service"));
  await context.edge.purge({ serviceId: service.id, scope, soft: isSoft(request) });
}

function isSoft(request: ApiRequest): boolean {
  return request.headers["fastly-soft-purge"] === "1";
}
