import type { ErrorCode } from "../lib/error-codes.ts";
import { SitefleetError } from "../lib/errors.ts";

/** A request that may be sent again later. */
export class RetryLater extends SitefleetError {
  /** Seconds. */
  readonly after: number;

  constructor(code: ErrorCode, message: string, after: number) {
    super(code, message, { hint: `send it again in ${after} s, with a new timestamp, nonce and signature` });
    this.after = after;
  }
}

/** A request that this endpoint cannot take as it is. */
export function badRequest(
  message: string,
  hint = "see docs/hooks.md, or GET /openapi.json",
): SitefleetError {
  return new SitefleetError("hook/bad-request", message, { hint });
}

/** A body of a type that the route does not take. */
export function unsupportedType(...types: readonly string[]): SitefleetError {
  return new SitefleetError("hook/unsupported-type", "the body has another type than this request takes", {
    hint: `send it as ${types.join(" or ")}`,
  });
}
