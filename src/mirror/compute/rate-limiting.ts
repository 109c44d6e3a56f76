import type { Platform } from "../../../compute/src/platform.ts";
import type { ComputeVisit } from "../edge/parts.ts";
import { ratesOf } from "../edge/rate-limits.ts";

type RateClasses = Pick<Platform, "RateCounter" | "PenaltyBox" | "EdgeRateLimiter">;

class NamedCounter {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** `fastly:edge-rate-limiter` over the counters and boxes that the service has at the POP, the same that VCL would have. */
export function rateLimitingOf({ run, pop, parts }: ComputeVisit): RateClasses {
  const rates = ratesOf(pop.rates, run.active.id, parts.clock);
  class NamedBox {
    readonly name: string;

    constructor(name: string) {
      this.name = name;
    }

    has(entry: string): boolean {
      return rates.isPenalised(this.name, entry);
    }
  }
  return {
    RateCounter: NamedCounter,
    PenaltyBox: NamedBox,
    EdgeRateLimiter: class {
      readonly #counter: string;
      readonly #box: string;

      constructor(counter: object, box: object) {
        if (!(counter instanceof NamedCounter) || !(box instanceof NamedBox)) {
          throw new TypeError("EdgeRateLimiter constructor: takes a RateCounter and a PenaltyBox");
        }
        this.#counter = counter.name;
        this.#box = box.name;
      }

      checkRate(...[entry, delta, window, limit, secondsInBox]: CheckRate): boolean {
        if (!isCount(delta) || !isCount(limit) || ![1, 10, 60].includes(window)) {
          throw new TypeError("checkRate: takes numbers from 0 on, and a window of 1, 10 or 60 seconds");
        }
        const minutes = minutesInBox(secondsInBox);
        rates.increment(this.#counter, entry, delta);
        const isOver = rates.count(this.#counter, entry, window) > limit * window;
        if (isOver) rates.penalise(this.#box, entry, minutes);
        return isOver || rates.isPenalised(this.#box, entry);
      }
    },
  };
}

type CheckRate = Parameters<InstanceType<Platform["EdgeRateLimiter"]>["checkRate"]>;

function isCount(value: number): boolean {
  return Number.isFinite(value) && value >= 0;
}

/** Whole minutes, of which there may be 1 to 60 (js-compute, edge-rate-limiter.d.ts). */
function minutesInBox(seconds: number): number {
  const minutes = Math.trunc(seconds / 60);
  if (minutes >= 1 && minutes <= 60) return minutes;
  throw new TypeError("checkRate: an entry stays 1 to 60 minutes in the penalty box");
}
