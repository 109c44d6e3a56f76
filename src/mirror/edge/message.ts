import type { Duplex } from "node:stream";
import type { HeaderList } from "../../http/header-list.ts";
import type { ClientEffects, FactValue, TlsInfo } from "../../vcl/runtime.ts";
import type { Country } from "./countries.ts";
import type { ResponseBody } from "./body.ts";
import type { OpenTrace } from "./trace.ts";

/** A request body: small ones are read at once (VCL may look at them), others are passed on as they come. */
export type RequestBody =
  | { readonly kind: "bytes"; readonly bytes: Buffer }
  | { readonly kind: "stream"; readonly chunks: AsyncIterable<Uint8Array>; readonly length: number | null };

/** The connection a request came over: what a server knows without reading a header. */
export interface Connection {
  readonly ip: string;
  readonly port: number;
  /** Requests on this connection so far, this one included. */
  readonly requests: number;
  readonly tls: TlsInfo | null;
  /** Whether the visitor's own connection to the first POP is TLS. */
  readonly edgeIsTls: boolean;
  /** Where a test says that its visitor is; missing = where all visitors are. */
  readonly country?: Country;
  /** What a test says of its visitor, by variable name (`src/vcl/client-facts.ts`). */
  readonly facts?: ReadonlyMap<string, FactValue>;
}

/** What a request for a part of another's page knows of it (edge side includes). */
export interface IncludeContext {
  /** `req.esi_level`, from 1. */
  readonly level: number;
  /** `req.topurl`: URL of the page that includes it. */
  readonly topUrl: string;
  /** The Host by which the page's service was found: its parts run there, whatever their own. */
  readonly serviceHost: string;
  /** Includes that the client's request has caused so far. */
  readonly spent: { count: number };
}

/** A backend's connection after it has switched to another protocol (`return(upgrade)`): from here on bytes go both ways. */
export interface Tunnel {
  readonly socket: Duplex;
  /** What came behind the 101 already. */
  readonly head: Buffer;
}

/** A request as it reaches a POP, from the front or from another POP: only what HTTP would carry. */
export interface HopRequest {
  readonly method: string;
  /** Origin form, bytes as latin1. */
  readonly url: string;
  readonly proto: string;
  readonly headers: HeaderList;
  /** Header lines as the client sent them, without what Fastly adds for VCL; missing where no client's connection brought them. */
  readonly arrived?: HeaderList;
  readonly body: RequestBody | null;
  readonly connection: Connection;
  /** A purge the control plane asked for: needs no token of its own. */
  readonly trustedPurge: boolean;
  /** The client asks for another protocol, and its connection can be given to a backend. */
  readonly canUpgrade?: boolean;
  /** Calls back when the client's connection has ended, also where its answer has gone out. */
  onGone?(listener: () => void): void;
  /** Sends header lines ahead in a 103, where the client's connection can (`early_hints`). */
  sendEarlyHints?(lines: readonly string[]): void;
  /** Missing = not a part of another page. */
  readonly include?: IncludeContext;
  /** The trace of the request at the POP that sent this one, where somebody looks on. */
  readonly tracedBy?: OpenTrace;
}

/** What went out, for the log subroutine. Bytes. */
export interface SentReport {
  readonly headerBytes: number;
  readonly bodyBytes: number;
}

/** A POP's answer. `sent` must be called once, when the body has gone out or the receiver has left. */
export interface HopResponse {
  readonly status: number;
  readonly reason: string;
  readonly headers: HeaderList;
  readonly body: ResponseBody;
  /** How slowly a small body is to go out to the client (`resp.tarpit`); missing = at once. */
  readonly tarpit?: NonNullable<ClientEffects["tarpit"]>;
  /** Only with status 101, and only for a request that `canUpgrade`: who gets it ends the connection. */
  readonly tunnel?: Tunnel;
  sent(report: SentReport): void;
}
