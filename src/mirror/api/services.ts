import { badRequest, duplicateRecord, NOT_DELETED, recordNotFound } from "./api-error.ts";
import { json, statusOk } from "./exchange.ts";
import type { ApiContext, ApiRequest, ApiResponse, Route } from "./exchange.ts";
import { readFields } from "./fields.ts";
import type { FieldRow } from "./fields.ts";
import { newId } from "./ids.ts";
import { DETAILED_KINDS, kindRow, presentRecord } from "./kinds.ts";
import { pagedJson } from "./paging.ts";
import { presentSettings } from "./settings.ts";
import { EMPTY_VERSION, textOf, timestamp } from "./state.ts";
import type { KindName, ServiceRecord, VersionMeta } from "./state.ts";
import { DOMAINS_QUEUE, param, requireService, requireVersion } from "./versions-access.ts";
import { presentVersion } from "./versions.ts";

const FIELDS: readonly FieldRow[] = [
  { name: "name", type: "text", initial: "" },
  { name: "comment", type: "text", initial: "" },
  { name: "type", type: "text", initial: "vcl" },
];

/** Services (reference/api/services/service). */
export const SERVICE_ROUTES: readonly Route[] = [
  { method: "GET", path: "/service", operation: "list-services", handler: list },
  { method: "POST", path: "/service", operation: "create-service", handler: create },
  { method: "GET", path: "/service/search", operation: "search-service", handler: search },
  { method: "GET", path: "/service/{service}", operation: "get-service", handler: get },
  { method: "PUT", path: "/service/{service}", operation: "update-service", handler: update },
  { method: "DELETE", path: "/service/{service}", operation: "delete-service", handler: remove },
  { method: "GET", path: "/service/{service}/details", operation: "get-service-detail", handler: details },
  { method: "GET", path: "/service/{service}/domain", operation: "list-service-domains", handler: domains },
];

/** The objects of a Compute service's version that `/details` lists (recorded). */
const COMPUTE_DETAILS: readonly KindName[] = ["backend", "domain", "healthcheck"];

/** A service as Fastly prints it. */
export function presentService(
  context: ApiContext,
  service: ServiceRecord,
): Readonly<Record<string, unknown>> {
  return {
    id: service.id,
    name: service.name,
    type: service.type,
    comment: service.comment,
    customer_id: context.store.account.customerId,
    paused: false,
    publish_key: "",
    environments: [],
    versions: service.versions.map((meta) => presentVersion(service, meta)),
    created_at: service.createdAt,
    updated_at: service.updatedAt,
    deleted_at: null,
  };
}

/** The active version, else the newest. */
function currentVersion(service: ServiceRecord): VersionMeta | undefined {
  return service.versions.find(({ number }) => number === service.activeVersion) ?? service.versions.at(-1);
}

function list(context: ApiContext, request: ApiRequest): ApiResponse {
  const sorted = [...context.store.list()];
  if (request.query.get("sort") === "name")
    sorted.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  if (request.query.get("direction") === "descend") sorted.reverse();
  return pagedJson(context, request, {
    all: sorted,
    present: (service) => ({
      ...presentService(context, service),
      version: currentVersion(service)?.number ?? null,
    }),
  });
}

async function create(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const fields = readFields(FIELDS, request.body);
  const name = textOf(fields, "name");
  const type = textOf(fields, "type") || "vcl";
  if (name === "") throw badRequest("Name can't be blank");
  if (type !== "vcl" && type !== "wasm") throw badRequest(`Type '${type}' is not one of vcl, wasm`);
  return context.store.exclusive("services", async () => {
    refuseTakenName(context, name);
    const now = timestamp(context.clock.now());
    const version = { number: 1, comment: "", locked: false, createdAt: now, updatedAt: now };
    const service: ServiceRecord = {
      id: newId(),
      name,
      type,
      comment: textOf(fields, "comment"),
      createdAt: now,
      updatedAt: now,
      deletedAt: null,
      activeVersion: null,
      versions: [version],
    };
    await context.store.create(service, EMPTY_VERSION);
    return json(presentService(context, service));
  });
}

