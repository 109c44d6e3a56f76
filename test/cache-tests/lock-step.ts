import type { FakeClock } from "../support/fake-clock.ts";

interface Parked {
  readonly until: number;
  readonly wake: () => void;
}

/**
 * Lets many cases share one fake clock: time stands still while any of them is at work and moves on to the next
 * wake-up when all wait. `settle` is awaited before time moves: work that nobody waits for ends first.
 */
export class LockStep {
  readonly #clock: FakeClock;
  readonly #settle: () => Promise<void>;
  #active = 0;
  #parked: Parked[] = [];

  constructor(clock: FakeClock, settle: () => Promise<void>) {
    this.#clock = clock;
    this.#settle = settle;
  }

  /** Runs all cases at once. */
  async run(cases: readonly (() => Promise<void>)[]): Promise<void> {
    this.#active = cases.length;
    await Promise.all(
      cases.map(async (one) => {
        await one();
        await this.#rest();
      }),
    );
  }

  /** Waits on the clock; to be called once at a time on behalf of a case. */
  async sleep(ms: number): Promise<void> {
    const woken = new Promise<void>((wake) => this.#parked.push({ until: this.#clock.now() + ms, wake }));
    await this.#rest();
    await woken;
  }

  async #rest(): Promise<void> {
    this.#active -= 1;
    if (this.#active > 0 || this.#parked.length === 0) return;
    await this.#settle();
    const next = Math.min(...this.#parked.map(({ until }) => until));
    this.#clock.advance(next - this.#clock.now());
    const due = this.#parked.filter(({ until }) => until <= next);
    this.#parked = this.#parked.filter(({ until }) => until > next);
    this.#active = due.length;
    for (const { wake } of due) wake();
  }
}
