import type { Clock } from "../lib/clock.ts";

export interface RateLimitOptions {
  readonly clock: Clock;
  /** Requests a minute in the long run. */
  readonly perMinute: number;
  /** Requests at once after a pause. */
  readonly burst: number;
}

interface Bucket {
  readonly tokens: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** A token bucket for each name; names are few and known (key ids), so that none is ever forgotten. */
export class RateLimit {
  readonly #options: RateLimitOptions;
  readonly #buckets = new Map<string, Bucket>();

  constructor(options: RateLimitOptions) {
    this.#options = options;
  }

  /** Takes a token: 0, or the seconds until there is one. */
  take(name: string): number {
    const { clock, perMinute, burst } = this.#options;
    const now = clock.now();
    const { tokens, at } = this.#buckets.get(name) ?? { tokens: burst, at: now };
    // A clock that was put back gives nothing and takes nothing.
    const filled = Math.min(burst, tokens + (Math.max(0, now - at) * perMinute) / 60_000);
    const left = filled >= 1 ? filled - 1 : filled;
    this.#buckets.set(name, { tokens: left, at: now });
    return filled >= 1 ? 0 : Math.ceil(((1 - filled) * 60) / perMinute);
  }
}
