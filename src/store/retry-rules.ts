import { randomInt } from "node:crypto";

import { errnoOf } from "../lib/caught.ts";
import { S3Refusal } from "./s3-answer.ts";

/** How a failed attempt is taken; only the first two are worth another. */
export type FailureKind = "throttling" | "transient" | "final";

const THROTTLING_CODES = new Set([
  "BandwidthLimitExceeded",
  "PriorRequestNotComplete",
  "RequestLimitExceeded",
  "RequestThrottled",
  "SlowDown",
  "Throttling",
  "ThrottlingException",
  "TooManyRequestsException",
]);
/** A damaged upload or answer is one that the wire damaged: what is sent is checked before. */
const TRANSIENT_CODES = new Set([
  "BadDigest",
  "IncompleteBody",
  "InternalError",
  "OperationAborted",
  "RequestTimeout",
  "RequestTimeoutException",
  "XAmzContentChecksumMismatch",
  "XAmzContentSHA256Mismatch",
]);
const TRANSIENT_STATUSES = new Set([500, 502, 503, 504]);
const NETWORK_ERRORS = new Set([
  "EAI_AGAIN",
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EPIPE",
  "ETIMEDOUT",
  // Node's word for an answer that is not HTTP or breaks off within its head.
  "HPE_INVALID_EOF_STATE",
]);

/** The AWS SDK's rules for what is tried again (`@smithy/core/retry`, standard mode). */
export function failureKind(error: unknown): FailureKind {
  if (error instanceof S3Refusal) {
    if (error.status === 429 || THROTTLING_CODES.has(error.name)) return "throttling";
    return TRANSIENT_CODES.has(error.name) || TRANSIENT_STATUSES.has(error.status) ? "transient" : "final";
  }
  return NETWORK_ERRORS.has(errnoOf(error) ?? "") ? "transient" : "final";
}

const CLOCK_CODES = new Set([
  "AccessDenied",
  "AuthFailure",
  "Forbidden",
  "RequestExpired",
  "RequestInTheFuture",
  "RequestTimeTooSkewed",
  "SignatureDoesNotMatch",
]);
/** A clock that is off by less is not what the store refused; the SDK's figure. */
const SKEW_MS = 240_000;

/** The server's clock less ours in milliseconds, when the refusal may be due to the offset that was signed with. */
export function correctedOffset(
  error: unknown,
  clock: { readonly nowMs: number; readonly usedOffset: number },
): number | undefined {
  if (!(error instanceof S3Refusal) || !CLOCK_CODES.has(error.name)) return undefined;
  // An answer out of a cache carries an old date.
  if (error.headers.age !== undefined) return undefined;
  const offset = Date.parse(error.headers.date ?? "") - clock.nowMs;
  return Math.abs(offset - clock.usedOffset) >= SKEW_MS ? offset : undefined;
}

const EXPIRED_CODES = new Set(["ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"]);

/** Whether newer keys may be let through; the answer to a HEAD does not say why it is refused. */
export function isExpired(error: unknown): boolean {
  if (!(error instanceof S3Refusal)) return false;
  return EXPIRED_CODES.has(error.name) || error.name === "BadRequest" || error.name === "Forbidden";
}

/**
 * Attempts of one request, the first among them. A store that asks for less speed gets more time than the SDK gives it:
 * ten thousand uploads must not end at the one that was unlucky four times.
 */
export function attemptLimit(kind: FailureKind): number {
  return kind === "throttling" ? 8 : 4;
}

const LONGEST_DELAY_MS = 20_000;
const RETRY_AFTER_GRACE_MS = 5_000;

/** Milliseconds until the next attempt: exponential with full jitter; a Retry-After of the store is kept within reason. */
export function retryDelay(kind: FailureKind, retries: number, error: unknown): number {
  const base = kind === "throttling" ? 1_000 : 50;
  const jitter = randomInt(0, 1_000_000) / 1_000_000;
  const delay = Math.floor(jitter * Math.min(base * 2 ** retries, LONGEST_DELAY_MS));
  const asked = error instanceof S3Refusal ? Number(error.headers["retry-after"]) * 1_000 : Number.NaN;
  return Number.isFinite(asked) ? Math.max(delay, Math.min(asked, delay + RETRY_AFTER_GRACE_MS)) : delay;
}

/** All connections may lose their request three times over; the SDK's 500 would not outlast one restart of the store. */
const FULL_BUDGET = 2_700;

/** What all retries of a client draw from: when nearly everything fails, failing fast helps the store to come back. */
export class RetryBudget {
  #tokens = FULL_BUDGET;

  /** Takes the price of a retry; `undefined` when too little is left. */
  take(kind: FailureKind): number | undefined {
    const cost = kind === "throttling" ? 5 : 14;
    if (this.#tokens < cost) return undefined;
    this.#tokens -= cost;
    return cost;
  }

  /** A success gives back what its last retry cost, or a little. */
  giveBack(cost: number | undefined): void {
    this.#tokens = Math.min(FULL_BUDGET, this.#tokens + (cost ?? 1));
  }
}
