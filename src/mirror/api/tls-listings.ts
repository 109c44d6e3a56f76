import { ApiError } from "./api-error.ts";
import type { ApiContext, ApiRequest, ApiResponse, Route } from "./exchange.ts";
import { textOf } from "./state.ts";
import { param } from "./versions-access.ts";

const JSON_API = "application/vnd.api+json";
const PAGE_SIZE = 20;
const MAX_PAGE_SIZE = 100;

interface Resource {
  readonly id: string;
  readonly type: string;
  readonly attributes?: Readonly<Record<string, unknown>>;
  readonly relationships?: Readonly<Record<string, unknown>>;
}

/**
 * What the TLS endpoints list (reference/api/tls). The mirror's edge serves every name with a certificate of its own
 * authority, so there is one configuration, the domains there are, and no certificate, key or subscription of anybody.
 */
const LISTS: Readonly<
  Record<string, (context: ApiContext) => Promise<readonly Resource[]> | readonly Resource[]>
> = {
  configurations: (context) => [configuration(context)],
  domains: listDomains,
  activations: () => [],
  certificates: () => [],
  private_keys: () => [],
  subscriptions: () => [],
  "bulk/certificates": () => [],
};

/** What a resource of a list is called when it is not found. */
const LABELS: Readonly<Record<string, string>> = {
  configurations: "configuration",
  domains: "domain",
  activations: "activation",
  certificates: "certificate",
  private_keys: "private key",
  subscriptions: "subscription",
  "bulk/certificates": "certificate",
};

export const TLS_ROUTES: readonly Route[] = Object.entries(LISTS).flatMap(
  ([name, listing]): readonly Route[] => {
    const operation = name.replaceAll("/", "-").replaceAll("_", "-");
    return [
      {
        method: "GET",
        path: `/tls/${name}`,
        operation: `list-tls-${operation}`,
        handler: async (context, request) =>
          page(
            await listing(context),
            request,
            name === "configurations" ? recordsAsked(request) : undefined,
          ),
      },
      {
        method: "GET",
        path: `/tls/${name}/{id}`,
        operation: `get-tls-${operation}`,
        handler: async (context, request) => one(await listing(context), request, LABELS[name] ?? name),
      },
    ];
  },
);

function configuration({ store }: ApiContext): Resource {
  return {
    id: store.account.customerId,
    type: "tls_configuration",
    attributes: {
      bulk: false,
      created_at: store.account.createdAt,
      default: true,
      http_protocols: ["http/1.1"],
      name: "sitefleet mirror",
      tls_protocols: ["1.2", "1.3"],
      updated_at: store.account.createdAt,
    },
    relationships: { dns_records: { data: DNS_RECORDS.map(({ id, type }) => ({ id, type })) } },
  };
}

/** Where domains are to point (reference/api/tls/custom-certs/configurations): here the edge is on this machine. */
const DNS_RECORDS: readonly Resource[] = [
  { id: "127.0.0.1", type: "dns_record", attributes: { record_type: "A", region: "global" } },
  { id: "edge.localhost", type: "dns_record", attributes: { record_type: "CNAME", region: "global" } },
];

function recordsAsked(request: ApiRequest): readonly Resource[] | undefined {
  return request.query.get("include")?.split(",").includes("dns_records") ? DNS_RECORDS : undefined;
}

/** Every domain of an active version and every versionless one. */
async function listDomains({ store }: ApiContext): Promise<readonly Resource[]> {
  const names = new Set([...store.domains.values()].map((domain) => textOf(domain, "fqdn")));
  for (const service of store.list()) {
    if (service.activeVersion === null) continue;
    const { resources } = await store.objects(service.id, service.activeVersion);
    for (const domain of resources.domain) names.add(textOf(domain, "name").toLowerCase());
  }
  const none = { data: [] };
  return [...names].sort().map((id) => ({
    id,
    type: "tls_domain",
    relationships: { tls_activations: none, tls_certificates: none, tls_subscriptions: none },
  }));
}

function one(list: readonly Resource[], request: ApiRequest, label: string): ApiResponse {
  const resource = list.find((other) => other.id === param(request, "id"));
  if (resource !== undefined) return jsonApi({ data: resource });
  throw new ApiError(404, "Not found", `The ${label} you requested was not found`, { form: "errors" });
}

/** One page with the links and counts that JSON:API lists carry (recorded). */
function page(
  list: readonly Resource[],
  request: ApiRequest,
  included: readonly Resource[] | undefined,
): ApiResponse {
  const size = Math.min(positive(request, "page[size]") ?? PAGE_SIZE, MAX_PAGE_SIZE);
  const current = positive(request, "page[number]") ?? 1;
  return jsonApi({
    data: list.slice((current - 1) * size, current * size),
    ...(included === undefined ? {} : { included }),
    meta: {
      per_page: size,
      current_page: current,
      record_count: list.length,
      total_pages: Math.max(1, Math.ceil(list.length / size)),
    },
  });
}

function positive(request: ApiRequest, name: string): number | null {
  const value = Number(request.query.get(name));
  return Number.isSafeInteger(value) && value > 0 ? value : null;
}

function jsonApi(value: unknown): ApiResponse {
  return { status: 200, contentType: JSON_API, body: JSON.stringify(value) };
}
