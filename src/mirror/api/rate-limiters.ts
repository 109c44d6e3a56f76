import { z } from "zod";
import { badRequest, duplicateRecord, NOT_DELETED, recordNotFound } from "./api-error.ts";
import { json, statusOk } from "./exchange.ts";
import type { ApiContext, ApiRequest, ApiResponse, Route } from "./exchange.ts";
import { initialFields, readFields } from "./fields.ts";
import { newId } from "./ids.ts";
import { checkRateLimiter, RATE_LIMITER_FIELDS } from "./rate-limiter-kind.ts";
import { textOf, timestamp } from "./state.ts";
import type { ResourceRecord, VersionObjects } from "./state.ts";
import { vclName } from "./vcl-text.ts";
import { changeVersion, param, readVersion } from "./versions-access.ts";
import type { OpenVersion } from "./versions-access.ts";

const LIST = "/service/{service}/version/{version}/rate-limiters";
const ONE = "/rate-limiters/{limiter}";

/** Rate limiters: made and listed in a version, else found by their id alone (reference/api/vcl-services/rate-limiter). */
export const RATE_LIMITER_ROUTES: readonly Route[] = [
  { method: "GET", path: LIST, operation: "list-rate-limiters", handler: list },
  { method: "POST", path: LIST, operation: "create-rate-limiter", handler: create },
  { method: "GET", path: ONE, operation: "get-rate-limiter", handler: get },
  { method: "PUT", path: ONE, operation: "update-rate-limiter", handler: update },
  { method: "DELETE", path: ONE, operation: "delete-rate-limiter", handler: remove },
];

/** A clone's rate limiters have ids of their own: an id alone says which version is meant. */
export function withNewLimiterIds(objects: VersionObjects): VersionObjects {
  const renamed = objects.resources.rate_limiter.map((limiter) => ({ ...limiter, id: newId() }));
  return withLimiters(objects, renamed);
}

function withLimiters(objects: VersionObjects, list: readonly ResourceRecord[]): VersionObjects {
  return { ...objects, resources: { ...objects.resources, rate_limiter: list } };
}

/** As recorded: the three fields of the response in one object, `null` where there is none. */
function present({ service, meta }: OpenVersion, record: ResourceRecord): Readonly<Record<string, unknown>> {
  const { response_status: status, response_content: content, response_content_type: type, ...rest } = record;
  const response = status === null ? null : { status, content, content_type: type };
  return { ...rest, feature_update_available: false, response, service_id: service.id, version: meta.number };
}

async function list(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const open = await readVersion(context, request);
  return json(open.objects.resources.rate_limiter.map((record) => present(open, record)));
}

async function create(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const given = readFields(RATE_LIMITER_FIELDS, flattened(request.body));
  return changeVersion(context, request, (open) => {
    const now = timestamp(context.clock.now());
    const id = newId();
    const fields = { ...initialFields(RATE_LIMITER_FIELDS), ...given, id, created_at: now, updated_at: now };
    const record = settled(open, fields);
    const objects = withLimiters(open.objects, [...open.objects.resources.rate_limiter, record]);
    return Promise.resolve({ objects, result: json(present(open, record)) });
  });
}

async function get(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const open = await readVersion(context, await located(context, request));
  return json(present(open, requireLimiter(open, param(request, "limiter"))));
}

async function update(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const given = readFields(RATE_LIMITER_FIELDS, flattened(request.body));
  return changeVersion(context, await located(context, request), (open) => {
    const before = requireLimiter(open, param(request, "limiter"));
    const record = settled(open, { ...before, ...given, updated_at: timestamp(context.clock.now()) });
    const all = open.objects.resources.rate_limiter.map((other) => (other === before ? record : other));
    return Promise.resolve({ objects: withLimiters(open.objects, all), result: json(present(open, record)) });
  });
}

async function remove(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  return changeVersion(context, await located(context, request), (open) => {
    const record = requireLimiter(open, param(request, "limiter"));
    const others = open.objects.resources.rate_limiter.filter((other) => other !== record);
    return Promise.resolve({ objects: withLimiters(open.objects, others), result: statusOk() });
  });
}

const responseSchema = z.looseObject({
  status: z.unknown().optional(),
  content: z.unknown().optional(),
  content_type: z.unknown().optional(),
});

/** The body with its `response` (an object, or `response[status]=…` in a form) as the fields it is kept in. */
function flattened(body: ApiRequest["body"]): ApiRequest["body"] {
  const given = body["response"];
  if (given === null || given === "") {
    return { ...body, response_status: null, response_content: null, response_content_type: null };
  }
  const response = responseSchema.safeParse(given ?? {});
  if (!response.success) throw badRequest("'response' must have a status, a content and a content_type");
  const { status, content, content_type: type } = response.data;
  return { ...body, response_status: status, response_content: content, response_content_type: type };
}

/**
 * The record as it may be stored. One whose action is a response object takes that object's answer over now: it does not
 * follow later changes (reference/api/vcl-services/rate-limiter).
 */
function settled(open: OpenVersion, fields: ResourceRecord): ResourceRecord {
  const problem = checkRateLimiter(fields);
  if (problem !== null) throw badRequest(problem);
  const name = textOf(fields, "name");
  const others = open.objects.resources.rate_limiter.filter((other) => other["id"] !== fields["id"]);
  // Counters, boxes and tables are called after the limiter, so two names may not become one in VCL.
  if (others.some((other) => vclName(textOf(other, "name")) === vclName(name))) {
    throw duplicateRecord("rate_limiter", name);
  }
  return fields["action"] === "response_object" ? withResponseObject(open, fields) : fields;
}

function withResponseObject(open: OpenVersion, fields: ResourceRecord): ResourceRecord {
  const name = textOf(fields, "response_object_name");
  const object = open.objects.resources.response_object.find((other) => other["name"] === name);
  if (object === undefined) throw badRequest(`there is no response object '${name}'`);
  return {
    ...fields,
    response_status: Number(textOf(object, "status")),
    response_content: textOf(object, "content"),
    response_content_type: textOf(object, "content_type"),
  };
}

function requireLimiter({ objects }: OpenVersion, id: string): ResourceRecord {
  const record = objects.resources.rate_limiter.find((other) => other["id"] === id);
  if (record !== undefined) return record;
  throw notFound(id);
}

function notFound(id: string): ReturnType<typeof recordNotFound> {
  return recordNotFound("RateLimiter", { ...NOT_DELETED, id });
}

/** The request with the service and version that the limiter it names is in. */
async function located(context: ApiContext, request: ApiRequest): Promise<ApiRequest> {
  const id = param(request, "limiter");
  const known = context.store.limiterPlace(id);
  if (known !== undefined) return { ...request, params: { ...request.params, ...known } };
  // One that nobody has listed since the start: its version is read, and known from then on.
  for (const service of context.store.list()) {
    for (const { number } of [...service.versions].reverse()) {
      await context.store.objects(service.id, number);
      const place = context.store.limiterPlace(id);
      if (place !== undefined) return { ...request, params: { ...request.params, ...place } };
    }
  }
  throw notFound(id);
}