function get(context: ApiContext, request: ApiRequest): ApiResponse {
  return json(presentService(context, requireService(context, param(request, "service"))));
}

function search(context: ApiContext, request: ApiRequest): ApiResponse {
  const name = request.query.get("name") ?? "";
  const service = context.store.list().find((other) => other.name === name);
  if (service === undefined) throw recordNotFound("Service", { ...NOT_DELETED, name });
  return json(presentService(context, service));
}

async function update(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const fields = readFields(FIELDS, request.body);
  const id = param(request, "service");
  return context.store.exclusive("services", () =>
    context.store.exclusive(id, async () => {
      const before = requireService(context, id);
      const name = fields["name"] === undefined ? before.name : textOf(fields, "name");
      if (name === "") throw badRequest("Name can't be blank");
      if (name !== before.name) refuseTakenName(context, name);
      const service = {
        ...before,
        name,
        comment: fields["comment"] === undefined ? before.comment : textOf(fields, "comment"),
        updatedAt: timestamp(context.clock.now()),
      };
      await context.store.saveService(service);
      return json(presentService(context, service));
    }),
  );
}

async function remove(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const id = param(request, "service");
  const answer = await context.store.exclusive(id, async () => {
    const service = requireService(context, id);
    if (service.activeVersion !== null) {
      throw badRequest(`Cannot delete service '${id}': version '${service.activeVersion}' is active`);
    }
    await context.store.remove({ ...service, versions: [], deletedAt: timestamp(context.clock.now()) });
    return statusOk();
  });
  // After the service's turn: whoever changes domains waits for services, so nobody may do it the other way round.
  await detachDomains(context, id);
  await context.packages.sweep();
  return answer;
}

/** Versionless domains outlive the service they lead to. */
async function detachDomains(context: ApiContext, serviceId: string): Promise<void> {
  await context.store.exclusive(DOMAINS_QUEUE, async () => {
    const { domains } = context.store;
    if (context.store.domainsOf(serviceId).length === 0) return;
    const detached = [...domains].map(
      ([id, domain]) =>
        [id, domain["service_id"] === serviceId ? { ...domain, service_id: null } : domain] as const,
    );
    await context.store.saveDomains(new Map(detached));
  });
}

async function details(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const service = requireService(context, param(request, "service"));
  const active = service.versions.find(({ number }) => number === service.activeVersion);
  const asked = request.query.get("version");
  const shown = asked === null ? currentVersion(service) : requireVersion(service, asked);
  return json({
    ...presentService(context, service),
    version: shown === undefined ? null : await fullVersion(context, service, shown),
    active_version: active === undefined ? null : await fullVersion(context, service, active),
  });
}

/** A version with all its objects, as `/details` and the service diff show it. */
export async function fullVersion(
  context: ApiContext,
  service: ServiceRecord,
  meta: VersionMeta,
): Promise<Readonly<Record<string, unknown>>> {
  const objects = await context.store.objects(service.id, meta.number);
  const place = { serviceId: service.id, version: meta.number, objects };
  const listed = DETAILED_KINDS.filter(
    ({ row }) => service.type === "vcl" || COMPUTE_DETAILS.includes(row.kind),
  );
  const kinds = listed.map(({ row, key }) => [
    key,
    objects.resources[row.kind].map((record) => presentRecord(row, record, place)),
  ]);
  if (service.type === "wasm") return { ...presentVersion(service, meta), ...Object.fromEntries(kinds) };
  return {
    ...presentVersion(service, meta),
    ...Object.fromEntries(kinds),
    // A kind that Fastly took out of use; its array is still printed (recorded).
    wordpress: [],
    settings: presentSettings(objects.settings),
  };
}

async function domains(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const service = requireService(context, param(request, "service"));
  const version = currentVersion(service)?.number;
  if (version === undefined) return json([]);
  const row = kindRow("domain");
  const objects = await context.store.objects(service.id, version);
  const place = { serviceId: service.id, version, objects };
  return json(objects.resources.domain.map((record) => presentRecord(row, record, place)));
}

function refuseTakenName(context: ApiContext, name: string): void {
  if (context.store.list().some((service) => service.name === name)) throw duplicateRecord("service", name);
}
