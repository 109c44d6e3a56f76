import type { Clock } from "../../lib/clock.ts";
import { ApiError } from "./api-error.ts";

const HOUR_MS = 3_600_000;

/** Counts writes per clock hour, as Fastly does (reference/api, "Rate limiting"). */
export class RateLimit {
  readonly #clock: Clock;
  readonly #limit: number;
  #window = 0;
  #used = 0;

  constructor(clock: Clock, limit: number) {
    this.#clock = clock;
    this.#limit = limit;
  }

  /** Takes one write; throws 429 when the hour's are used up. */
  take(): void {
    this.#roll();
    if (this.#used >= this.#limit) {
      throw new ApiError(429, "Too many requests", `the limit is ${this.#limit} writes an hour`);
    }
    this.#used += 1;
  }

  /** What is left and when the window ends (seconds since the epoch), as answers to writes carry it. */
  headers(): Readonly<Record<string, string>> {
    this.#roll();
    return {
      "Fastly-RateLimit-Remaining": String(this.#limit - this.#used),
      "Fastly-RateLimit-Reset": String((this.#window + HOUR_MS) / 1000),
    };
  }

  #roll(): void {
    const window = Math.floor(this.#clock.now() / HOUR_MS) * HOUR_MS;
    if (window === this.#window) return;
    this.#window = window;
    this.#used = 0;
  }
}
