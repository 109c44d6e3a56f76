import { createHmac, randomBytes, randomFillSync } from "node:crypto";
import { join } from "node:path";
import { HeaderList } from "../../http/header-list.ts";
import { assertNever, SitefleetError } from "../../lib/errors.ts";
import type { Clock } from "../../lib/clock.ts";
import type { ComputeContent } from "../compute-content.ts";
import { urlKeyOf } from "../compute/fetch-plan.ts";
import { httpCacheOf, ownProgram } from "../compute/own-program.ts";
import { answerWith } from "../compute/serve.ts";
import type { ComputeProgram } from "../compute/serve.ts";
import type { ActiveComputeService, ActiveService, EdgeControl, PurgeRequest } from "../service.ts";
import { discard } from "./body.ts";
import { CacheStore } from "./cache-store.ts";
import type { StoreFigures } from "./cache-store.ts";
import { CertificateAuthority } from "./certificate-authority.ts";
import type { EdgeWatch } from "./edge-watch.ts";
import type { FrontLimits } from "./front-limits.ts";
import { DEFAULT_GEO, TEST_COUNTRY_HEADER } from "./geo.ts";
import { startListeners } from "./listeners.ts";
import type { Listeners, PortPair } from "./listeners.ts";
import { popOfShield } from "../pops.ts";
import { prepareHeaders } from "./front-request.ts";
import type { HopRequest, HopResponse } from "./message.ts";
import { OriginPools } from "./origin.ts";
import type { EdgeParts, LogLine, Pop } from "./parts.ts";
import { handleAtPop } from "./pop.ts";
import { newPop } from "./new-pop.ts";
import { dateOfSecond } from "./second-date.ts";
import { PurgeGenerations } from "./purge-generations.ts";
import { ServiceDirectory } from "./service-directory.ts";

export interface EdgeOptions {
  /** Address to listen on; loopback unless given. */
  readonly host?: string;
  /** 0 = any free one. */
  readonly httpPort: number;
  readonly httpsPort: number;
  /** The authority and its certificates are kept in `ca/` below it. */
  readonly stateDir: string;
  readonly clock: Clock;
  readonly onLog: (line: LogLine) => void;
  /** Memory of each POP's cache; 256 MiB unless given. */
  readonly cacheBytes?: number;
  /** Codes of the POPs that clients reach, the one they reach unasked first; `LHR` unless given. */
  readonly pops?: readonly string[];
  /** Of these POPs, ports of their own beside the edge's, by code. */
  readonly popPorts?: ReadonlyMap<string, PortPair>;
  /** How many milliseconds a purge takes to the POP of a code; none unless given. */
  readonly purgeDelay?: (pop: string) => number;
  /** Uniform in [0, 1); `node:crypto` unless given. */
  readonly random?: () => number;
  /** Whether a `Fastly-Key` may purge a service by URL where VCL demands one; nobody may unless given. */
  readonly mayPurge?: (token: string, serviceId: string) => boolean;
  /** `client.geo.*` of every client. */
  readonly geo?: ReadonlyMap<string, string | number>;
  /** Header by which a client on this machine says which country it is in; `Fastly-Test-Country` unless given. */
  readonly countryHeader?: string;
  /** What one client may take of the listeners; what is not given is as in `FRONT_LIMITS`. */
  readonly frontLimits?: Partial<FrontLimits>;
  /** Who looks on: the inspector. */
  readonly watch?: EdgeWatch;
  /** The program of a Compute service's package, `null` = none that can run here; sitefleet's own for its package unless given. */
  readonly programOf?: (content: ComputeContent) => ComputeProgram | null;
}

/** Cache figures of each POP by its code. */
export type EdgeStats = ReadonlyMap<string, StoreFigures & { readonly fetching: number }>;

