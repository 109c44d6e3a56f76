import type { Platform, Visitor } from "../../../compute/src/platform.ts";
import { toByteString } from "../../http/byte-string.ts";
import type { HeaderList } from "../../http/header-list.ts";
import type { ComputeVisit } from "../edge/parts.ts";
import { CacheOverride } from "./cache-override.ts";
import type { GuestFetch } from "./guest-fetch.ts";
import { toHeaders } from "./messages.ts";
import { rateLimitingOf } from "./rate-limiting.ts";
import { storesOf } from "./stores.ts";

/** Characters of `event.client.requestId`. */
const ID_LENGTH = 32;

/** The visitor's request as a program gets it. */
export function visitorOf({ parts, request }: ComputeVisit): Visitor {
  const { connection } = request;
  const fact = connection.facts?.get("client.geo.country_code");
  const country = fact ?? connection.country?.code ?? parts.geo.get("country_code") ?? "";
  return {
    method: request.method,
    target: request.url,
    headers: toHeaders(arrivedHeaders(request)),
    address: connection.ip,
    country: String(country).toUpperCase(),
    isTls: connection.edgeIsTls,
    requestId: BigInt(parts.nextXid()).toString(16).padStart(ID_LENGTH, "0"),
  };
}

/**
 * Of what Fastly adds to requests for VCL, a Compute service sees only the client's address, and only where the client
 * did not give one itself (http-headers/Fastly-Client-IP; http-headers/X-Forwarded-For: "Fastly does not modify this
 * header in Compute services").
 */
function arrivedHeaders({ headers, arrived, connection }: ComputeVisit["request"]): HeaderList {
  const shown = (arrived ?? headers).clone();
  shown.set("Host", headers.get("Host") ?? "");
  if (!shown.has("Fastly-Client-IP")) shown.set("Fastly-Client-IP", connection.ip);
  return shown;
}

/** What the program takes from its platform, for one visitor's request. */
export function platformOf(
  visit: ComputeVisit,
  { guest, requestId }: { readonly guest: GuestFetch; readonly requestId: string },
): Platform {
  const { run, pop, parts } = visit;
  const { health, active } = run;
  return {
    fetch: (url, init) => guest.fetch(url, init),
    CacheOverride,
    ...storesOf(visit),
    ...rateLimitingOf(visit),
    healthOf(name) {
      const spec = active.content.backends.get(name);
      if (spec === undefined) throw new TypeError(`Backend.get: no backend named '${name}' exists`);
      if (!health.knows(spec)) return "unknown";
      return health.isHealthy(spec) ? "healthy" : "unhealthy";
    },
    env: (name) => variableOf(name, visit, requestId),
    now: () => parts.clock.now(),
    stderr(line) {
      parts.onLog({ service: active.id, pop: pop.name, line: toByteString(line), at: parts.clock.now() });
    },
  };
}

/** reference/compute/ecp-env */
function variableOf(name: string, { run, pop, parts }: ComputeVisit, requestId: string): string | undefined {
  const { id, version } = run.active;
  switch (name) {
    case "FASTLY_SERVICE_ID":
      return id;
    case "FASTLY_SERVICE_VERSION":
      return String(version);
    case "FASTLY_POP":
      return pop.name;
    case "FASTLY_HOSTNAME":
      return pop.identity;
    case "FASTLY_REGION":
      return "EU-West";
    case "FASTLY_CACHE_GENERATION":
      return String(parts.generations.of(id, pop.name));
    case "FASTLY_TRACE_ID":
      return requestId;
    default:
      return undefined;
  }
}
