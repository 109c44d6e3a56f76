import type { Clock } from "../../lib/clock.ts";
import type { RateLimits } from "../../vcl/runtime.ts";

/** Entries of one ratecounter or penalty box at one POP (reference/vcl/declarations/ratecounter, /penaltybox). */
const MAX_ENTRIES = 200_000;

/** Seconds that a counter looks back. */
const MEMORY = 60;

/** Increments of one entry: the seconds that had any, ascending, and how many each. */
interface Counted {
  readonly seconds: number[];
  readonly counts: number[];
}

/**
 * One ratecounter. Its windows end with the present second, whole seconds only: at 12:01:03.458 the last 10 seconds
 * began at 12:00:54.000 (reference/vcl/declarations/ratecounter). The map is in the order of the last increments.
 */
class RateCounter {
  readonly #entries = new Map<string, Counted>();
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  increment(entry: string, delta: number, second: number): void {
    this.#forget(second);
    const counted = this.#entries.get(entry) ?? { seconds: [], counts: [] };
    this.#entries.delete(entry);
    this.#entries.set(entry, counted);
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > this.#capacity && oldest !== undefined) this.#entries.delete(oldest);
    while ((counted.seconds[0] ?? second) <= second - MEMORY) {
      counted.seconds.shift();
      counted.counts.shift();
    }
    const last = counted.seconds.length - 1;
    if (counted.seconds[last] === second) counted.counts[last] = (counted.counts[last] ?? 0) + delta;
    else {
      counted.seconds.push(second);
      counted.counts.push(delta);
    }
  }

  count(entry: string, seconds: number, second: number): number {
    const counted = this.#entries.get(entry);
    if (counted === undefined) return 0;
    let sum = 0;
    for (let i = counted.seconds.length - 1; i >= 0; i--) {
      if ((counted.seconds[i] ?? 0) <= second - seconds) break;
      sum += counted.counts[i] ?? 0;
    }
    return sum;
  }

  /** Entries without an increment in the whole of the last minute are gone. */
  #forget(second: number): void {
    for (const [entry, counted] of this.#entries) {
      if ((counted.seconds.at(-1) ?? 0) > second - MEMORY) return;
      this.#entries.delete(entry);
    }
  }
}

/**
 * One penalty box. A full one gives up the entry with the least time left; there are only sixty different times to
 * live, so each has a queue of its own, in the order of its entries' ends.
 */
class PenaltyBox {
  readonly #minutes = new Map<string, number>();
  readonly #queues = new Map<number, Map<string, number>>();
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  add(entry: string, minutes: number, now: number): void {
    this.#remove(entry);
    if (this.#minutes.size >= this.#capacity) this.#evict();
    const queue = this.#queues.get(minutes) ?? new Map<string, number>();
    this.#queues.set(minutes, queue);
    queue.set(entry, now + minutes * 60_000);
    this.#minutes.set(entry, minutes);
  }

  has(entry: string, now: number): boolean {
    const until = this.#queues.get(this.#minutes.get(entry) ?? 0)?.get(entry);
    if (until === undefined) return false;
    if (until > now) return true;
    this.#remove(entry);
    return false;
  }

  #remove(entry: string): void {
    this.#queues.get(this.#minutes.get(entry) ?? 0)?.delete(entry);
    this.#minutes.delete(entry);
  }

  #evict(): void {
    let first: { readonly entry: string; readonly until: number } | null = null;
    for (const queue of this.#queues.values()) {
      const [head] = queue;
      if (head !== undefined && head[1] < (first?.until ?? Infinity))
        first = { entry: head[0], until: head[1] };
    }
    if (first !== null) this.#remove(first.entry);
  }
}

/**
 * Ratecounters and penalty boxes of one service at one POP. They outlive a version of the service: the next one finds
 * them by their names. On Fastly the servers of a POP agree within seconds; here they are one.
 */
export class PopRates implements RateLimits {
  readonly #clock: Clock;
  readonly #capacity: number;
  readonly #counters = new Map<string, RateCounter>();
  readonly #boxes = new Map<string, PenaltyBox>();

  /** `capacity` = entries per counter and per box; Fastly's own unless given. */
  constructor(clock: Clock, capacity = MAX_ENTRIES) {
    this.#clock = clock;
    this.#capacity = capacity;
  }

  increment(counter: string, entry: string, delta: number): void {
    const known = this.#counters.get(counter) ?? new RateCounter(this.#capacity);
    this.#counters.set(counter, known);
    known.increment(entry, delta, this.#second());
  }

  count(counter: string, entry: string, seconds: number): number {
    return this.#counters.get(counter)?.count(entry, seconds, this.#second()) ?? 0;
  }

  penalise(box: string, entry: string, minutes: number): void {
    const known = this.#boxes.get(box) ?? new PenaltyBox(this.#capacity);
    this.#boxes.set(box, known);
    known.add(entry, minutes, this.#clock.now());
  }

  isPenalised(box: string, entry: string): boolean {
    return this.#boxes.get(box)?.has(entry, this.#clock.now()) ?? false;
  }

  #second(): number {
    return Math.floor(this.#clock.now() / 1000);
  }
}

/** What a service has at a POP, by the services' ids; made when it first asks. */
export function ratesOf(rates: Map<string, PopRates>, serviceId: string, clock: Clock): PopRates {
  const known = rates.get(serviceId) ?? new PopRates(clock);
  rates.set(serviceId, known);
  return known;
}