/** The running edge. */
export interface Edge extends EdgeControl {
  activateCompute(service: ActiveComputeService): void;
  readonly httpPort: number;
  readonly httpsPort: number;
  /** Ports at which a POP is reached unasked, by its code. */
  readonly popPorts: ReadonlyMap<string, PortPair>;
  /** PEM file of the authority that signs the certificates. */
  readonly caPath: string;
  /** Header by which a client on this machine says which country it is in. */
  readonly countryHeader: string;
  /** A POP that clients reach, by its code in whatever case; with `null` the one they reach unasked. */
  popOf(code: string | null): Pop | undefined;
  /** Answers a request as if a client had sent it to a POP. */
  serve(pop: Pop, request: HopRequest): Promise<HopResponse>;
  /** What each POP has in its cache, by its code. */
  caches(): ReadonlyMap<string, CacheStore>;
  stats(): EdgeStats;
  /** Fixes a backend's health whatever its probe says; `null` gives it back to the probe. */
  overrideHealth(serviceId: string, backend: string, healthy: boolean | null): void;
  /** Resolves when no background fetch is under way. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

const DEFAULT_CACHE_BYTES = 256 * 1024 * 1024;

/** Starts the edge: all listeners, no service yet. `mirror/port-in-use` when a port is taken. */
export async function startEdge(options: EdgeOptions): Promise<Edge> {
  const authority = await CertificateAuthority.open(join(options.stateDir, "ca"), options.clock);
  const running = createRunning(options);
  const { countryHeader = TEST_COUNTRY_HEADER } = options;
  const front = {
    host: options.host ?? "127.0.0.1",
    httpPort: options.httpPort,
    httpsPort: options.httpsPort,
    authority,
    popOf: (code: string | null) => popOf(running, code),
    countryHeader,
    handle: (pop: Pop, request: HopRequest) => running.parts.handleAt(pop, request),
    ...(options.frontLimits === undefined ? {} : { limits: options.frontLimits }),
    onTrouble(error: Error) {
      const { name } = running.edgePop;
      options.onLog({ service: "", pop: name, line: `listener: ${error.message}`, at: options.clock.now() });
    },
  };
  const listeners = await startListeners(front, options.popPorts ?? new Map());
  for (const { http, https } of [portsOf(listeners), ...listeners.popPorts.values()]) {
    running.tlsPorts.set(http, https);
  }
  return edgeOf(running, listeners, { caPath: authority.caPath, countryHeader });
}

function portsOf({ httpPort, httpsPort }: Listeners): PortPair {
  return { http: httpPort, https: httpsPort };
}

interface Running {
  readonly parts: EdgeParts;
  readonly pools: OriginPools;
  readonly pops: Map<string, Pop>;
  /** The POP that clients reach unasked. */
  readonly edgePop: Pop;
  readonly services: ServiceDirectory;
  readonly tasks: Set<Promise<void>>;
  /** Aborted when the edge closes. */
  readonly closing: AbortController;
  /** The TLS port beside each plain one, once they listen. */
  readonly tlsPorts: Map<number, number>;
  readonly programOf: (content: ComputeContent) => ComputeProgram | null;
}

function createRunning(options: EdgeOptions): Running {
  const { clock } = options;
  const pools = new OriginPools();
  const services = new ServiceDirectory({ clock, pools });
  const pops = new Map<string, Pop>();
  const tasks = new Set<Promise<void>>();
  const secret = randomBytes(32);
  const closing = new AbortController();
  const tlsPorts = new Map<number, number>();
  const popOf = (name: string): Pop => {
    const known = pops.get(name);
    if (known !== undefined) return known;
    const store = new CacheStore(options.cacheBytes ?? DEFAULT_CACHE_BYTES);
    const pop = newPop({ name, store, index: pops.size });
    pops.set(name, pop);
    return pop;
  };
  const [edgePop = popOf("LHR")] = (options.pops ?? []).map(popOf);
  const parts: EdgeParts = {
    clock,
    pools,
    random: options.random ?? secureRandom(),
    nextXid: xidSequence(),
    httpDate: dateOfSecond(clock),
    onLog: options.onLog,
    serviceOf: (host) => services.find(host),
    tlsPortOf: (port) => tlsPorts.get(port) ?? null,
    shieldPop: (code) => popOf(popOfShield(code)),
    handleAt: (pop, request) => handleAtPop(parts, pop, request),
    signHop: (text) => createHmac("sha256", secret).update(text).digest("base64url"),
    geo: options.geo ?? DEFAULT_GEO,
    generations: new PurgeGenerations(),
    mayPurge: options.mayPurge ?? (() => false),
    purgeObject(key, soft) {
      this.purgePops((pop) => pop.store.purgeObject(key, { soft, now: clock.now() }));
    },
    purgePops(purge) {
      for (const pop of pops.values()) {
        const delay = options.purgeDelay?.(pop.name) ?? 0;
        if (delay === 0) purge(pop);
        // Closing ends the wait: nobody will ask for the object any more.
        else this.background(clock.sleep(delay, closing.signal).then(() => purge(pop), ignoreAbort));
      }
    },
    watch: options.watch ?? null,
    background(task) {
      const tracked = task.finally(() => tasks.delete(tracked));
      tasks.add(tracked);
    },
  };
  const { programOf = ownProgram } = options;
  return { parts, pools, pops, edgePop, services, tasks, closing, tlsPorts, programOf };
}

/** Shields that no client reaches by themselves can be asked as well, as on Fastly, where every POP is both. */
function popOf({ pops, edgePop }: Running, code: string | null): Pop | undefined {
  return code === null ? edgePop : pops.get(code.toUpperCase());
}

function ignoreAbort(): void {}

function edgeOf(running: Running, listeners: Listeners, named: Pick<Edge, "caPath" | "countryHeader">): Edge {
  const { services, parts, pops, tasks } = running;
  const idle = async (): Promise<void> => {
    while (tasks.size > 0) await Promise.allSettled(tasks);
  };
  return {
    httpPort: listeners.httpPort,
    httpsPort: listeners.httpsPort,
    popPorts: listeners.popPorts,
    ...named,
    popOf: (code) => popOf(running, code),
    serve: (pop, request) => parts.handleAt(pop, request),
    caches: () => new Map([...pops].map(([name, pop]) => [name, pop.store])),
    activate: (service: ActiveService) => services.activate(service),
    activateCompute(service) {
      const program = running.programOf(service.content);
      const hasHttpCache = httpCacheOf(service);
      services.activateCompute(service, answerWith({ program, hasHttpCache }));
    },
    deactivate(serviceId) {
      services.deactivate(serviceId);
      for (const pop of pops.values()) pop.rates.delete(serviceId);
    },
    pin: (serviceId) => services.pin(serviceId),
    purge: (request) => applyPurge(running, request),
    overrideHealth: (serviceId, backend, healthy) =>
      services.run(serviceId)?.health.override(backend, healthy),
    stats: () =>
      new Map([...pops].map(([name, pop]) => [name, { ...pop.store.figures(), fetching: pop.busy.size }])),
    idle,
    async close() {
      await listeners.close();
      running.closing.abort();
      services.close();
      await running.pools.close();
      await idle();
    },
  };
}

async function applyPurge(running: Running, request: PurgeRequest): Promise<void> {
  const { parts, pops, services } = running;
  const { scope, soft, serviceId } = request;
  parts.watch?.purged(request, services.run(serviceId)?.active);
  switch (scope.kind) {
    case "keys":
      parts.purgePops(({ store }) => {
        const purge = { soft, now: parts.clock.now() };
        for (const key of scope.keys) store.purgeSurrogateKey(`${serviceId} ${key}`, purge);
      });
      return;
    case "all": {
      // Keys contain the generation where the service's vcl_hash has its macro: old objects are never found again.
      const { generations } = parts;
      const next = generations.begin(serviceId, pops.keys());
      parts.purgePops((pop) => generations.reached(serviceId, pop.name, next));
      return;
    }
    case "url":
      if (services.run(serviceId)?.kind !== "compute") return purgeUrl(running, scope, soft);
      parts.purgePops(({ store }) => {
        const key = `${serviceId} ${urlKeyOf(scope.host, scope.pathAndQuery)}`;
        store.purgeSurrogateKey(key, { soft, now: parts.clock.now() });
      });
      return;
    default:
      return assertNever(scope);
  }
}

/** A purge by URL takes the way of a PURGE request, so that the service's own recv and hash decide what it hits. */
async function purgeUrl(
  running: Running,
  url: { readonly host: string; readonly pathAndQuery: string },
  soft: boolean,
): Promise<void> {
  const { parts, edgePop } = running;
  const headers = HeaderList.from(soft ? [["Fastly-Soft-Purge", "1"]] : []);
  prepareHeaders(headers, { host: url.host, ip: edgePop.ip, isTls: false, identity: edgePop.identity });
  const response = await parts.handleAt(edgePop, {
    method: "FASTLYPURGE",
    url: url.pathAndQuery,
    proto: "HTTP/1.1",
    headers,
    body: null,
    connection: { ip: edgePop.ip, port: 0, requests: 1, tls: null, edgeIsTls: false },
    trustedPurge: true,
  });
  discard(response.body);
  response.sent({ headerBytes: 0, bodyBytes: 0 });
  if (response.status >= 400) {
    throw new SitefleetError(
      "mirror/purge-refused",
      `the service answered ${response.status} ${response.reason} to the purge of ${url.host}${url.pathAndQuery}`,
      { hint: "purge by surrogate key instead" },
    );
  }
}

/** Uniform numbers from the system's source, drawn a block at a time. */
function secureRandom(): () => number {
  const block = Buffer.alloc(4096);
  let at = block.length;
  return () => {
    if (at === block.length) {
      randomFillSync(block);
      at = 0;
    }
    at += 4;
    return block.readUInt32BE(at - 4) / 2 ** 32;
  };
}

/** Numbers that differ between requests, from an unforeseeable start, as Varnish numbers its own. */
function xidSequence(): () => string {
  let next = randomBytes(4).readUInt32BE(0);
  return () => {
    next = next === 0xffffffff ? 1 : next + 1;
    return String(next);
  };
}
