import { DEBUG_HEADER, DEBUG_PREFIX } from "../../src/site/edge-names.ts";
import { EDGE_SETTINGS_FORMAT, EDGE_SETTINGS_ITEM } from "../../src/site/edge-settings.ts";
import type { EdgeOrigin, EdgeSettings } from "../../src/site/edge-settings.ts";
import { replyTo } from "./app.ts";
import { sha256Hex } from "./lib/digests.ts";
import type {
  Candidate,
  OriginInit,
  OriginResponse,
  Platform,
  ReadThroughInit,
  Visitor,
} from "./platform.ts";

/**
 * Answers made-up requests before there are any. Each request on Fastly begins with the memory in which the engine was left
 * when the package was built, so that what the engine does only once, such as compiling a regular expression or its own
 * functions that are written in JavaScript, is done then or again for every visitor: it was a third of an answer's time.
 * Nothing of it reaches a visitor; the keys, hosts and pages here are no one's.
 */
export async function rehearse(): Promise<void> {
  const sent = { [DEBUG_HEADER]: await sha256Hex(`${DEBUG_PREFIX}${SEGMENT}`) };
  await play(PAGE, { httpCache: false });
  for (const scene of [...SCENES, { ...PAGE, method: "HEAD", sent }]) await play(scene, { httpCache: true });
}

async function play(scene: Scene, service: Pick<EdgeSettings, "httpCache">): Promise<void> {
  const { status } = await replyTo(visitorIn(scene), platformIn(scene, service));
  if (status !== scene.status) throw new Error(`the rehearsal of ${scene.target} ended with ${status}`);
}

/** A request, and what is in S3 for it. */
interface Scene {
  readonly method?: string;
  readonly target: string;
  readonly sent?: Readonly<Record<string, string>>;
  readonly isTls?: boolean;
  /** Metadata by letter; `undefined` where the host is unknown. */
  readonly config: Readonly<Record<string, string>> | undefined;
  /** Headers of objects by the end of their keys. */
  readonly objects: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly status: number;
}

const SEGMENT = "rehearsal";
const HTML = {
  "Content-Type": "text/html; charset=utf-8",
  "Content-Length": "1000",
  "Cache-Control": "public, max-age=60",
  ETag: '"0123456789abcdef"',
  "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT",
  "x-amz-meta-h": "0=X-Frame-Options:DENY|1=!Referrer-Policy",
} as const;
const SITE = { v: "3", s: "rehearsal", r: "1", h: "31536000", n: "p" } as const;
/** SHA-256 of `/`'s key begins otherwise, so that the list names another page. */
const CHANGED = { ...SITE, i: "2", d: "30:AAA=2" } as const;
const RULES = { ...CHANGED, e: ",00000000,", b: "1,0000,", q: "0=!301 /old/* /new/:splat|1=404 /gone /404" };
/** Of no password. */
const AREA = `0=${"0".repeat(32)}:${"0".repeat(64)}:/`;

const PAGE: Scene = {
  target: "/",
  config: SITE,
  objects: { "/index.html": { ...HTML, "x-amz-meta-p": "/" } },
  status: 200,
};
const ABOUT = { "/about.html": { ...HTML, "x-amz-meta-p": "/about" } };
const IMAGE = { "/a.png": { "Content-Type": "image/png", "Content-Length": "1000", ETag: '"0"' } };

const SCENES: readonly Scene[] = [
  PAGE,
  { ...PAGE, target: "/?a=b", isTls: false },
  { ...PAGE, sent: { "If-None-Match": 'W/"0123456789abcdef"' }, status: 304 },
  { ...PAGE, sent: { "If-Modified-Since": "Thu, 01 Jan 2026 00:00:00 GMT" }, status: 304 },
  { ...PAGE, sent: { Range: "bytes=0-" }, status: 206 },
  { ...PAGE, config: { ...SITE, w: AREA }, status: 401 },
  { ...PAGE, config: { ...SITE, w: AREA }, sent: { Authorization: "Basic YTpi" }, status: 401 },
  { ...PAGE, config: undefined, status: 404 },
  { ...PAGE, config: { v: "3", s: "rehearsal", c: "www.example.com" }, status: 301 },
  { target: "/about", config: CHANGED, objects: ABOUT, status: 200 },
  { target: "/about.html", config: CHANGED, objects: ABOUT, status: 308 },
  { target: "/caf%C3%A9/a.png", config: SITE, objects: IMAGE, status: 200 },
  { target: "/old/page", config: RULES, objects: {}, status: 301 },
  { target: "/gone", config: RULES, objects: { "/404.html": HTML }, status: 404 },
  { target: "/missing/page", config: RULES, objects: { "/404.html": HTML }, status: 404 },
  { target: "/missing", config: { ...SITE, n: "s" }, objects: {}, status: 404 },
];

