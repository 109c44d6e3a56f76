import { createHash } from "node:crypto";
import { answerVisitor } from "../../../compute/src/app.ts";
import type {
  Candidate,
  OriginInit,
  OriginResponse,
  Platform,
  ReadThroughInit,
  Storing,
  Visitor,
} from "../../../compute/src/platform.ts";
import { EDGE_STORES } from "../../../src/site/edge-settings.ts";
import type { EdgeSettings } from "../../../src/site/edge-settings.ts";

/** An object of a bucket. Metadata by letter. */
export interface StoredFile {
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly meta?: Readonly<Record<string, string>>;
}

interface Kept {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly keys: readonly string[];
  readonly until: number;
  readonly staleUntil: number;
}

export const SEGMENT = "0123456789abcdef";
export const TOKEN = createHash("sha256").update(`sitefleet-debug:${SEGMENT}`).digest("hex");
export const START = Date.UTC(2026, 0, 2, 3, 4, 5);

export const SETTINGS: EdgeSettings = {
  format: 1,
  environment: "test",
  revision: "abc123",
  hostSuffixes: [{ suffix: ".staging.example", siteEnv: "staging" }],
  publicPorts: { http: 80, https: 443 },
  hsts: true,
  tlsRedirectStatus: 301,
  ttl: { config: 3_600, unknownDomain: 60, page: 86_400, notFound: 120, staleIfError: 600 },
  segmentedExtensions: [],
  rateLimiting: false,
  logEndpoint: "sitefleet",
  httpCache: true,
  origins: [
    {
      backend: "F_config",
      bucket: "config",
      isSecond: false,
      region: "eu-1",
      host: "config.s3",
      tls: true,
      prefix: "",
    },
    {
      backend: "F_hosting",
      bucket: "hosting",
      isSecond: false,
      region: "eu-1",
      host: "s3.test",
      tls: true,
      prefix: "/pages",
    },
  ],
};

/** Both buckets of both regions. */
export const TWO_REGIONS: EdgeSettings = {
  ...SETTINGS,
  origins: [
    ...SETTINGS.origins,
    ...SETTINGS.origins.map((origin) => ({
      ...origin,
      backend: `${origin.backend}_second`,
      host: `second.${origin.host}`,
      isSecond: true,
      region: "us-1",
    })),
  ],
};

/** What an origin does besides answering with what it has. */
type Mood = "well" | "refuses" | number;

/** One POP with its cache, its stores and the buckets behind it, driven by the test. */
export class Edge {
  now = START;
  readonly objects = new Map<string, StoredFile>();
  /** By backend. */
  readonly moods = new Map<string, Mood>();
  readonly health = new Map<string, "healthy" | "unhealthy" | "unknown">();
  readonly lines: string[] = [];
  readonly stderr: string[] = [];
  /** `<backend> <path>` of what really was asked for. */
  readonly asked: string[] = [];
  readonly requests: { readonly backend: string; readonly path: string; readonly headers: Headers }[] = [];
  readonly cache = new Map<string, Kept>();
  readonly secrets = new Map([
    ["config_s3_key", "CONFIGID:config-secret"],
    ["hosting_s3_key", "HOSTINGID:hosting:secret"],
    ["config_segment", SEGMENT],
  ]);
  settings: string;
  /** Settings of single versions, by the item's name. */
  readonly versionSettings = new Map<string, string>();
  readonly guesses = new Map<string, number>();
  readonly listed = new Set<string>();
  /** Streams that were given up or read to their end. */
  cancelled = 0;

  constructor(settings: EdgeSettings = SETTINGS) {
    this.settings = JSON.stringify(settings);
  }

  /** A host's config and what its release 1 holds, by page key. */
  site(
    config: Readonly<Record<string, string>> = {},
    pages: Readonly<Record<string, StoredFile>> = {},
    host = "www.example",
  ): this {
    const siteEnv = host.endsWith(".staging.example") ? "staging" : "production";
    const meta = { v: "3", s: "blog", r: "1", ...config };
    this.objects.set(`/test/${siteEnv}/${host}/${SEGMENT}`, { meta });
    for (const [key, file] of Object.entries(pages)) {
      const place = key.includes("//") ? key.replace("//", "/") : `1/${key}`;
      this.objects.set(`/pages/test/${siteEnv}/blog/${place}`, file);
    }
    return this;
  }

