import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import type { Clock } from "../../src/lib/clock.ts";
import { Secret } from "../../src/lib/secret.ts";
import type { PurgeApi } from "../../src/purge/purge-api.ts";
import { sha256Hex } from "../../src/publish/publish-deps.ts";
import type { PublishDeps, SiteRef } from "../../src/publish/publish-deps.ts";
import { publishFolder } from "../../src/publish/publish.ts";
import type { PublishReport } from "../../src/publish/publish.ts";
import { parseRecord } from "../../src/publish/record-store.ts";
import type { Environment } from "../../src/settings/environment.ts";
import { decodeConfig } from "../../src/site/codec.ts";
import { deltaHash, lookUpDelta } from "../../src/site/delta-list.ts";
import type { DomainConfig, SiteRecord } from "../../src/site/model.ts";
import { siteEnvOf } from "../../src/site/names.ts";
import { encodePath } from "../../src/site/page-key.ts";
import { isFileBody } from "../../src/store/file-body.ts";
import type { PutInput } from "../../src/store/object-store.ts";
import { FaultPoint } from "../support/fault-point.ts";
import { InstantClock } from "../support/instant-clock.ts";
import { MemoryStore } from "../support/memory-store.ts";
import type { MemoryObject } from "../support/memory-store.ts";
import { tempDir } from "../support/temp-dir.ts";

export const ACME: SiteRef = { site: "acme", siteEnv: "production" };
const SEGMENT = "s3cret";

/** An environment named `test`; hosts below `.staging.example` belong to `staging`. */
export const environment: Environment = {
  name: "test",
  target: "vcl",
  compute: { httpCache: true },
  fastly: {
    serviceId: "SVC",
    apiUrl: "http://127.0.0.1:1",
    domains: ["*.example.com"],
    logEndpoint: "sitefleet",
  },
  s3: {
    region: "us-east-1",
    configBucket: "config",
    hostingBucket: "hosting",
    pathStyle: true,
    second: undefined,
  },
  hostSuffixes: [{ suffix: ".staging.example", siteEnv: "staging" }],
  publicPorts: { http: 80, https: 443 },
  hsts: true,
  tlsRedirectStatus: 301,
  ttl: { config: 3_600, unknownDomain: 60, page: 3_600, notFound: 300, staleIfError: 86_400 },
  previews: { domain: "preview.example.com", days: 14 },
  publishing: { graceHours: 168, precedence: "file-first", warm: 200 },
  segmented: { extensions: ["mp4"] },
  rateLimiting: false,
  verify: undefined,
  secrets: {
    apiToken: () => new Secret("token"),
    storeKeys: () => undefined,
    edgeStoreKey: () => new Secret("id:key"),
    configSegment: () => new Secret(SEGMENT),
    named: (variable) => new Secret(`value of ${variable}`),
  },
};

/** What is in both buckets, and what happened in which order: config writes and purges. */
export interface World {
  readonly config: Map<string, MemoryObject>;
  readonly hosting: Map<string, MemoryObject>;
  readonly events: string[];
}

export function newWorld(): World {
  return { config: new Map(), hosting: new Map(), events: [] };
}

/** The same buckets, to go on from in another direction. */
export function copyWorld(world: World): World {
  return { config: new Map(world.config), hosting: new Map(world.hosting), events: [] };
}

class WatchedStore extends MemoryStore {
  readonly #events: string[];

  constructor(
    world: World,
    bucket: "config" | "hosting",
    around: { readonly faults: FaultPoint; readonly clock: Clock },
  ) {
    super({ objects: world[bucket], faults: around.faults, now: () => around.clock.now() });
    this.#events = bucket === "config" ? world.events : [];
  }

  override async put(input: Parameters<MemoryStore["put"]>[0]): ReturnType<MemoryStore["put"]> {
    const before = this.objects.get(input.key);
    try {
      return await super.put(input);
    } finally {
      // Also when the answer was lost, but not when another process wrote meanwhile.
      const after = this.objects.get(input.key);
      const isOurs = after !== before && after && isBody(input.body, after.body);
      if (input.key.endsWith(SEGMENT) && isOurs) {
        this.#events.push(`config ${input.key.split("/")[2]}`);
      }
    }
  }

  override async delete(input: Parameters<MemoryStore["delete"]>[0]): ReturnType<MemoryStore["delete"]> {
    const before = this.objects.has(input.key);
    try {
      return await super.delete(input);
    } finally {
      if (input.key.endsWith(SEGMENT) && before && !this.objects.has(input.key)) {
        this.#events.push(`config ${input.key.split("/")[2]}`);
      }
    }
  }
}

