import type { Clock } from "../../src/lib/clock.ts";

/** A clock on which every sleep is over at once; time moves by what was slept, and the sleeps are kept. */
export class InstantClock implements Clock {
  readonly slept: number[] = [];
  #now: number;

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(new Error("aborted"));
    this.slept.push(ms);
    this.#now += ms;
    return Promise.resolve();
  }
}