  get(path: string, more: Partial<Omit<Visitor, "headers">> & { headers?: Record<string, string> } = {}) {
    const { headers, ...rest } = more;
    const visitor: Visitor = {
      method: "GET",
      target: path,
      address: "192.0.2.1",
      country: "DE",
      isTls: true,
      requestId: "req-1",
      ...rest,
      headers: new Headers({ Host: "www.example", ...headers }),
    };
    return answerVisitor(visitor, this.platform());
  }

  /** The last line of the log, and alarms. */
  log(): Record<string, unknown> {
    return JSON.parse(this.lines.at(-1) ?? "{}");
  }

  alarms(): readonly Record<string, unknown>[] {
    return this.lines
      .map((line): Record<string, unknown> => JSON.parse(line))
      .filter((line) => "alarm" in line);
  }

  purge(key: string): void {
    for (const [name, kept] of this.cache) if (kept.keys.includes(key)) this.cache.delete(name);
  }

  platform(): Platform {
    return platformOf(this);
  }

  private hasHttpCache(): boolean {
    return !this.settings.includes('"httpCache":false');
  }

  async fetch(url: string, init: OriginInit): Promise<OriginResponse> {
    if (init.cacheOverride === "pass") return this.respond(await this.origin(url, init));
    const kept = this.cache.get(init.cacheKey);
    if (kept && kept.until > this.now) {
      // Without the HTTP cache a program learns of a hit by a header only.
      return this.hasHttpCache()
        ? this.respond(kept, { cached: true, stale: false })
        : this.respond({ ...kept, headers: withHit(kept.headers) });
    }
    const { init: override } = init.cacheOverride as { init: ReadThroughInit };
    try {
      return await this.fetchAndKeep(url, init, override);
    } catch (error) {
      if (!(error instanceof Breakdown) && kept && kept.staleUntil > this.now)
        return this.respond(kept, { cached: true, stale: true });
      throw error;
    }
  }

  private async fetchAndKeep(
    url: string,
    init: OriginInit,
    override: ReadThroughInit,
  ): Promise<OriginResponse> {
    await override.beforeSend?.(init);
    const kept = this.cache.get(init.cacheKey);
    const arrived = await this.origin(url, init);
    let written = arrived.status;
    const candidate: Candidate = {
      // As js-compute has it: what is set goes into the cache, and is not read again from the candidate.
      get status() {
        return arrived.status;
      },
      set status(status: number) {
        written = status;
      },
      headers: arrived.headers,
      ttl: override.ttl,
      swr: undefined,
      staleIfError: 0,
      surrogateKeys: override.surrogateKey?.split(" "),
      vary: undefined,
      staleIfErrorAvailable: () => kept !== undefined && kept.staleUntil > this.now,
    };
    const isStored = override.afterSend ? (await said(override.afterSend(candidate))).cache === true : true;
    const until = this.now + (candidate.ttl ?? 0) * 1_000;
    const now: Kept = {
      status: isStored ? written : arrived.status,
      headers: candidate.headers,
      body: arrived.body,
      keys: candidate.surrogateKeys ?? [],
      until,
      staleUntil: until + (candidate.staleIfError ?? 0) * 1_000,
    };
    if (isStored) this.cache.set(init.cacheKey, now);
    return this.respond(now, override.afterSend ? { cached: false, stale: false } : {});
  }

  private respond(
    { status, headers, body }: Pick<Kept, "status" | "headers" | "body">,
    known: { readonly cached?: boolean; readonly stale?: boolean } = {},
  ): OriginResponse {
    const chunks = Array.from({ length: Math.ceil(body.length / 1_000) }, (_, at) =>
      body.slice(at * 1_000, (at + 1) * 1_000),
    );
    const stream = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        const next = chunks.shift();
        if (next) controller.enqueue(next);
        else controller.close();
      },
      cancel: () => void (this.cancelled += 1),
    });
    return { status, headers: new Headers(headers), body: stream, ...known };
  }

  private async origin(
    url: string,
    { backend, headers }: OriginInit,
  ): Promise<{ status: number; headers: Headers; body: Uint8Array<ArrayBuffer> }> {
    const path = url.replace(/^https?:\/\/[^/]+/, "");
    this.asked.push(`${backend} ${path}`);
    this.requests.push({ backend, path, headers: new Headers(headers) });
    const mood = this.moods.get(backend) ?? "well";
    if (mood === "refuses") throw new Error("connection refused");
    if (mood !== "well") return { status: mood, headers: new Headers(), body: bytes("<Error/>") };
    const file = this.objects.get(path);
    if (!file)
      return {
        status: 404,
        headers: new Headers({ "Content-Type": "application/xml" }),
        body: bytes("<Error/>"),
      };
    return fileAnswer(file, headers.get("range"));
  }
}

