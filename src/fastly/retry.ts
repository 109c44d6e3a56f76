/**
 * What a repeated call could do: `read` changes nothing, `idempotent` ends in the same state however often it lands,
 * `once` must not land twice (clone, create).
 */
export type Effect = "read" | "idempotent" | "once";

/** How one attempt ended short of success. */
export type Failure =
  | {
      readonly kind: "response";
      readonly status: number;
      /** `Retry-After`, as it came. */
      readonly retryAfter: string | undefined;
      /** `Fastly-RateLimit-Reset`, as it came: seconds since the Unix epoch. */
      readonly rateLimitReset: string | undefined;
    }
  | {
      readonly kind: "network";
      /** Whether the server can have seen the request. */
      readonly landed: "no" | "unknown";
    };

export interface RetryLimits {
  /** Tries in all, the first included. */
  readonly attempts: number;
  /** Longest single wait in milliseconds; a server that asks for more is given up on. */
  readonly longestWaitMs: number;
}

export interface RetryQuestion {
  /** Number of the attempt that just failed, from 1. */
  readonly attempt: number;
  readonly effect: Effect;
  readonly failure: Failure;
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
  readonly limits: RetryLimits;
}

export type RetryVerdict = { readonly do: "wait"; readonly ms: number } | { readonly do: "stop" };

const STOP: RetryVerdict = { do: "stop" };
const FIRST_BACKOFF_MS = 500;
const LONGEST_BACKOFF_MS = 10_000;

/**
 * Decides whether and when a failed call is tried again. Nothing here reads a clock.
 *
 * A 429 was refused before anything happened, so every call may be repeated after it; a 5xx or a lost connection may
 * hide work that was done, so calls that must land once are repeated only when the request never left
 * (reference/api/#rate-limiting, RFC 9110 section 9.2.2).
 */
export function planRetry(question: RetryQuestion): RetryVerdict {
  const { attempt, failure, limits } = question;
  if (attempt >= limits.attempts || !mayRepeat(question.effect, failure)) return STOP;
  const asked = failure.kind === "response" ? askedWait(failure, question.now) : 0;
  // Never less than the backoff: the server's clock may be behind ours, and its reset time has no milliseconds.
  const ms = Math.max(asked, Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (attempt - 1)));
  return ms > limits.longestWaitMs ? STOP : { do: "wait", ms };
}

function mayRepeat(effect: Effect, failure: Failure): boolean {
  if (failure.kind === "network") return effect !== "once" || failure.landed === "no";
  if (failure.status === 429) return true;
  return effect !== "once" && (failure.status === 408 || failure.status >= 500) && failure.status !== 501;
}

/** Milliseconds until the moment the server named, whichever header names the later one; 0 when none does. */
function askedWait(
  failure: { readonly retryAfter: string | undefined; readonly rateLimitReset: string | undefined },
  now: number,
): number {
  const moments = [retryAfterMoment(failure.retryAfter, now), rateLimitMoment(failure.rateLimitReset)].filter(
    (moment) => moment !== undefined,
  );
  return Math.max(0, ...moments.map((moment) => moment - now));
}

const DELTA_SECONDS = /^[0-9]{1,9}$/;
const EPOCH_SECONDS = /^[0-9]{1,11}$/;
/** IMF-fixdate (RFC 9110 section 5.6.7); `Date.parse` alone takes far more than that. */
const HTTP_DATE = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/;

function retryAfterMoment(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  if (DELTA_SECONDS.test(value)) return now + Number(value) * 1000;
  if (!HTTP_DATE.test(value)) return undefined;
  const moment = Date.parse(value);
  return Number.isNaN(moment) ? undefined : moment;
}

function rateLimitMoment(value: string | undefined): number | undefined {
  return value !== undefined && EPOCH_SECONDS.test(value) ? Number(value) * 1000 : undefined;
}
