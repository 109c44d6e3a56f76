import { z } from "zod";
import { ApiError } from "./api-error.ts";
import { created, json, noContent } from "./exchange.ts";
import type { ApiContext, ApiRequest, ApiResponse, Route } from "./exchange.ts";
import { newId } from "./ids.ts";
import { isDomainName } from "./kinds.ts";
import { textOf } from "./state.ts";
import type { Collection, ResourceRecord } from "./state.ts";
import { DOMAINS_QUEUE, param } from "./versions-access.ts";

const LIST = "/domain-management/v1/domains";
const ONE = `${LIST}/{domain}`;
const MAX_LIMIT = 100;
const DEFAULT_LIMIT = 20;

/** Versionless domains: they lead to a service without a new version of it (reference/api/domain-management/domains). */
export const MANAGED_DOMAIN_ROUTES: readonly Route[] = [
  { method: "GET", path: LIST, operation: "list-dm-domains", handler: list, unmetered: true },
  { method: "POST", path: LIST, operation: "create-dm-domain", handler: create, unmetered: true },
  { method: "GET", path: ONE, operation: "get-dm-domain", handler: get, unmetered: true },
  { method: "PATCH", path: ONE, operation: "update-dm-domain", handler: update, unmetered: true },
  { method: "DELETE", path: ONE, operation: "delete-dm-domain", handler: remove, unmetered: true },
];

const changeSchema = z.object({
  service_id: z.string().nullable().optional(),
  description: z.string().nullable().optional(),
});
const creationSchema = changeSchema.extend({ fqdn: z.string() });

function invalid(field: string, detail: string): ApiError {
  return new ApiError(400, `Invalid value for ${field}`, detail, { form: "errors" });
}

function requireDomain(context: ApiContext, request: ApiRequest): ResourceRecord {
  const domain = context.store.domains.get(param(request, "domain"));
  if (domain !== undefined) return domain;
  throw new ApiError(404, "Not found", "The domain you requested was not found", { form: "errors" });
}

/** What a domain leads to and is; nothing in the mirror checks who owns it, and TLS needs no activation here. */
function present(domain: ResourceRecord): Readonly<Record<string, unknown>> {
  return { ...domain, activated: false, verified: false };
}

function list(context: ApiContext, request: ApiRequest): ApiResponse {
  const { query } = request;
  const limit = Math.min(
    Math.max(1, Number(query.get("limit") ?? DEFAULT_LIMIT) || DEFAULT_LIMIT),
    MAX_LIMIT,
  );
  const sort = query.get("sort") ?? "-created_at";
  const found = sorted([...context.store.domains.values()].filter(filterOf(query)), sort);
  const cursor = query.get("cursor") ?? "";
  const start = cursor === "" ? 0 : found.findIndex((domain) => domain["id"] === cursor);
  if (start === -1) throw invalid("cursor", "cursor is not one of this list");
  const page = found.slice(start, start + limit);
  const next = found[start + limit];
  return json({
    data: page.map(present),
    meta: {
      limit,
      sort,
      total: found.length,
      ...(next === undefined ? {} : { next_cursor: textOf(next, "id") }),
    },
  });
}

function filterOf(query: URLSearchParams): (domain: ResourceRecord) => boolean {
  const fqdn = query.get("fqdn")?.toLowerCase();
  const match = query.get("fqdn_match") ?? "contains";
  const service = query.get("service_id");
  return (domain) => {
    const name = textOf(domain, "fqdn");
    if (service !== null && textOf(domain, "service_id") !== service) return false;
    if (fqdn === undefined) return true;
    if (match === "exact") return name === fqdn;
    if (match === "starts_with") return name.startsWith(fqdn);
    return match === "ends_with" ? name.endsWith(fqdn) : name.includes(fqdn);
  };
}

function sorted(domains: readonly ResourceRecord[], sort: string): readonly ResourceRecord[] {
  const descending = sort.startsWith("-");
  const field = descending ? sort.slice(1) : sort;
  if (field !== "fqdn" && field !== "created_at") throw invalid("sort", `cannot sort by ${field}`);
  const list = [...domains].sort((a, b) => (textOf(a, field) < textOf(b, field) ? -1 : 1));
  return descending ? list.reverse() : list;
}

function get(context: ApiContext, request: ApiRequest): ApiResponse {
  return json(present(requireDomain(context, request)));
}

async function create(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const body = creationSchema.safeParse(request.body);
  if (!body.success) throw invalid("fqdn", "fqdn is required");
  const fqdn = body.data.fqdn.toLowerCase();
  if (!isDomainName(fqdn)) throw invalid("fqdn", "fqdn is not a valid domain name");
  return context.store.exclusive(DOMAINS_QUEUE, async () => {
    if (await isTaken(context, fqdn)) throw invalid("fqdn", "fqdn has already been taken");
    const serviceId = checkedService(context, body.data.service_id ?? null);
    const now = moment(context);
    const domain: ResourceRecord = {
      id: newId(),
      fqdn,
      service_id: serviceId,
      description: body.data.description ?? "",
      created_at: now,
      updated_at: now,
    };
    await save(context, new Map([...context.store.domains, [textOf(domain, "id"), domain]]), [serviceId]);
    return created(present(domain));
  });
}

async function update(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const body = changeSchema.safeParse(request.body);
  if (!body.success) throw invalid("service_id", "service_id and description are text or null");
  return context.store.exclusive(DOMAINS_QUEUE, async () => {
    const before = requireDomain(context, request);
    const { service_id: serviceId, description } = body.data;
    const domain: ResourceRecord = {
      ...before,
      ...(serviceId === undefined ? {} : { service_id: checkedService(context, serviceId) }),
      ...(description === undefined ? {} : { description: description ?? "" }),
      updated_at: moment(context),
    };
    const domains = new Map([...context.store.domains, [textOf(domain, "id"), domain]]);
    await save(context, domains, [before["service_id"], domain["service_id"]]);
    return json(present(domain));
  });
}

async function remove(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  return context.store.exclusive(DOMAINS_QUEUE, async () => {
    const domain = requireDomain(context, request);
    const domains = new Map(context.store.domains);
    domains.delete(textOf(domain, "id"));
    await save(context, domains, [domain["service_id"]]);
    return noContent();
  });
}

/** Stores the domains, then lets the services that gained or lost one run with them. */
async function save(context: ApiContext, domains: Collection, services: readonly unknown[]): Promise<void> {
  await context.store.saveDomains(domains);
  for (const id of new Set(services)) {
    if (typeof id === "string") await context.store.exclusive(id, () => context.desk.runAgain(id));
  }
}

async function isTaken(context: ApiContext, fqdn: string): Promise<boolean> {
  const managed = [...context.store.domains.values()].some((domain) => domain["fqdn"] === fqdn);
  return managed || (await context.desk.domainOwner("", [fqdn])) !== null;
}

function checkedService(context: ApiContext, id: string | null): string | null {
  if (id === null || id === "") return null;
  const service = context.store.find(id);
  if (service === undefined || service.deletedAt !== null) throw invalid("service_id", "service not found");
  return id;
}

/** These endpoints print milliseconds (recorded). */
function moment(context: ApiContext): string {
  return new Date(context.clock.now()).toISOString();
}
