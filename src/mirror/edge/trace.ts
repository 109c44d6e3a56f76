/**
 * What a traced request did at one POP, as the inspector and `explain` show it. Texts are what bytes look like as
 * UTF-8; values that open something (passwords, cookies, keys) are left out. Times are milliseconds.
 */
export interface RequestTrace {
  /** Grows by one with each request of the edge; a shield's request has its own. */
  readonly id: number;
  /** Since the Unix epoch. */
  readonly at: number;
  readonly pop: string;
  readonly isShield: boolean;
  /** `null`: no service has this Host. */
  readonly service: { readonly id: string; readonly name: string; readonly version: number } | null;
  readonly request: {
    readonly method: string;
    readonly host: string;
    readonly url: string;
    readonly proto: string;
    readonly client: string;
    readonly tls: boolean;
    readonly headers: readonly HeaderText[];
  };
  readonly events: readonly TraceEvent[];
  /** Events that came after the 500th and are not kept. */
  readonly dropped: number;
  /** `null` until the answer has gone out. */
  readonly answer: {
    readonly status: number;
    readonly reason: string;
    readonly headers: readonly HeaderText[];
    readonly headerBytes: number;
    readonly bodyBytes: number;
    /** From the first byte in to the last byte out. */
    readonly ms: number;
    /** `fastly_info.state`. */
    readonly state: string;
    readonly restarts: number;
  } | null;
}

export type HeaderText = readonly [name: string, value: string];

/** What every event has. */
interface Timed {
  /** When it began, milliseconds after its trace's `at`. */
  readonly offset: number;
}

export type TraceEvent = Timed & UntimedEvent;

/** An event without its time. */
export type UntimedEvent =
  | StateEvent
  | LookupEvent
  | BackendEvent
  /** A part of the page that was asked for (edge side includes), between its vcl_deliver and its vcl_log. */
  | { readonly kind: "part"; readonly part: RequestTrace }
  | { readonly kind: "restart"; readonly count: number }
  /** The request ended without VCL having the last word: why. */
  | { readonly kind: "stop"; readonly reason: string };

/** One subroutine that ran. */
export interface StateEvent {
  readonly kind: "state";
  readonly state: string;
  /** Whether a fetch nobody waits for ran it (stale-while-revalidate). */
  readonly background: boolean;
  readonly node: "delivery" | "fetch";
  /** How it ended: `lookup`, `error 404 Not Found`. */
  readonly action: string;
  /** Statements in the order in which they first ran. */
  readonly lines: readonly TraceLine[];
  readonly changes: readonly TraceChange[];
}

export interface TraceLine {
  /** Name of the VCL file, or of the macro that stands for the text. */
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  /** For an `if`: the condition, and whether it held. */
  readonly condition?: { readonly text: string; readonly held: boolean };
}

/** A field or header that is other than before; `null` = not there. */
export interface TraceChange {
  /** As VCL calls it: `req.http.Host`, `beresp.ttl`. */
  readonly name: string;
  readonly before: string | null;
  readonly after: string | null;
}

export interface LookupEvent {
  readonly kind: "lookup";
  readonly key: string;
  /** `fastly_info.state` after it: `HIT-CLUSTER`, `MISS`. */
  readonly state: string;
  /** Another request was fetching the object, and this one waited. */
  readonly waited: boolean;
  readonly object: {
    readonly ageSeconds: number;
    readonly ttlSeconds: number;
    readonly hits: number;
    readonly surrogateKeys: readonly string[];
  } | null;
}

export interface BackendEvent {
  readonly kind: "backend";
  readonly backend: string;
  readonly method: string;
  readonly host: string;
  readonly url: string;
  /** `null`: it failed; `reason` says how. */
  readonly status: number | null;
  readonly reason: string;
  /** Until the head of its answer, or its failure. */
  readonly ms: number;
  /** What the shield did, when that is who was asked. */
  readonly shield: RequestTrace | null;
}

/** The trace of one request while it is being written. */
export interface OpenTrace {
  /** As it stands: final when it has an answer. */
  readonly trace: RequestTrace;
  /** VCL texts that the request ran through by name, those of its shields and parts included. */
  allSources(): ReadonlyMap<string, string>;
  /** A request to a shield POP on behalf of this one. */
  addShield(shield: OpenTrace): void;
  /** A request for a part of this one's page. */
  addPart(part: OpenTrace): void;
}
