import type { Clock } from "../lib/clock.ts";
import { bareEdge } from "../mirror/edge/bare-edge.ts";
import { readBody } from "../mirror/edge/body.ts";
import type { CacheEntry } from "../mirror/edge/cache-entry.ts";
import type { EdgeWatch, WatchEnd } from "../mirror/edge/edge-watch.ts";
import { HealthBoard } from "../mirror/edge/health.ts";
import type { HopRequest } from "../mirror/edge/message.ts";
import { newPop } from "../mirror/edge/new-pop.ts";
import { NotedStore } from "../mirror/edge/noted-store.ts";
import { MAX_OBJECT } from "../mirror/edge/parts.ts";
import type { EdgeParts, Pop, ServiceRun } from "../mirror/edge/parts.ts";
import { handleAtPop } from "../mirror/edge/pop.ts";
import { hostName } from "../mirror/edge/service-directory.ts";
import { popOfShield } from "../mirror/pops.ts";
import { coversHost } from "./covered-hosts.ts";
import { MemoryOrigins } from "./memory-origins.ts";
import type { StoreBackend } from "./memory-origins.ts";
import type { ObjectView } from "./object-view.ts";
import type { Observation, StoredNote } from "./observation.ts";
import type { OriginFault } from "./origin-fault.ts";
import type { SideProgram } from "./side-program.ts";
import type { StoreAsk } from "./store-ask.ts";

/** The POP that visitors reach. */
export const EDGE_POP = "LHR";

/** Nobody asks for more of one host than fits before its caches are given up. */
const CACHE_BYTES = 64 * 1024 * 1024;

/** What an edge of one side is made of. */
export interface EdgeSideInit {
  readonly program: SideProgram;
  readonly view: ObjectView;
  readonly stores: ReadonlyMap<string, StoreBackend>;
  readonly clock: Clock;
}

/** One request on its way through one side. */
export interface SideTurn {
  readonly hop: HopRequest;
  readonly pop: string;
  readonly fault: OriginFault | undefined;
  /** Both sides draw the same numbers. */
  readonly seed: number;
}

/**
 * An edge of one side, for one host or site: POPs with caches of their own and no sockets. Everything that could make
 * two runs differ but the VCL is given: time, random numbers, names of requests, what the stores hold.
 */
export class EdgeSide {
  readonly #parts: EdgeParts;
  readonly #pops = new Map<string, Pop>();
  readonly #origins: MemoryOrigins;
  readonly #background: Promise<void>[] = [];
  #stored: StoredNote[] = [];
  #logged: string[] = [];
  #random = seeded(0);
  #requests = 0;
  #outcome: WatchEnd | null = null;
  #depth = 0;

  constructor(init: EdgeSideInit) {
    const { clock, program } = init;
    this.#origins = new MemoryOrigins(init.view, init.stores);
    const service = serviceRun(program, { clock, pools: this.#origins });
    this.#parts = bareEdge({
      clock,
      pools: this.#origins,
      random: () => this.#random(),
      nextXid: () => String((this.#requests += 1)),
      onLog: ({ line }) => void this.#logged.push(line),
      serviceOf: (host) => (isServed(program, hostName(host)) ? service : null),
      pops: () => this.#pops.values(),
      shieldPop: (code) => this.#pop(popOfShield(code)),
      watch: this.#watch(),
      background: (task) => void this.#background.push(task),
    });
  }

  /** Name of a POP's server, as the front would have written it into the request. */
  identity(pop: string): string {
    return this.#pop(pop).identity;
  }

  /** Answers one request; resolves when all that it set going has ended. */
  async answer(turn: SideTurn): Promise<Observation> {
    this.#stored = [];
    this.#logged = [];
    this.#outcome = null;
    this.#depth = 0;
    this.#random = seeded(turn.seed);
    const asks: StoreAsk[] = [];
    this.#origins.turn = { asked: asks, fault: turn.fault };
    const response = await handleAtPop(this.#parts, this.#pop(turn.pop), turn.hop);
    const { status, reason, headers } = response;
    const body =
      response.body.kind === "bytes" ? response.body.bytes : await readBody(response.body, MAX_OBJECT);
    response.sent({ headerBytes: headers.bytes, bodyBytes: body.length });
    while (this.#background.length > 0) await this.#background.pop();
    const restarts = this.#restarts();
    let asked: readonly string[] | undefined;
    return {
      status,
      reason,
      headers,
      body,
      restarts,
      asks,
      get asked() {
        return (asked ??= asks.map(({ text }) => text));
      },
      stored: this.#stored,
      logged: this.#logged,
    };
  }

  #restarts(): number | null {
    return this.#outcome?.delivery?.restarts ?? null;
  }

  /** Only the first POP's view of a request is of interest: a shield never restarts for the visitor. */
  #watch(): EdgeWatch {
    return {
      begin: () => {
        this.#depth += 1;
        const isFirst = this.#depth === 1;
        return { recorder: null, end: (outcome) => void (isFirst && (this.#outcome = outcome)) };
      },
      purged: () => undefined,
    };
  }

  #pop(name: string): Pop {
    const known = this.#pops.get(name);
    if (known !== undefined) return known;
    const store = new NotedStore(CACHE_BYTES, (entry) => void this.#stored.push(noteOf(name, entry)));
    const pop = newPop({ name, store });
    this.#pops.set(name, pop);
    return pop;
  }
}

/**
 * Whether the side answers for a host: not where only the other side has it. One that neither has comes to the service by
 * other ways, as domains do that belong to no version.
 */
function isServed({ domains, otherDomains, onHostOfOneSide }: SideProgram, name: string): boolean {
  const isOwn = coversHost(domains, name);
  if (isOwn === coversHost(otherDomains, name)) return true;
  onHostOfOneSide?.();
  return isOwn;
}

function serviceRun(
  { program }: SideProgram,
  parts: { readonly clock: Clock; readonly pools: MemoryOrigins },
): ServiceRun {
  return {
    kind: "vcl",
    // The same version number on both sides: that it differs is no change of any answer.
    active: { id: SERVICE, name: SERVICE, version: 1, domains: [], program },
    // No probes: backends are healthy, and what fails is said request by request.
    health: new HealthBoard([], parts),
    saints: new Map(),
    backends: [],
  };
}

const SERVICE = "replay";

function noteOf(pop: string, entry: CacheEntry): StoredNote {
  const own = (text: string): string => text.slice(SERVICE.length + 1);
  return {
    pop,
    key: own(entry.key),
    status: entry.status,
    ttl: (entry.expires - entry.entered) / 1000,
    staleIfError: entry.staleIfError,
    staleWhileRevalidate: entry.staleWhileRevalidate,
    surrogateKeys: entry.surrogateKeys.map(own),
    vary: entry.vary.names,
    esi: entry.esi,
    hitForPass: entry.hitForPass,
  };
}

/** Uniform numbers in [0, 1) from a seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
