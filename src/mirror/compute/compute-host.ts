import { HeaderList } from "../../http/header-list.ts";
import type { HeaderLine } from "../../http/header-list.ts";
import { reasonOf } from "../../http/status-reasons.ts";
import type { Clock } from "../../lib/clock.ts";
import type { BackendSpec, RequestMessage } from "../../vcl/runtime.ts";
import { bareEdge } from "../edge/bare-edge.ts";
import { readBody } from "../edge/body.ts";
import { CacheStore } from "../edge/cache-store.ts";
import { findCountry } from "../edge/countries.ts";
import { HealthBoard } from "../edge/health.ts";
import type { HopRequest } from "../edge/message.ts";
import { newPop } from "../edge/new-pop.ts";
import type { BackendReply, Origins } from "../edge/origin.ts";
import type { ComputeRun, EdgeParts, LogLine, Pop } from "../edge/parts.ts";
import type { ActiveComputeService } from "../service.ts";
import { toHeaders } from "./messages.ts";
import { answerWith } from "./serve.ts";
import type { ComputeProgram } from "./serve.ts";

/** What a Compute service needs to run in this process, without sockets and without an edge. */
export interface ComputeHostInit {
  readonly program: ComputeProgram;
  readonly service: ActiveComputeService;
  /** Who answers for the service's backends. */
  readonly origins: Origins;
  readonly clock: Clock;
  /** Whether the service has the HTTP cache; yes unless given. */
  readonly hasHttpCache?: boolean;
  /** Memory of the cache; 64 MiB unless given. */
  readonly cacheBytes?: number;
  readonly onLog?: (line: LogLine) => void;
}

/** A visitor's request as it comes to the program; over TLS unless it says otherwise. */
export interface HostCall {
  /** GET unless given. */
  readonly method?: string;
  readonly host: string;
  /** Path and query as sent. */
  readonly target: string;
  readonly headers?: readonly HeaderLine[];
  readonly isTls?: boolean;
  /** ISO 3166-1 alpha-2; missing = where all visitors of the mirror are. */
  readonly country?: string;
  readonly address?: string;
}

export interface HostAnswer {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: Buffer;
}

/** One POP that runs one Compute service. */
export interface ComputeHost {
  readonly pop: Pop;
  /** Answers a request; resolves when its body is whole. Rejects where the body breaks off. */
  visit(call: HostCall): Promise<HostAnswer>;
  /** Purges surrogate keys, as the API does. */
  purge(keys: readonly string[], soft?: boolean): void;
  purgeAll(): void;
  /** Resolves when nothing is fetched in the background. */
  idle(): Promise<void>;
}

const CACHE_BYTES = 64 * 1024 * 1024;
/** More than any answer of a program may have. */
const MAX_BODY = 128 * 1024 * 1024;

/** A version of a Compute service as a POP runs it, for an edge of one's own making. No probes run. */
export function computeRun(init: Omit<ComputeHostInit, "cacheBytes" | "onLog">): ComputeRun {
  const { program, service, clock, origins, hasHttpCache = true } = init;
  return {
    kind: "compute",
    active: service,
    backends: [],
    health: new HealthBoard([], { clock, pools: origins }),
    answer: answerWith({ program, hasHttpCache: () => hasHttpCache }),
  };
}

/** A host for tests and for comparing many requests: nothing in it depends on the machine it runs on. */
export function createComputeHost(init: ComputeHostInit): ComputeHost {
  const { clock, service } = init;
  const run = computeRun(init);
  const tasks = new Set<Promise<void>>();
  const pop = newPop({ name: "LHR", store: new CacheStore(init.cacheBytes ?? CACHE_BYTES) });
  let requests = 0;
  const parts = bareEdge({
    clock,
    pools: init.origins,
    random: () => 0.5,
    nextXid: () => String((requests += 1)),
    onLog: (line) => init.onLog?.(line),
    serviceOf: () => run,
    pops: () => [pop],
    shieldPop: () => pop,
    background(task) {
      const tracked = task.finally(() => tasks.delete(tracked));
      tasks.add(tracked);
    },
  });
  return {
    pop,
    visit: (call) => visit(parts, pop, call),
    purge(keys, soft = false) {
      for (const key of keys) {
        pop.store.purgeSurrogateKey(`${service.id} ${key}`, { soft, now: clock.now() });
      }
    },
    purgeAll() {
      parts.generations.reached(service.id, pop.name, parts.generations.begin(service.id, [pop.name]));
    },
    async idle() {
      while (tasks.size > 0) await Promise.allSettled(tasks);
    },
  };
}

async function visit(parts: EdgeParts, pop: Pop, call: HostCall): Promise<HostAnswer> {
  const response = await parts.handleAt(pop, hopOf(call));
  const { status, headers, body } = response;
  const bytes = await readBody(body, MAX_BODY);
  response.sent({ headerBytes: headers.bytes, bodyBytes: bytes.length });
  return { status, headers, body: bytes };
}

function hopOf(call: HostCall): HopRequest {
  const { method = "GET", isTls = true, address = "127.0.0.1" } = call;
  const headers = HeaderList.from(call.headers ?? []);
  headers.set("Host", call.host);
  const country = call.country === undefined ? undefined : findCountry(call.country);
  return {
    method,
    url: call.target,
    proto: "HTTP/1.1",
    headers,
    body: null,
    connection: {
      ip: address,
      port: 0,
      requests: 1,
      tls: isTls ? { protocol: "TLSv1.3", cipher: "TLS_AES_256_GCM_SHA384", servername: call.host } : null,
      edgeIsTls: isTls,
      ...(country === undefined ? {} : { country }),
    },
    trustedPurge: false,
  };
}

/** What stands in for backends: answers a request as `fetch` would bring it, or rejects where there is no answer. */
export type OriginFunction = (request: Request, backend: string) => Response | Promise<Response>;

/** Backends that are a function. */
export function originsOf(answer: OriginFunction): Origins {
  return {
    async fetch(spec: BackendSpec, bereq: RequestMessage): Promise<BackendReply> {
      const host = bereq.headers.get("Host") ?? spec.host;
      const headers = toHeaders(bereq.headers);
      const url = `${spec.ssl ? "https" : "http"}://${host}${bereq.url}`;
      const response = await answer(new Request(url, { method: bereq.method, headers }), spec.name);
      const body = Buffer.from(await response.arrayBuffer());
      return {
        status: response.status,
        reason: reasonOf(response.status),
        headers: HeaderList.from(response.headers),
        body: { kind: "bytes", bytes: body },
        backend: { name: spec.name, ip: null, port: spec.port },
      };
    },
    connectionsTo: () => ({ open: 0, used: 0 }),
  };
}
