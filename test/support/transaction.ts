import { HeaderList } from "../../src/http/header-list.ts";
import type { HeaderLine } from "../../src/http/header-list.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { PopRates } from "../../src/mirror/edge/rate-limits.ts";
import type {
  BackendResponse,
  CachedObject,
  EdgeHost,
  RequestMessage,
  ResponseMessage,
  Transaction,
} from "../../src/vcl/runtime.ts";

/** 2026-01-01T00:00:00Z, the moment tests happen at. */
export const TEST_NOW = 1_767_225_600;

/** An edge that is healthy everywhere, has seen no shield, and whose random numbers are a fixed series. */
export class FakeHost implements EdgeHost {
  readonly lines: string[] = [];
  readonly sick = new Set<string>();
  readonly visited = new Set<string>();
  readonly rates = new PopRates(systemClock);
  #random = 0.25;

  isHealthy(backend: Parameters<EdgeHost["isHealthy"]>[0]): boolean {
    return !this.sick.has(backend.spec.name);
  }

  hasVisitedShield(shield: Parameters<EdgeHost["hasVisitedShield"]>[0]): boolean {
    return this.visited.has(shield.name);
  }

  log(line: string): void {
    this.lines.push(line);
  }

  random(): number {
    this.#random = (this.#random * 9301 + 0.2113) % 1;
    return this.#random;
  }
}

export function makeRequest(
  url = "/",
  headers: readonly HeaderLine[] = [["Host", "www.example.com"]],
): RequestMessage {
  return { method: "GET", url, proto: "HTTP/1.1", headers: HeaderList.from(headers) };
}

export function makeResponse(status = 200, headers: readonly HeaderLine[] = []): ResponseMessage {
  return { status, reason: "OK", proto: "HTTP/1.1", headers: HeaderList.from(headers) };
}

export function makeBackendResponse(overrides: Partial<BackendResponse> = {}): BackendResponse {
  return {
    ...makeResponse(),
    ttl: 120,
    staleIfError: 0,
    staleWhileRevalidate: 0,
    cacheable: true,
    gzip: false,
    brotli: false,
    esi: false,
    stream: false,
    pci: false,
    saintmode: 0,
    backend: { name: "F_origin", ip: "192.0.2.10", port: 443 },
    ...overrides,
  };
}

export function makeObject(overrides: Partial<CachedObject> = {}): CachedObject {
  return {
    ...makeResponse(),
    ttl: 60,
    staleIfError: 10,
    staleWhileRevalidate: 5,
    cacheable: true,
    hits: 3,
    age: 7.5,
    lastUse: 1,
    entered: 7.5,
    ...overrides,
  };
}

/** A transaction that could be a real one: a GET of `/` for www.example.com at the edge POP. */
export function makeTransaction(overrides: Partial<Transaction> = {}): Transaction {
  return {
    state: "recv",
    host: new FakeHost(),
    serviceId: "SU1Z0isxPaozGVKXdv0eY",
    serviceVersion: 3,
    generation: 1,
    xid: "1234567890",
    req: makeRequest(),
    originalHost: "www.example.com",
    bereq: null,
    beresp: null,
    obj: null,
    resp: null,
    synthetic: null,
    backend: null,
    hash: "",
    restarts: 0,
    visitsThisService: 0,
    visitsThisPop: 0,
    hashAlwaysMiss: false,
    hashIgnoreBusy: false,
    enableRangeOnPass: false,
    enableSegmentedCaching: false,
    maxStaleIfError: null,
    maxStaleWhileRevalidate: null,
    esi: true,
    esiLevel: 0,
    isPurge: false,
    staleExists: false,
    cacheState: "NONE",
    isLocallyGenerated: false,
    client: {
      ip: "198.51.100.7",
      port: 50_000,
      requests: 1,
      geo: new Map<string, string | number>([
        ["country_code", "DE"],
        ["latitude", 52.5],
      ]),
    },
    server: {
      hostname: "cache-lhr1",
      identity: "cache-lhr1-LHR",
      ip: "127.0.0.1",
      port: 443,
      datacenter: "LHR",
      region: "EU-West",
      pop: "LHR",
    },
    tls: null,
    edgeIsTls: false,
    isClusterEdge: false,
    isClusterShield: false,
    isOriginShield: false,
    now: TEST_NOW,
    start: TEST_NOW - 0.25,
    timeToFirstByte: null,
    bodyBytesWritten: 0,
    headerBytesWritten: 0,
    requestBodyBytes: 0,
    vclError: null,
    workspaceUsed: 0,
    captures: [],
    requestBody: "",
    ...overrides,
  };
}
