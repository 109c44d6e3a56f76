import type { HeaderList } from "../http/header-list.ts";
import type { Diagnostic } from "./diagnostics.ts";
import type { Span } from "./source.ts";

/**
 * What VCL and the edge know of each other. The edge builds a `Transaction` for one node's view of one request and
 * runs the program state by state; the program reads and writes the transaction and answers with an `Action`.
 * Strings are byte strings (latin1); `null` is NOT SET. Times are seconds since the epoch, durations seconds.
 */

/** The subroutines Fastly calls (reference/vcl/subroutines). */
export type VclState = "recv" | "hash" | "hit" | "miss" | "pass" | "fetch" | "error" | "deliver" | "log";

/** How a state ended. `error` carries what the statement gave. */
export type Action =
  | {
      readonly do:
        | "lookup"
        | "pass"
        | "hash"
        | "deliver"
        | "fetch"
        | "deliver_stale"
        | "hit_for_pass"
        | "upgrade"
        | "restart";
    }
  | { readonly do: "error"; readonly status: number; readonly reason: string | null };

/** A `backend` declaration after checking; durations in seconds, as many as Fastly documents (reference/vcl/declarations/backend). */
export interface BackendSpec {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly ssl: boolean;
  readonly sslCheckCert: boolean;
  readonly sslCertHostname: string | null;
  readonly sslSniHostname: string | null;
  /** With `alwaysUseHostHeader`, what `.host_header` replaces the Host with on its way out. */
  readonly hostHeader: string | null;
  readonly alwaysUseHostHeader: boolean;
  readonly connectTimeout: number;
  readonly firstByteTimeout: number;
  readonly betweenBytesTimeout: number;
  readonly maxConnections: number;
  readonly shareKey: string | null;
  readonly probe: ProbeSpec | null;
}

export interface ProbeSpec {
  /** The raw request line and headers. */
  readonly request: string;
  readonly expectedResponse: number;
  readonly interval: number;
  readonly timeout: number;
  readonly window: number;
  readonly threshold: number;
  readonly initial: number;
  /** `.dummy = true`: always healthy, nothing is sent. */
  readonly dummy: boolean;
}

/** A `director` declaration after checking. A shield director names a POP instead of backends. */
export interface DirectorSpec {
  readonly name: string;
  readonly type: "random" | "fallback" | "hash" | "client" | "chash" | "shield";
  /** POP code of a shield director (`.shield = "iad-va-us"`), else `null`. */
  readonly shield: string | null;
  readonly quorumPercent: number;
  readonly retries: number | null;
  readonly members: readonly {
    readonly backend: string;
    readonly weight: number;
    readonly id: string | null;
  }[];
}

/** A value of type BACKEND: a backend or a director. Compared by identity. */
export type BackendRef =
  | { readonly kind: "backend"; readonly spec: BackendSpec }
  | { readonly kind: "director"; readonly spec: DirectorSpec };

/** `table` declarations and dictionaries; keys compare exactly. A dictionary's items change while the program lives. */
export interface LiveTable {
  get(key: string): string | undefined;
  has(key: string): boolean;
}

export interface RequestMessage {
  method: string;
  url: string;
  /** `HTTP/1.1` and the like. */
  proto: string;
  headers: HeaderList;
}

export interface ResponseMessage {
  status: number;
  reason: string;
  proto: string;
  headers: HeaderList;
}

/** `beresp`: what came from the origin and what vcl_fetch decides about it. */
export interface BackendResponse extends ResponseMessage {
  ttl: number;
  staleIfError: number;
  staleWhileRevalidate: number;
  cacheable: boolean;
  gzip: boolean;
  brotli: boolean;
  esi: boolean;
  stream: boolean;
  pci: boolean;
  saintmode: number;
  /** `beresp.backend.name`, ip and port; `null` when the answer came from a shield's cache or nowhere. */
  readonly backend: { readonly name: string; readonly ip: string | null; readonly port: number | null };
}

/** `obj`: the cached object in hit, deliver and log, and the synthetic one in error. */
export interface CachedObject extends ResponseMessage {
  ttl: number;
  staleIfError: number;
  readonly staleWhileRevalidate: number;
  readonly cacheable: boolean;
  readonly hits: number;
  /** Seconds. */
  readonly age: number;
  readonly lastUse: number;
  readonly entered: number;
}

export interface ClientInfo {
  readonly ip: string;
  readonly port: number;
  readonly requests: number;
  /** Geographic data by variable name after `client.geo.`; missing names read as not set. */
  readonly geo: ReadonlyMap<string, string | number>;
}

/** A value of a fixture; RTIME in seconds, TIME in seconds since the epoch, strings as bytes. */
export type FactValue = string | number | boolean;