function visitorIn({ method = "GET", target, sent, isTls = true }: Scene): Visitor {
  const headers = new Headers({
    Host: "rehearsal.example",
    Accept: "text/html,*/*;q=0.8",
    "Accept-Encoding": "gzip, br",
    ...sent,
  });
  return { method, target, headers, address: "192.0.2.1", country: "DE", isTls, requestId: "rehearsal" };
}

// ---- the platform --------------------------------------------------------------------------------------------

class Override {
  readonly init: ReadThroughInit;

  constructor(_mode: "override", init: ReadThroughInit) {
    this.init = init;
  }
}

/** Takes what is logged. */
class Silence {
  log(_line: string): void {}
}

/** Rate limiting, which is not tried. */
class Unused {
  constructor() {
    throw new Error("the rehearsal limits no one");
  }

  has(): boolean {
    return false;
  }

  checkRate(): boolean {
    return false;
  }
}

function platformIn(scene: Scene, service: Pick<EdgeSettings, "httpCache">): Platform {
  const settings = JSON.stringify({ ...SETTINGS, ...service } satisfies EdgeSettings);
  return {
    fetch: (url, init) => fetchIn(scene, url, init),
    CacheOverride: Override,
    ConfigStore: class {
      get(key: string): string | null {
        return key === EDGE_SETTINGS_ITEM ? settings : null;
      }
    },
    SecretStore: class {
      async get(key: string) {
        return { plaintext: () => SECRETS.get(key) ?? "" };
      }
    },
    Logger: Silence,
    RateCounter: Unused,
    PenaltyBox: Unused,
    EdgeRateLimiter: Unused,
    healthOf: () => "unknown",
    env: () => "0",
    now: () => Date.UTC(2026, 0, 1),
    stderr: () => undefined,
  };
}

const SECRETS: ReadonlyMap<string, string> = new Map([
  ["config_s3_key", "REHEARSAL:config"],
  ["hosting_s3_key", "REHEARSAL:hosting"],
  ["config_segment", SEGMENT],
]);

function originIn(bucket: EdgeOrigin["bucket"]): EdgeOrigin {
  const host = `${bucket}.rehearsal.example`;
  return { backend: bucket, bucket, isSecond: false, region: "none", host, tls: true, prefix: "" };
}

const SETTINGS: EdgeSettings = {
  format: EDGE_SETTINGS_FORMAT,
  environment: "rehearsal",
  revision: "rehearsal",
  hostSuffixes: [{ suffix: ".staging.example", siteEnv: "staging" }],
  publicPorts: { http: 80, https: 443 },
  hsts: true,
  tlsRedirectStatus: 301,
  ttl: { config: 1, unknownDomain: 1, page: 1, notFound: 1, staleIfError: 1 },
  segmentedExtensions: ["mp4"],
  rateLimiting: false,
  logEndpoint: "rehearsal",
  httpCache: true,
  origins: [originIn("config"), originIn("hosting")],
};

/** A miss, with what the app wants to do on the way. */
async function fetchIn(scene: Scene, url: string, init: OriginInit): Promise<OriginResponse> {
  const hooks = init.cacheOverride instanceof Override ? init.cacheOverride.init : {};
  await hooks.beforeSend?.(init);
  const found = objectAt(scene, new URL(url));
  const headers = new Headers(found);
  const candidate: Candidate = {
    status: found === undefined ? 404 : 200,
    headers,
    ttl: undefined,
    swr: undefined,
    staleIfError: undefined,
    surrogateKeys: undefined,
    vary: undefined,
    staleIfErrorAvailable: () => false,
  };
  await hooks.afterSend?.(candidate);
  return { status: candidate.status, headers, body: null, cached: false, stale: false };
}

function objectAt({ config, objects }: Scene, url: URL): Readonly<Record<string, string>> | undefined {
  if (url.host.startsWith("hosting")) {
    return Object.entries(objects).find(([key]) => url.pathname.endsWith(key))?.[1];
  }
  const letters = Object.entries(config ?? {});
  const metadata = letters.map(([letter, value]) => [`x-amz-meta-${letter}`, value] as const);
  return config && Object.fromEntries(metadata);
}
