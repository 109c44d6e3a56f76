/**
 * What the app takes from Fastly Compute, as `main.ts` finds it in the `fastly:*` modules and the global scope
 * (developer.fastly.com/documentation/reference/compute/sdks/javascript/js-compute). Another host gives the same: the app
 * itself imports nothing of the platform, so it runs wherever `fetch` exists.
 */
export interface Platform {
  /** `fetch` with Fastly's own options; fails where the backend cannot be reached. */
  readonly fetch: (url: string, init: OriginInit) => Promise<OriginResponse>;
  readonly CacheOverride: new (mode: "override", init: ReadThroughInit) => object;
  readonly ConfigStore: new (name: string) => { get(key: string): string | null };
  readonly SecretStore: new (name: string) => { get(key: string): Promise<Secret | null> };
  readonly Logger: new (endpoint: string) => { log(line: string): void };
  readonly RateCounter: new (name: string) => object;
  readonly PenaltyBox: new (name: string) => { has(entry: string): boolean };
  readonly EdgeRateLimiter: new (
    counter: object,
    box: object,
  ) => {
    checkRate(
      entry: string,
      delta: number,
      window: 1 | 10 | 60,
      limit: number,
      secondsInBox: number,
    ): boolean;
  };
  /** Whether a backend's health check finds it well; `unknown` where it has none (`fastly:backend`). */
  readonly healthOf: (backend: string) => "healthy" | "unhealthy" | "unknown";
  /** Fastly's variables, such as `FASTLY_SERVICE_VERSION` and `FASTLY_POP` (`fastly:env`). */
  readonly env: (name: string) => string | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Where the operator looks when no logging endpoint is known: `console.error`, which `fastly log-tail` shows. */
  readonly stderr: (line: string) => void;
}

export interface Secret {
  plaintext(): string;
}

/** What Fastly's `fetch` is told besides the URL. */
export interface OriginInit {
  readonly method: "GET";
  readonly headers: Headers;
  /** Name of one of the service's backends. */
  readonly backend: string;
  /** In place of the URL's own key. */
  readonly cacheKey: string;
  /** A `CacheOverride`, or `pass` for nothing cached. */
  readonly cacheOverride: object | "pass";
}

/** How an answer is cached (`fastly:cache-override`, ICacheOverride). Times in seconds. */
export interface ReadThroughInit {
  readonly ttl?: number;
  readonly swr?: number;
  readonly staleIfError?: number;
  /** Keys with a blank between them. */
  readonly surrogateKey?: string;
  /** Only where the service has the HTTP cache: runs when the request really goes to the backend. */
  readonly beforeSend?: (request: { readonly headers: Headers }) => Promise<void>;
  /**
   * Only where the service has the HTTP cache: runs before the backend's answer is stored. An error that it throws, other than
   * by a promise, shows what is stale.
   */
  readonly afterSend?: (answer: Candidate) => Promise<Storing> | Storing;
}

/** `uncacheable` also tells the next requests for this key not to wait for one another. */
export interface Storing {
  readonly cache: boolean | "uncacheable";
}

/** A backend's answer before it is stored: what is set here is what later requests get. */
export interface Candidate {
  /** Reads as the backend sent it, also once it was set. */
  status: number;
  readonly headers: Headers;
  ttl: number | undefined;
  swr: number | undefined;
  staleIfError: number | undefined;
  surrogateKeys: string[] | undefined;
  /** Request headers that tell apart what is stored under one key. */
  vary: string[] | undefined;
  /** Whether something stale could be shown in its place. */
  staleIfErrorAvailable(): boolean;
}

/** What `fetch` gives: a response, with what the cache knows of it where the service has the HTTP cache. */
export interface OriginResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly body: ReadableStream<Uint8Array> | null;
  readonly cached?: boolean | undefined;
  readonly stale?: boolean | undefined;
}

/**
 * A visitor's request (`FetchEvent`). No `Request`, because its constructor brings an URL into a spelling of its own and
 * takes not every method.
 */
export interface Visitor {
  /** As sent. A purge by URL is `PURGE` or `FASTLYPURGE`. */
  readonly method: string;
  /** Path and query as sent, without scheme and host; each byte one character. */
  readonly target: string;
  /** As sent, `host` among them. */
  readonly headers: Headers;
  /** IP address. */
  readonly address: string;
  /** Two letters (ISO 3166-1), upper case; empty where it is not known. */
  readonly country: string;
  readonly isTls: boolean;
  /** Fastly's id of the request (`event.client.requestId`). */
  readonly requestId: string;
}
