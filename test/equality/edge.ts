import { answerVisitor } from "../../compute/src/app.ts";
import type { HeaderLine } from "../../src/http/header-list.ts";
import type { Clock } from "../../src/lib/clock.ts";
import { computeRun } from "../../src/mirror/compute/compute-host.ts";
import type { ComputeProgram } from "../../src/mirror/compute/serve.ts";
import { bareEdge } from "../../src/mirror/edge/bare-edge.ts";
import { readBody } from "../../src/mirror/edge/body.ts";
import type { CacheEntry } from "../../src/mirror/edge/cache-entry.ts";
import { HealthBoard } from "../../src/mirror/edge/health.ts";
import type { HopRequest } from "../../src/mirror/edge/message.ts";
import { newPop } from "../../src/mirror/edge/new-pop.ts";
import { NotedStore } from "../../src/mirror/edge/noted-store.ts";
import { MAX_OBJECT } from "../../src/mirror/edge/parts.ts";
import type { AnyRun } from "../../src/mirror/edge/parts.ts";
import { handleAtPop } from "../../src/mirror/edge/pop.ts";
import { EDGE_SETTINGS_ITEM, EDGE_STORES } from "../../src/site/edge-settings.ts";
import type { BackendSpec } from "../../src/vcl/runtime.ts";
import { Buckets } from "./buckets.ts";
import type { Asked } from "./buckets.ts";
import type { BucketName, CaseObject } from "./equality-case.ts";
import { KEY, SEGMENT } from "./settings.ts";
import type { Setting } from "./settings.ts";
import type { Coding, Held } from "./shelf.ts";

/** An object that the edge stored while it answered. Times in seconds. */
export interface Stored {
  /** As vcl_hash has it, or the app. */
  readonly key: string;
  readonly status: number;
  readonly ttl: number;
  readonly staleIfError: number;
  readonly staleWhileRevalidate: number;
  /** Sorted. */
  readonly surrogateKeys: readonly string[];
  readonly vary: readonly string[];
  readonly isNote: boolean;
}

/** All that is seen of an answer. */
export interface Seen {
  readonly status: number;
  /** Names as the edge writes them, in its order. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
  readonly asked: readonly Asked[];
  readonly stored: readonly Stored[];
  /** What was logged: alarms, and the line of the request. */
  readonly lines: readonly Readonly<Record<string, unknown>>[];
}

/** One POP of one service, with its cache. */
export interface Edge {
  readonly buckets: Buckets;
  answer(request: HopRequest): Promise<Seen>;
  purge(keys: readonly string[], isSoft: boolean): void;
  /** What the cache holds. */
  held(): readonly Held[];
  /** Empties the cache. */
  forget(): void;
  /** Fixes what health checks say: these buckets are unwell, of all others nothing is known. */
  setSick(buckets: readonly BucketName[]): void;
}

export interface EdgeInit {
  readonly setting: Setting;
  readonly objects: readonly CaseObject[];
  /** Header lines that all of S3's answers have besides. */
  readonly noise: readonly HeaderLine[];
  readonly clock: Clock;
}

const SERVICE = "equality";
const VERSION = 7;
const CACHE_BYTES = 64 * 1024 * 1024;

/** An edge that runs the rendered VCL, fetch node and all. */
export function vclEdge(init: EdgeInit): Edge {
  const { setting, clock } = init;
  return edgeOf(init, (pools) => ({
    kind: "vcl",
    active: { id: SERVICE, name: SERVICE, version: VERSION, domains: [], program: setting.program() },
    health: new HealthBoard([], { clock, pools }),
    saints: new Map(),
    backends: [],
  }));
}

/** An edge that runs the Compute app, with Fastly's HTTP cache or without it, as the settings say. */
export function computeEdge(init: EdgeInit, program: ComputeProgram = answerVisitor): Edge {
  const { clock } = init;
  return edgeOf(init, (origins) =>
    computeRun({
      program,
      hasHttpCache: init.setting.edgeSettings.httpCache,
      origins,
      clock,
      service: {
        id: SERVICE,
        name: SERVICE,
        version: VERSION,
        domains: [],
        logEndpoints: [],
        content: contentOf(init.setting),
      },
    }),
  );
}

function contentOf({ edgeSettings, secrets, origins }: Setting) {
  const bytes = new Map(Object.entries(secrets).map(([name, value]) => [name, Buffer.from(value)]));
  const settings = new Map([[EDGE_SETTINGS_ITEM, JSON.stringify(edgeSettings)]]);
  return {
    package: {
      name: "sitefleet",
      language: "javascript",
      size: 0,
      hashsum: "",
      filesHash: "",
      mirrorOnly: true,
      read: () => Promise.resolve(new Uint8Array()),
    },
    configStores: new Map([[EDGE_STORES.settings, settings]]),
    secretStores: new Map([[EDGE_STORES.secrets, bytes]]),
    kvStores: new Map(),
    backends: new Map(origins.map(({ name, hostname, port }) => [name, backendOf(name, hostname, port)])),
    secrets: () => Object.values(secrets),
  };
}

function backendOf(name: string, host: string, port: number): BackendSpec {
  return {
    name,
    host,
    port,
    ssl: true,
    sslCheckCert: true,
    sslCertHostname: null,
    sslSniHostname: null,
    hostHeader: null,
    alwaysUseHostHeader: false,
    connectTimeout: 1,
    firstByteTimeout: 15,
    betweenBytesTimeout: 10,
    maxConnections: 200,
    shareKey: null,
    probe: null,
  };
}

