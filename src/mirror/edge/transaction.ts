import type { EdgeHost, RequestMessage } from "../../vcl/runtime.ts";
import { initialWorkspace } from "../../vcl/workspace.ts";
import type { Exchange, NodeTransaction } from "./exchange.ts";
import { geoOfCountry } from "./geo.ts";
import type { HopChain } from "./hop-chain.ts";
import type { HopRequest } from "./message.ts";
import type { EdgeParts, Pop, ServiceRun } from "./parts.ts";

/** What a delivery node's transaction is made of. */
export interface DeliveryInit {
  readonly parts: EdgeParts;
  readonly pop: Pop;
  readonly service: ServiceRun;
  readonly request: HopRequest;
  readonly chain: HopChain;
  readonly host: EdgeHost;
  readonly xid: string;
}

/** The transaction of the delivery node, before vcl_recv. Its headers are a copy: parts of the page begin with the client's own. */
export function deliveryTransaction(init: DeliveryInit): NodeTransaction {
  const { parts, pop, service, request, chain } = init;
  const now = parts.clock.now() / 1000;
  const { connection, body } = request;
  const transaction: NodeTransaction = {
    state: "recv",
    host: init.host,
    serviceId: service.active.id,
    serviceVersion: service.active.version,
    generation: parts.generations.of(service.active.id, pop.name),
    xid: init.xid,
    req: { method: request.method, url: request.url, proto: request.proto, headers: request.headers.clone() },
    originalHost: request.headers.get("Host"),
    bereq: null,
    beresp: null,
    obj: null,
    resp: null,
    synthetic: null,
    backend: service.active.program.defaultBackend,
    hash: "",
    restarts: 0,
    visitsThisService: chain.visits,
    visitsThisPop: 0,
    hashAlwaysMiss: false,
    hashIgnoreBusy: false,
    enableRangeOnPass: false,
    enableSegmentedCaching: false,
    maxStaleIfError: null,
    maxStaleWhileRevalidate: null,
    esi: true,
    esiLevel: request.include?.level ?? 0,
    isPurge: request.method === "FASTLYPURGE",
    staleExists: false,
    cacheState: "NONE",
    isLocallyGenerated: false,
    client: {
      ip: connection.ip,
      port: connection.port,
      requests: connection.requests,
      geo: connection.country === undefined ? parts.geo : geoOfCountry(connection.country, parts.geo),
    },
    server: {
      hostname: pop.identity,
      identity: pop.identity,
      ip: pop.ip,
      port: connection.tls === null ? 80 : 443,
      datacenter: pop.name,
      region: "EU-West",
      pop: pop.name,
    },
    tls: connection.tls,
    edgeIsTls: connection.edgeIsTls,
    isClusterEdge: true,
    isClusterShield: false,
    isOriginShield: chain.visits > 0,
    now,
    start: now,
    timeToFirstByte: null,
    bodyBytesWritten: 0,
    headerBytesWritten: 0,
    requestBodyBytes: body === null ? 0 : ((body.kind === "bytes" ? body.bytes.length : body.length) ?? 0),
    vclError: null,
    workspaceUsed: initialWorkspace(request.headers),
    captures: [],
    requestBody: body !== null && body.kind === "bytes" ? body.bytes.toString("latin1") : "",
    effects: { altSvc: false, tarpit: null, settings: new Map() },
  };
  // Not spread into the literal above: that made every request pay for what few have.
  if (request.include === undefined && connection.facts === undefined) return transaction;
  return {
    ...transaction,
    ...(request.include === undefined ? {} : { topUrl: request.include.topUrl }),
    ...(connection.facts === undefined ? {} : { facts: connection.facts }),
  };
}

/**
 * The transaction of the fetch node, to which the delivery node hands the request over (guides/vcl/clustering): a
 * copy, so that what hit, miss, pass, fetch and error change in `req` is not seen by deliver. To this node the
 * request has come through one more server of this service.
 */
export function fetchTransaction(delivery: NodeTransaction): NodeTransaction {
  const req = cloneRequest(delivery.req);
  // Only the server that cut the cookie says so (http-headers/Fastly-Cookie-Overflow).
  req.headers.unset("Fastly-Cookie-Overflow");
  return {
    ...delivery,
    req,
    visitsThisService: delivery.visitsThisService + 1,
    visitsThisPop: delivery.visitsThisPop + 1,
    isClusterEdge: false,
    isClusterShield: true,
    workspaceUsed: initialWorkspace(delivery.req.headers),
    captures: [],
  };
}

/** A deep copy of a request message. */
export function cloneRequest(message: RequestMessage): RequestMessage {
  return { method: message.method, url: message.url, proto: message.proto, headers: message.headers.clone() };
}

/**
 * Whether another server of the POP is to look the object up: only GET and HEAD, and after a restart only where
 * Fastly-Force-Shield asks for it (guides/vcl/clustering; headers Fastly-Force-Shield, Fastly-No-Shield).
 */
export function isClustered(x: Exchange): boolean {
  const { req, restarts } = x.delivery;
  if (req.method !== "GET" && req.method !== "HEAD") return false;
  if (req.headers.has("Fastly-No-Shield")) return false;
  return restarts === 0 || req.headers.has("Fastly-Force-Shield");
}