/** js-compute traps where the promise of a hook is rejected while something stale could be shown. */
class Breakdown extends Error {}

async function said(storing: Promise<Storing> | Storing): Promise<Storing> {
  try {
    return await storing;
  } catch (error) {
    throw new Breakdown("the promise of a hook was rejected", { cause: error });
  }
}

function bytes(content: string | Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return typeof content === "string" ? new TextEncoder().encode(content) : content;
}

function fileAnswer(file: StoredFile, range: string | null) {
  const body = bytes(file.body ?? "");
  const headers = new Headers({
    "Content-Type": "text/html; charset=utf-8",
    ETag: `"${createHash("md5").update(body).digest("hex")}"`,
    "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT",
    "Content-Length": String(body.length),
    Server: "AmazonS3",
    "Set-Cookie": "a=b",
    "X-Amz-Request-Id": "secret",
    "X-Compress-Hint": "on",
    ...file.headers,
  });
  for (const [letter, value] of Object.entries(file.meta ?? {})) headers.set(`x-amz-meta-${letter}`, value);
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range ?? "") ?? [];
  if (first === undefined) return { status: 200, headers, body };
  if (Number(first) >= body.length) return { status: 416, headers: new Headers(), body: bytes("<Error/>") };
  const end = Math.min(Number(last) + 1, body.length);
  headers.set("Content-Range", `bytes ${first}-${end - 1}/${headers.get("x-size") ?? body.length}`);
  headers.set("Content-Length", String(end - Number(first)));
  return { status: 206, headers, body: body.slice(Number(first), end) };
}

function withHit(headers: Headers): Headers {
  const told = new Headers(headers);
  told.set("X-Cache", "HIT");
  return told;
}

function platformOf(edge: Edge): Platform {
  return {
    fetch: (url, init) => edge.fetch(url, init),
    CacheOverride: class {
      readonly init: ReadThroughInit;
      constructor(_mode: "override", init: ReadThroughInit) {
        this.init = init;
      }
    },
    ConfigStore: class {
      constructor(name: string) {
        if (name !== EDGE_STORES.settings) throw new Error(`no config store "${name}"`);
      }
      get(key: string): string | null {
        const own = edge.versionSettings.get(key);
        if (own !== undefined) return own;
        return key === "settings" && edge.settings !== "none" ? edge.settings : null;
      }
    },
    SecretStore: class {
      async get(key: string) {
        const value = edge.secrets.get(key);
        return value === undefined ? null : { plaintext: () => value };
      }
    },
    Logger: class {
      constructor(endpoint: string) {
        if (endpoint !== "sitefleet") throw new Error(`no endpoint "${endpoint}"`);
      }
      log(line: string): void {
        edge.lines.push(line);
      }
    },
    RateCounter: class {
      readonly name: string;
      constructor(name: string) {
        this.name = name;
      }
    },
    PenaltyBox: class {
      has = (entry: string): boolean => edge.listed.has(entry);
    },
    EdgeRateLimiter: class {
      checkRate(entry: string, delta: number, window: number, limit: number): boolean {
        const count = (edge.guesses.get(entry) ?? 0) + delta;
        edge.guesses.set(entry, count);
        if (count / window < limit) return false;
        edge.listed.add(entry);
        return true;
      }
    },
    healthOf: (backend) => edge.health.get(backend) ?? "unknown",
    env: (name) => (name === "FASTLY_SERVICE_VERSION" ? "7" : undefined),
    now: () => edge.now,
    stderr: (line) => void edge.stderr.push(line),
  };
}