/** What the edge notes while it answers one request. */
interface Notes {
  stored: Stored[];
  lines: Readonly<Record<string, unknown>>[];
}

function edgeOf(init: EdgeInit, runOf: (buckets: Buckets) => AnyRun): Edge {
  const { setting, clock } = init;
  const buckets = new Buckets({ ...init, origins: setting.origins, segment: SEGMENT, key: KEY });
  const notes: Notes = { stored: [], lines: [] };
  const store = new NotedStore(CACHE_BYTES, (entry) => void notes.stored.push(storedOf(entry)));
  const pop = newPop({ name: "LHR", store });
  const tasks: Promise<void>[] = [];
  const run = runOf(buckets);
  const parts = bareEdge({
    clock,
    pools: buckets,
    random: () => 0.5,
    // The same text in decimal, which VCL's ids are in, and in hexadecimal.
    nextXid: () => "1".padStart(32, "0"),
    onLog: ({ line }) => void notes.lines.push(documentOf(line)),
    serviceOf: () => run,
    pops: () => [pop],
    shieldPop: () => pop,
    background: (task) => void tasks.push(task),
  });
  return {
    buckets,
    async answer(request) {
      notes.stored = [];
      notes.lines = [];
      buckets.asked = [];
      const response = await handleAtPop(parts, pop, request);
      const { status, headers, body } = response;
      const bytes = await readBody(body, MAX_OBJECT);
      response.sent({ headerBytes: headers.bytes, bodyBytes: bytes.length });
      while (tasks.length > 0) await tasks.pop();
      return { status, headers: [...headers], body: bytes, asked: buckets.asked, ...notes };
    },
    purge(keys, soft) {
      for (const key of keys) pop.store.purgeSurrogateKey(`${SERVICE} ${key}`, { soft, now: clock.now() });
    },
    held() {
      const now = clock.now();
      const entries = [...pop.store.entries()].filter(({ hitForPass }) => !hitForPass);
      // What the app asks for has nothing of a visitor's, whatever S3's answer says that it varies by.
      return entries.map((entry) =>
        heldOf(entry, { now, coding: run.kind === "vcl" ? variantOf(entry) : null }),
      );
    },
    forget() {
      const all = [...pop.store.entries()];
      for (const entry of all) pop.store.remove(entry);
    },
    setSick(sick) {
      for (const { name, backend } of setting.origins) {
        // By the name that VCL has for it, and by that of the service's backend.
        for (const one of [name, backend]) run.health.override(one, sick.includes(name) ? false : null);
      }
    },
  };
}

function heldOf(entry: CacheEntry, { now, coding }: { readonly now: number } & Pick<Held, "coding">): Held {
  const isStale = now < entry.expires + entry.staleIfError * 1000;
  return {
    key: keyText(entry.key),
    status: entry.status,
    freshness: now < entry.expires ? "fresh" : isStale ? "stale" : "dead",
    coding,
  };
}

/** VCL leaves nothing in Accept-Encoding but the coding that it stores. */
function variantOf({ vary }: CacheEntry): Coding | null {
  const at = vary.names.indexOf("accept-encoding");
  if (at === -1) return null;
  const value = vary.values[at];
  return value === "br" || value === "gzip" ? value : "none";
}

function storedOf(entry: CacheEntry): Stored {
  return {
    key: keyText(entry.key),
    status: entry.status,
    ttl: (entry.expires - entry.entered) / 1000,
    staleIfError: entry.staleIfError,
    staleWhileRevalidate: entry.staleWhileRevalidate,
    surrogateKeys: entry.surrogateKeys.map((key) => key.slice(SERVICE.length + 1)).sort(),
    vary: entry.vary.names,
    isNote: entry.hitForPass,
  };
}

/** What stands for a key that is too long to be kept as it is: a hash of it, which tells nothing. */
const LONG_KEY = "(long)";
/** The two targets' keys differ by a few characters in what is too long. */
const LONGEST_KEY = 240;

/** A key as it is shown here. */
export function shownKey(key: string): string {
  return key.length > LONGEST_KEY ? LONG_KEY : key;
}

/** Bucket and URL, without the service, the generation, and the mark that vcl_hash's pieces are each ended with. */
function keyText(key: string): string {
  const prefix = `${SERVICE}=`;
  if (key.startsWith(`${SERVICE}#`)) return LONG_KEY;
  if (!key.startsWith(prefix)) throw new Error(`"${key}" is no key of this service`);
  const text = key.slice(prefix.length).replace(/^([a-z]+)#/, "$1");
  return shownKey(text.replace(/#1#$/, ""));
}

/** What stands in a line behind the name of its endpoint; a line that is none of ours stands for itself. */
function documentOf(line: string): Readonly<Record<string, unknown>> {
  const [, endpoint, text] = /^syslog \S+ (\S+) :: (\{.*\})$/s.exec(line) ?? [];
  if (endpoint === undefined || text === undefined) return { line };
  const parsed: unknown = JSON.parse(text);
  return typeof parsed === "object" && parsed !== null ? { endpoint, ...parsed } : { line };
}
