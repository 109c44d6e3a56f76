/** Which cache an answer is wanted from: the nearest one, or the shield behind it. */
export type ProbeHop = "edge" | "shield";

/** A page of a host as a visitor would ask for it. */
export interface EdgePage {
  readonly host: string;
  /** Encoded path with its leading slash. */
  readonly path: string;
  /** Over TLS: a domain that forces it answers nothing else with its pages. */
  readonly tls: boolean;
  readonly signal: AbortSignal;
}

/** What the edge says of itself to who knows the debug token. */
export interface EdgeSighting {
  readonly status: number;
  /** Release that the host's config names; `undefined` = the edge did not say, or no site was found. */
  readonly release: string | undefined;
  /** Surrogate keys of the object that answered; none where the edge made the answer itself. */
  readonly keys: readonly string[];
  /** Surrogate keys of the host's config. */
  readonly configKeys: readonly string[];
  /** Hex SHA-256 of the body as it is stored; `undefined` for one that is too large, or encoded on the way. */
  readonly bodyHash: string | undefined;
}

/**
 * How publishing looks at the edge. Both throw when no answer comes; an answer of whatever status is one.
 */
export interface EdgeProbe {
  /** Caches that can be asked. */
  readonly hops: readonly ProbeHop[];
  /** Whether it can be asked with and without TLS. */
  readonly schemes: { readonly http: boolean; readonly https: boolean };
  /** Asks as who knows the debug token. */
  look(page: EdgePage & { readonly hop: ProbeHop }): Promise<EdgeSighting>;
  /** Asks as a visitor's browser and reads the whole answer, so that caches keep it. */
  visit(page: EdgePage & { readonly encoding: "br" | "gzip" }): Promise<EdgeVisit>;
}

/** What a visitor was answered with. */
export interface EdgeVisit {
  readonly status: number;
  /** Fastly's own answer for a host that no service has. */
  readonly unknownDomain?: boolean;
}
