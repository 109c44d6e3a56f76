import type { CONFIG_METADATA } from "../../src/site/metadata.ts";
import type { EdgeSettings } from "../../src/site/edge-settings.ts";
import type { Platform, Visitor } from "./platform.ts";

/** One visitor's request on its way through the features; each fills in what the later ones read. */
export interface Visit {
  readonly platform: Platform;
  readonly settings: EdgeSettings;
  readonly secrets: Secrets;
  readonly visitor: Visitor;
  /** Milliseconds since 1970 at which the request came: one time for all decisions. */
  readonly start: number;
  /** Of what the client sent, those that are read at all: edge-gate. */
  readonly headers: ReadonlyMap<string, string>;
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
  /** Empty until a config has said it. */
  site: string;
  base: string | undefined;
  /** The release that is shown, where it is not the base release itself. */
  release: string | undefined;
  /** As written: each field is checked by the feature that reads it. */
  config: ConfigFields;
  /** Page key behind a slash; page-lookup. */
  key: string;
  /** Status that a rule wants for what is shown; pattern-redirects. */
  status: number;
  /** Whether the visitor's conditions and range apply to what is shown; page-lookup. */
  isConditional: boolean;
  /** Whether what is shown lies behind a password, and in the area of which prefix. */
  isPrivate: boolean;
  area: string | undefined;
  /** A certificate's challenge, which was let in without password or country. */
  isExempt: boolean;
  /** Whether a 404 page was asked for by its own address. */
  isNotFoundPage: boolean;
  /** Region that this request has come to, once the first one failed. */
  region: "first" | "second";
  /** Config as it was read, for who knows the debug token; probe. */
  configSeen: Seen | undefined;
}

/** Metadata of a config object by what it says. */
export type ConfigFields = { readonly [F in keyof typeof CONFIG_METADATA]?: string };

/** As read from the Secret Store: key pairs, each `id:secret`, and the last segment of configs' keys. */
export interface Secrets {
  readonly config: KeyPair;
  readonly hosting: KeyPair;
  readonly segment: string;
}

export interface KeyPair {
  readonly id: string;
  readonly secret: string;
}

/** Which of the buckets' objects: rules are in the config bucket. */
export type Bucket = "config" | "hosting" | "rules";

/** An object as VCL would name it: its URL begins with a slash and the server environment. */
export interface Place {
  readonly bucket: Bucket;
  readonly url: string;
}

/** Surrogate keys and cache state of something that was read. */
export interface Seen {
  readonly keys: string;
  readonly state: CacheState;
}

/**
 * Whether it came out of the cache, as `fastly_info.state` begins in VCL; what is made at the edge itself is `HIT-SYNTH`, or
 * from status 400 on `ERROR`.
 */
export type CacheState = "HIT" | "HIT-STALE" | "MISS" | "PASS" | "HIT-SYNTH" | "ERROR";

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
  readonly body: Body;
  /** Where it is from. */
  readonly state: CacheState;
  /** Lower-case names that the page wants no default of; packed-headers. */
  readonly without: ReadonlySet<string>;
  /** What of the buckets is shown; nothing for what the edge made. */
  readonly place: Place | undefined;
  /** Whether the platform compresses it for this visitor, if it goes out whole; compression. */
  readonly isEncoded: boolean;
}

/** Bytes of an answer. */
export type Body =
  | { readonly kind: "text"; readonly text: string }
  | {
      readonly kind: "stream";
      readonly stream: ReadableStream<Uint8Array> | null;
      readonly length: number | undefined;
    }
  /** Too large for the cache: asked for when it is known what is wanted of it; segmented-caching. */
  | {
      readonly kind: "remote";
      readonly length: number;
      readonly open: (range: ByteRange | undefined) => Promise<ReadableStream<Uint8Array> | null>;
    };

/** `[start, end)` in bytes. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** What a feature decides: an answer ends the walk. */
export type Decision = Answer | undefined;
