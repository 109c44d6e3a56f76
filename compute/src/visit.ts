import type { EdgeSettings } from "../../src/site/edge-settings.ts";
import type { Platform, Visitor } from "./platform.ts";

/** One visitor's request on its way through the features; each fills in what the later ones read. */
export interface Visit {
  readonly platform: Platform;
  readonly settings: EdgeSettings;
  readonly secrets: Secrets;
  readonly visitor: Visitor;
  /** Seconds since 1970 at which the request came: one time for all decisions. */
  readonly now: number;
  readonly method: string;
  /** Headers that a client may send, without those that only this service or Fastly may; see edge-gate. */
  readonly headers: Headers;
  /** Whether the debug token was sent: version-marker, probe. */
  isTrusted: boolean;
  /** `user:password` in base64 as sent; passwords. */
  credentials: string | undefined;
  /** What the walk has come to, as the log tells it: the names that VCL's `SF-Phase` has. */
  phase: Phase;
  /** Path in its one spelling, percent-encoded; path-hygiene. A rule that shows another page puts that page's here. */
  path: string;
  /** `?` and the query as sent, or empty. */
  query: string;
  /** The path that was asked for, where a rule has put another one into `path`. */
  asked: string | undefined;
  /** Lower case, without port and trailing dot; config-lookup. */
  host: string;
  siteEnv: string;
  site: string;
  base: string | undefined;
  /** The release that is shown, where it is not the base release itself. */
  release: string | undefined;
  /** Config metadata by letter (`CONFIG_METADATA`): as written, each field checked by the feature that reads it. */
  config: ReadonlyMap<string, string>;
  /** Page key behind a slash; page-lookup. */
  key: string;
  /** Status that a rule wants for what is shown; pattern-redirects. */
  status: string | undefined;
  /** Whether what is shown lies behind a password, and in the area of which prefix. */
  isPrivate: boolean;
  area: string | undefined;
  /** A certificate's challenge, which was let in without password or country. */
  isExempt: boolean;
  /** Whether a 404 page was asked for by its own address. */
  isNotFoundPage: boolean;
  /** Region that this request has come to, once the first one failed. */
  region: "first" | "second";
  /** What is told of the config to who knows the debug token; probe. */
  configSeen: Seen | undefined;
}

/** As read from the Secret Store: `id:secret` twice, and the last segment of configs' keys. */
export interface Secrets {
  readonly config_s3_key: string;
  readonly hosting_s3_key: string;
  readonly config_segment: string;
}

/** Surrogate keys and cache state of something that was read. */
export interface Seen {
  readonly keys: string;
  readonly state: CacheState;
}

/** Whether it came out of the cache, as `fastly_info.state` begins in VCL; `NONE` is made at the edge itself. */
export type CacheState = "HIT" | "HIT-STALE" | "MISS" | "PASS" | "NONE";

export type Phase =
  | ""
  | "config"
  | "unknown-host"
  | "unusable-config"
  | "redirect"
  | "suspended"
  | "expired"
  | "outside-eu"
  | "unauthorized"
  | "too-many-guesses"
  | "rules"
  | "page"
  | "rewrite"
  | "spa"
  | "not-found"
  | "not-found-page"
  | "trouble";

/** An answer before the headers that every answer gets. */
export interface Answer {
  status: number;
  readonly headers: Headers;
  body: ReadableStream<Uint8Array> | string | null;
  /** Where it is from: `NONE` for what the edge made. */
  state: CacheState;
  /** Lower-case names that the page wants no default of; packed-headers. */
  without: ReadonlySet<string>;
  /** Surrogate keys of what was read. */
  keys: string;
}

/** What a feature decides: an answer ends the walk. */
export type Decision = Answer | undefined;
