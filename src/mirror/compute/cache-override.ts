import type { ReadThroughInit } from "../../../compute/src/platform.ts";

/** `CacheOverride` of `fastly:cache-override`: how one fetch is cached. */
export class CacheOverride {
  readonly init: ReadThroughInit;

  /** @throws TypeError for a time that is no number from 0 on (js-compute 3.42: negative ones are refused) */
  constructor(_mode: "override", init: ReadThroughInit) {
    for (const name of ["ttl", "swr", "staleIfError"] as const) {
      const seconds = init[name];
      if (seconds !== undefined && !isDuration(seconds)) {
        throw new TypeError(
          `CacheOverride constructor: ${name} must be a number greater than or equal to zero`,
        );
      }
    }
    this.init = init;
  }

  /** Whether the program looks at what is sent or stored, which takes the HTTP cache. */
  get hasHooks(): boolean {
    return this.init.beforeSend !== undefined || this.init.afterSend !== undefined;
  }
}

/** Seconds that the cache can keep. */
export function isDuration(seconds: unknown): seconds is number {
  return typeof seconds === "number" && Number.isFinite(seconds) && seconds >= 0;
}