/** What VCL asked for the client's connection. One object serves all nodes and restarts of a request. */
export interface ClientEffects {
  /** `h3.alt_svc()` was called: the answer offers HTTP/3. */
  altSvc: boolean;
  /** `resp.tarpit(...)`: how slowly a small answer is to go out; `null` = at once. */
  tarpit: { readonly intervalSeconds: number; readonly chunkBytes: number } | null;
  /** Knobs of sockets and protocols that VCL set, by variable name. They are remembered and change nothing. */
  readonly settings: Map<string, FactValue>;
}

export interface ServerInfo {
  readonly hostname: string;
  readonly identity: string;
  readonly ip: string;
  readonly port: number;
  /** POP code such as `LHR`. */
  readonly datacenter: string;
  readonly region: string;
  readonly pop: string;
}

export interface TlsInfo {
  readonly protocol: string;
  readonly cipher: string;
  readonly servername: string | null;
}

/** Body that `synthetic` or `synthetic.base64` made; bytes as latin1. */
export interface SyntheticBody {
  content: string;
}

/** What the program may ask of the edge while it runs. */
export interface EdgeHost {
  isHealthy(backend: BackendRef): boolean;
  /**
   * Whether this request already went through the shield that the director names
   * (reference/vcl/functions/miscellaneous/fastly-try-select-shield).
   */
  hasVisitedShield(shield: DirectorSpec): boolean;
  /** `fastly.ff.last_hop_was_serviceid`; missing = no request comes from another service. */
  wasLastHop?(serviceId: string): boolean;
  /** Connections to a backend: all that are open, and those with a request on them; missing = none. */
  connectionsTo?(backend: BackendRef): { readonly open: number; readonly used: number };
  /** `early_hints`: header lines for a 103 at once; only called where the client speaks HTTP/2 or later. */
  sendEarlyHints?(lines: readonly string[]): void;
  /** One `log` statement's line. */
  log(line: string): void;
  /** Uniform in [0, 1), for `randombool` and its family. */
  random(): number;
  /** The counters and boxes of this service at this POP. */
  readonly rates: RateLimits;
  /** Every statement run, and every condition of an `if` with its outcome, when somebody wants a trace. */
  readonly onStatement?: (span: Span, held?: boolean) => void;
}

/**
 * `ratecounter` and `penaltybox` declarations at work, by their names. The service and the POP they belong to are the
 * edge's business, as is how many entries they hold.
 */
export interface RateLimits {
  increment(counter: string, entry: string, delta: number): void;
  /** Increments of an entry in the last so many seconds, the present one included. */
  count(counter: string, entry: string, seconds: number): number;
  /** Puts an entry into a box for so many minutes. */
  penalise(box: string, entry: string, minutes: number): void;
  isPenalised(box: string, entry: string): boolean;
}

/** One node's view of one request: the delivery node and the fetch node each have their own. */
export interface Transaction {
  state: VclState;
  readonly host: EdgeHost;
  readonly serviceId: string;
  readonly serviceVersion: number;
  /** `req.vcl.generation`: grows with each purge-all. */
  readonly generation: number;
  /** `req.xid`. */
  readonly xid: string;
  req: RequestMessage;
  /** The Host the client sent, whatever became of `req.http.host` (`fastly_info.host_header`). */
  readonly originalHost: string | null;
  bereq: RequestMessage | null;
  beresp: BackendResponse | null;
  obj: CachedObject | null;
  resp: ResponseMessage | null;
  synthetic: SyntheticBody | null;
  /** `req.backend`. */
  backend: BackendRef | null;
  /** `req.hash` as a byte string, appended to in vcl_hash. */
  hash: string;
  restarts: number;
  /** `fastly.ff.visits_this_service`. */
  readonly visitsThisService: number;
  readonly visitsThisPop: number;
  hashAlwaysMiss: boolean;
  hashIgnoreBusy: boolean;
  enableRangeOnPass: boolean;
  enableSegmentedCaching: boolean;
  /** `req.max_stale_if_error` / `req.max_stale_while_revalidate` in seconds; `null` = no bound set. */
  maxStaleIfError: number | null;
  maxStaleWhileRevalidate: number | null;
  esi: boolean;
  esiLevel: number;
  /** `req.topurl` of a part of another page: that page's URL; missing = the request's own. */
  readonly topUrl?: string;
  isPurge: boolean;
  /** `stale.exists`. */
  staleExists: boolean;
  /** `fastly_info.state`, e.g. `HIT-CLUSTER`, `MISS`, `PASS`, `ERROR`. */
  cacheState: string;
  isLocallyGenerated: boolean;
  readonly client: ClientInfo;
  readonly server: ServerInfo;
  /** `null` on plain HTTP. On the shield: the connection between POPs. */
  readonly tls: TlsInfo | null;
  /** `fastly_info.edge.is_tls`: whether the visitor's connection to the first POP is TLS. */
  readonly edgeIsTls: boolean;
  readonly isClusterEdge: boolean;
  readonly isClusterShield: boolean;
  readonly isOriginShield: boolean;
  /** Seconds since the epoch, fixed while one state runs; the edge refreshes it between states. */
  now: number;
  /** Seconds since the epoch at which the request arrived (`time.start`). */
  readonly start: number;
  /** Seconds to the first byte of the answer, when known (`time.to_first_byte`). */
  timeToFirstByte: number | null;
  /** `resp.body_bytes_written` and friends in vcl_log. */
  bodyBytesWritten: number;
  headerBytesWritten: number;
  requestBodyBytes: number;
  /** `fastly.error`: code of the last function that failed softly; `null` = none. */
  vclError: string | null;
  /** What the request has used of its workspace, in bytes (research of the cost model is in docs). */
  workspaceUsed: number;
  /** Captures of the last match in the running subroutine; the compiled program owns it. */
  captures: readonly (string | null)[];
  /** The request body, at most 8 KB (`req.body`), else empty. */
  readonly requestBody: string;