function isBody(sent: PutInput["body"], stored: Uint8Array): boolean {
  return !isFileBody(sent) && Buffer.from(sent).equals(stored);
}

/** A process of its own over a world. */
export function openDeps(
  world: World,
  given: { readonly faults?: FaultPoint; readonly signal?: AbortSignal; readonly clock?: Clock } = {},
): PublishDeps & { readonly faults: FaultPoint } {
  const faults = given.faults ?? new FaultPoint();
  const clock = given.clock ?? new InstantClock();
  const purge: PurgeApi = {
    purgeKeys: ({ keys, soft }) =>
      faults.run("purge", () => void world.events.push(`purge${soft ? " soft" : ""} ${keys.join(" ")}`)),
    purgeAll: () => faults.run("purge all", () => void world.events.push("purge everything")),
  };
  return {
    environment,
    store: {
      config: new WatchedStore(world, "config", { faults, clock }),
      hosting: new WatchedStore(world, "hosting", { faults, clock }),
    },
    purge,
    serviceId: () => Promise.resolve("SVC"),
    clock,
    signal: given.signal ?? new AbortController().signal,
    onProgress: () => undefined,
    faults,
  };
}

/** A folder with these files. */
export async function folder(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const dir = await tempDir();
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), content);
  }
  return dir;
}

/** The files but one. */
export function without(
  files: Readonly<Record<string, string>>,
  name: string,
): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(files).filter(([path]) => path !== name));
}

/** Publishes files to the site ACME. */
export async function publish(
  deps: PublishDeps,
  files: Readonly<Record<string, string | Uint8Array>>,
  domains: readonly string[] = [],
): Promise<PublishReport> {
  return publishFolder(deps, { ...ACME, dir: await folder(files), domains });
}

/**
 * How often the config of every domain was purged by each of its keys after it was last written, at least. Its own key
 * alone has to suffice: that is all that it carries where the edge cannot see what it stores.
 */
export function purgesOfConfigs(world: World, ref: SiteRef = ACME): number {
  const written = new Map(world.events.map((event, at) => [/^config (.+)$/.exec(event)?.[1], at] as const));
  const counts = [...written].flatMap(([domain, at]) => {
    if (domain === undefined) return [];
    const purges = world.events.slice(at + 1).map((event) => new Set(event.split(" ").slice(1)));
    return [`c:${ref.site}`, `d:${domain}`].map((key) => purges.filter((keys) => keys.has(key)).length);
  });
  return Math.min(...counts);
}

export function recordOf(world: World, ref: SiteRef = ACME): SiteRecord {
  const key = `test/${ref.siteEnv}/_sites/${ref.site}.json`;
  const found = world.config.get(key);
  if (!found) throw new Error(`no record ${key}`);
  return parseRecord(key, found.body);
}

export function configOf(world: World, domain: string): DomainConfig | undefined {
  const siteEnv = siteEnvOf(domain, environment.hostSuffixes);
  const found = world.config.get(`test/${siteEnv}/${domain}/${SEGMENT}`);
  if (!found) return undefined;
  const decoded = decodeConfig(found.metadata);
  if (decoded.kind === "refused") throw new Error(decoded.reason);
  return decoded.config;
}

/**
 * What a visitor of a domain could read: page keys with bodies, redirects as `-> location`. Found as the edge does it:
 * from the config by the delta list to the object, for every key that there is below any prefix of the site.
 */
export function visible(world: World, domain: string): Record<string, string> | undefined {
  const config = configOf(world, domain);
  if (!config) return undefined;
  if (config.kind === "alias") return { alias: config.canonicalHost };
  const siteEnv = siteEnvOf(domain, environment.hostSuffixes);
  const prefix = `test/${siteEnv}/${config.site}/`;
  const all = [...world.hosting.keys()].filter((key) => key.startsWith(prefix));
  const keys = new Set(all.map((key) => key.slice(prefix.length).replace(/^[^/]*\//, "")));
  return Object.fromEntries(
    [...keys].sort().flatMap((key) => {
      const tag = lookUpDelta(config.delta, deltaHash(encodePath(key), sha256Hex)) ?? config.base;
      const found = world.hosting.get(`${prefix}${tag}/${key}`);
      return found ? [[key, shownAs(found)]] : [];
    }),
  );
}

function shownAs({ body, metadata }: MemoryObject): string {
  const { l: location, c: status } = metadata;
  return location === undefined ? Buffer.from(body).toString() : `-> ${status} ${location}`;
}
