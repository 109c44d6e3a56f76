import { HeaderList } from "../http/header-list.ts";
import type { HeaderLine } from "../http/header-list.ts";
import type { Country } from "../mirror/edge/countries.ts";
import { prepareHeaders } from "../mirror/edge/front-request.ts";
import type { HopRequest } from "../mirror/edge/message.ts";
import { checkRequest } from "../mirror/edge/request-checks.ts";
import type { OriginFault } from "./origin-fault.ts";

/** What is asked of both sides. Strings are bytes, as HTTP has them. */
export interface ReplayRequest {
  /** What the request is there to show, as the report calls it: `page`, `missing page`, `line`. */
  readonly about: string;
  readonly method: string;
  /** Name in the Host header. */
  readonly host: string;
  /** Path and query as they stand in the request line. */
  readonly target: string;
  readonly tls: boolean;
  /** Besides Host. */
  readonly headers: readonly HeaderLine[];
  /** Where the visitor is; absent = where all visitors of the mirror are. */
  readonly country?: Country;
  /** Shield code of the POP that the client reaches; absent = the one that clients reach unasked. */
  readonly shield?: string;
  /** What is wrong with the stores while it is answered. */
  readonly fault?: OriginFault;
  /** Seconds that pass before it. */
  readonly after?: number;
  /** Time at which it was sent, epoch milliseconds; the clock never goes back. */
  readonly at?: number;
  /** Line of the file that it stands in, 1-based. */
  readonly line?: number;
}

/** Address that all visitors have (RFC 5737, documentation). */
const VISITOR = "198.51.100.7";

export type PreparedRequest =
  | { readonly kind: "ok"; readonly hop: HopRequest }
  /** What Fastly refuses before any VCL: the same on both sides. */
  | { readonly kind: "refused"; readonly status: number; readonly reason: string };

/** The request as it reaches vcl_recv of the first POP. */
export function prepareRequest(request: ReplayRequest, identity: string): PreparedRequest {
  const { method, target, tls } = request;
  const headers = HeaderList.from([["Host", request.host], ...request.headers]);
  const checked = checkRequest({ method, target, version: "1.1", headers });
  if (!checked.ok) return { kind: "refused", status: checked.status, reason: checked.reason };
  prepareHeaders(headers, { host: checked.host, ip: VISITOR, isTls: tls, identity });
  return {
    kind: "ok",
    hop: {
      method: checked.method,
      url: checked.url,
      proto: "HTTP/1.1",
      headers,
      body: null,
      connection: {
        ip: VISITOR,
        port: 50_000,
        requests: 1,
        tls: tls ? { protocol: "TLSv1.3", cipher: "TLS_AES_256_GCM_SHA384", servername: request.host } : null,
        edgeIsTls: tls,
        ...(request.country === undefined ? {} : { country: request.country }),
      },
      trustedPurge: false,
    },
  };
}