  // What follows may be left out by an edge that has nothing to say about it.

  /** `bereq.*_timeout` as VCL set them in miss or pass, in seconds; what is missing comes from the backend. */
  backendTimeouts?: BackendTimeouts;
  /** What a fixture says of the visitor and of the platform, by variable name; it goes before everything else. */
  readonly facts?: ReadonlyMap<string, FactValue>;
  /** Made by the first function that needs it, unless the edge gave one. */
  effects?: ClientEffects;
  /** `client.identity`; missing = the client's address. */
  clientIdentity?: string | null;
  /** `client.geo.ip_override`. */
  geoIpOverride?: string | null;
  /** `segmented_caching.block_size` in bytes; missing = Fastly's 1 MiB. */
  segmentSize?: number;
  /** `segmented_caching.*` in vcl_log; missing = segmented caching was not on. */
  readonly segmentReport?: SegmentReport;
  /** What each ratecounter was last incremented for by this request: `ratecounter.NAME.*` speak of that entry. */
  rateEntries?: Map<string, string>;
  /** `req.is_background_fetch`. */
  readonly isBackgroundFetch?: boolean;
  /** `resp.completed` in vcl_log; missing = true. */
  readonly completed?: boolean;
  /** `resp.stale`: whether the delivered object is stale, and why. */
  readonly staleReason?: "error" | "revalidating";
  /** `req.digest`: what the cache calls the object, as a hex string. */
  readonly digest?: string;
  /** `req.vcl.md5`. */
  readonly vclMd5?: string;
  /** `req.customer_id`. */
  readonly customerId?: string;
  /** Regex steps taken by this state run; the compiled program owns it. */
  regexSteps?: number;
}

/** How segmented caching went (reference/vcl/variables/segmented-caching). Bytes; -1 = not known or not applicable. */
export interface SegmentReport {
  readonly role: "inner" | "outer";
  readonly outcome: "completed" | "failed" | "cancelled" | null;
  readonly error: string | null;
  readonly autopurged: boolean;
  readonly blockNumber: number;
  readonly totalBlocks: number;
  readonly completeLength: number;
  readonly isRange: boolean;
  readonly isOpenEnded: boolean;
  /** Inclusive, as are all four bounds. */
  readonly rangeLow: number;
  readonly rangeHigh: number;
  readonly roundedLow: number;
  readonly roundedHigh: number;
}

/** Seconds. */
export interface BackendTimeouts {
  readonly connect?: number;
  readonly firstByte?: number;
  readonly betweenBytes?: number;
  /** `bereq.fetch_timeout`: the whole fetch. */
  readonly fetch?: number;
}

/** A compiled service. Immutable but for its live tables. */
export interface Program {
  /**
   * Runs one state. Throws `VclRuntimeError` (see `diagnostics.ts`) when a budget is used up or what was asked cannot
   * be done; the edge answers 503.
   */
  run(state: VclState, transaction: Transaction): Action;
  readonly backends: ReadonlyMap<string, BackendRef>;
  readonly directors: ReadonlyMap<string, BackendRef>;
  readonly tables: ReadonlyMap<string, LiveTable>;
  /** The first backend declared: what `req.backend` is before VCL sets one. */
  readonly defaultBackend: BackendRef | null;
  /** What the checker warned of. */
  readonly warnings: readonly Diagnostic[];
}
