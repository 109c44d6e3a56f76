import { errnoOf } from "../../lib/caught.ts";
/** Why no usable response came, in the words vcl_error finds in `obj.response` (guides/vcl/errors). */
export type FailureReason =
  | "All backends failed or unhealthy"
  | "Backend.max_conn reached"
  | "Connection refused"
  | "Connection timed out"
  | "Could not get storage"
  | "Could not resolve backend"
  | "Loop detected"
  | "Network unreachable"
  | "No backend"
  | "Quorum weight not reached"
  | "Response object too large"
  | "SSL handshake error"
  | "backend read error"
  | "backend write error"
  | "certificate has expired"
  | "first byte timeout"
  | "hostname doesn't match against certificate"
  | "unable to get local issuer certificate";

/** A fetch that brought no response, or only a part of one. */
export class BackendFailure extends Error {
  override readonly name = "BackendFailure";
  readonly reason: FailureReason;

  constructor(reason: FailureReason, cause?: unknown) {
    super(reason, cause === undefined ? {} : { cause });
    this.reason = reason;
  }
}

/** Codes of node and undici by what Fastly calls the same trouble. */
const REASON_BY_CODE: Readonly<Record<string, FailureReason>> = {
  CERT_HAS_EXPIRED: "certificate has expired",
  DEPTH_ZERO_SELF_SIGNED_CERT: "unable to get local issuer certificate",
  EAI_AGAIN: "Could not resolve backend",
  ECONNREFUSED: "Connection refused",
  EHOSTUNREACH: "Network unreachable",
  ENETUNREACH: "Network unreachable",
  ENOTFOUND: "Could not resolve backend",
  EPIPE: "backend write error",
  ERR_TLS_CERT_ALTNAME_INVALID: "hostname doesn't match against certificate",
  ETIMEDOUT: "Connection timed out",
  SELF_SIGNED_CERT_IN_CHAIN: "unable to get local issuer certificate",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "unable to get local issuer certificate",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "unable to get local issuer certificate",
  UND_ERR_CONNECT_TIMEOUT: "Connection timed out",
  UND_ERR_HEADERS_TIMEOUT: "first byte timeout",
};

/** The failure that any error of a fetch stands for. */
export function toBackendFailure(error: unknown): BackendFailure {
  if (error instanceof BackendFailure) return error;
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return new BackendFailure("first byte timeout", error);
  }
  const code = codeOf(error);
  const known = REASON_BY_CODE[code];
  if (known !== undefined) return new BackendFailure(known, error);
  if (/^ERR_SSL|^EPROTO|^ERR_TLS/.test(code)) return new BackendFailure("SSL handshake error", error);
  return new BackendFailure("backend read error", error);
}

/** Whether the request cannot have reached a server, so that another one may be tried. */
export function isConnectFailure(failure: BackendFailure): boolean {
  return (
    failure.reason === "Connection refused" ||
    failure.reason === "Connection timed out" ||
    failure.reason === "Could not resolve backend" ||
    failure.reason === "Network unreachable" ||
    failure.reason === "Backend.max_conn reached"
  );
}

function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0]);
  const code = errnoOf(error);
  if (code !== undefined) return code;
  return error instanceof Error && error.cause !== undefined ? codeOf(error.cause) : "";
}
