/**
 * What the Compute app must know of a server environment, as one item of a Config Store: one package serves every customer,
 * and one item cannot be read half-updated. A deploy writes it, the app reads it. VCL has the same as constants.
 */
export interface EdgeSettings {
  /** Of this very form; the app refuses any other. */
  readonly format: typeof EDGE_SETTINGS_FORMAT;
  /** Name of the server environment: first segment of every key in S3. */
  readonly environment: string;
  /** Of the package and this item, told to who knows the debug token. */
  readonly revision: string;
  /** Longest suffix first. */
  readonly hostSuffixes: readonly { readonly suffix: string; readonly siteEnv: string }[];
  readonly publicPorts: { readonly http: number; readonly https: number };
  readonly hsts: boolean;
  readonly tlsRedirectStatus: 301 | 308;
  /** Seconds. */
  readonly ttl: {
    readonly config: number;
    readonly unknownDomain: number;
    readonly page: number;
    readonly notFound: number;
    readonly staleIfError: number;
  };
  readonly segmentedExtensions: readonly string[];
  readonly rateLimiting: boolean;
  /** Name of the logging endpoint. */
  readonly logEndpoint: string;
  /** Whether the service has Fastly's HTTP cache, without which an answer cannot be looked at before it is stored. */
  readonly httpCache: boolean;
  /** Both buckets, then both of the second region where there is one. */
  readonly origins: readonly EdgeOrigin[];
}

export interface EdgeOrigin {
  /** Name of the backend. */
  readonly backend: string;
  readonly bucket: "config" | "hosting";
  readonly isSecond: boolean;
  /** Region that requests are signed for. */
  readonly region: string;
  /** Host header that is sent and signed. */
  readonly host: string;
  readonly tls: boolean;
  /** Path before the key: the bucket in path style, else empty. */
  readonly prefix: string;
}

export const EDGE_SETTINGS_FORMAT = 1;

/** Bytes of a Config Store's value (docs.fastly.com: /products/compute-resource-limits, "8000-character values"). */
export const EDGE_SETTINGS_LIMIT = 8_000;

/** Names by which the app opens its stores: the links' names, the same in every service. */
export const EDGE_STORES = {
  /** Config Store. */
  settings: "sitefleet_settings",
  /** Secret Store with `config_s3_key`, `hosting_s3_key` (each `id:secret`) and `config_segment`. */
  secrets: "sitefleet_private",
} as const;

/** The Config Store's item for versions that have none of their own, as those that somebody clones by hand. */
export const EDGE_SETTINGS_ITEM = "settings";

/** The item of one version of the service: it goes live with that version, and comes back with it. */
export function edgeSettingsItem(version: number | string): string {
  return `${EDGE_SETTINGS_ITEM}-${version}`;
}
