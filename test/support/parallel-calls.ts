import { setImmediate } from "node:timers/promises";

import { FaultPoint } from "./fault-point.ts";

/** Counts how many calls of a kind are under way at the same time; each lasts until all that can be made have been made. */
export class ParallelCalls extends FaultPoint {
  /** Most that were under way at once. */
  most = 0;
  readonly #kind: RegExp;
  #now = 0;

  /** @param kind names of the calls that count */
  constructor(kind: RegExp) {
    super();
    this.#kind = kind;
  }

  override async run<T>(name: string, effect: () => Promise<T> | T): Promise<T> {
    if (!this.#kind.test(name)) return super.run(name, effect);
    this.#now += 1;
    this.most = Math.max(this.most, this.#now);
    await setImmediate();
    try {
      return await super.run(name, effect);
    } finally {
      this.#now -= 1;
    }
  }
}
