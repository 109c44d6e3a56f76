/** Longer inputs are not kept: memory stays small whatever is asked for. */
const LONGEST_INPUT = 2_048;

const PLACES = 64;

/**
 * What a pure function of a text gave for the texts it was asked last. Subroutines are run again after a restart, at a shield
 * and, in a replay, on the other side, and then sign and hash the same.
 */
export class RecentResults {
  readonly #compute: (input: string) => string;
  /** In the order of making. */
  readonly #results = new Map<string, string>();

  constructor(compute: (input: string) => string) {
    this.#compute = compute;
  }

  of(input: string): string {
    const known = this.#results.get(input);
    if (known !== undefined) return known;
    const result = this.#compute(input);
    if (input.length > LONGEST_INPUT) return result;
    if (this.#results.size >= PLACES)
      for (const oldest of this.#results.keys()) {
        this.#results.delete(oldest);
        break;
      }
    this.#results.set(input, result);
    return result;
  }
}
