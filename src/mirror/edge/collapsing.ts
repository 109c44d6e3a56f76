/** The right to fetch one key. Must be given back with `release`. */
export interface FetchTurn {
  readonly key: string;
}

interface Busy {
  turn: FetchTurn;
  readonly waiters: ((turn: FetchTurn | null) => void)[];
}

/**
 * Request collapsing (guides/concepts/edge-state/cache/request-collapsing): one request fetches a key, the others
 * wait. Once there is something they can use all are woken; after an answer nobody else may use, the first of the
 * waiting gets the turn, and so on, one after another.
 */
export class BusyKeys {
  readonly #busy = new Map<string, Busy>();

  /** Keys being fetched now. */
  get size(): number {
    return this.#busy.size;
  }

  /** The turn if nobody has it, else `null`: wait then. */
  take(key: string): FetchTurn | null {
    if (this.#busy.has(key)) return null;
    const turn = { key };
    this.#busy.set(key, { turn, waiters: [] });
    return turn;
  }

  /** Waits for the current turn of the key to end; resolves with the turn if it was handed over, `null` to look again. */
  wait(key: string): Promise<FetchTurn | null> {
    const busy = this.#busy.get(key);
    if (busy === undefined) return Promise.resolve(null);
    return new Promise((resolve) => busy.waiters.push(resolve));
  }

  /** Gives the turn back. `shared`: there is an object (or a hit-for-pass note) for the waiting; else the next one fetches. */
  release(turn: FetchTurn, outcome: "shared" | "private"): void {
    const busy = this.#busy.get(turn.key);
    if (busy === undefined || busy.turn !== turn) return;
    if (outcome === "shared" || busy.waiters.length === 0) {
      this.#busy.delete(turn.key);
      for (const wake of busy.waiters) wake(null);
      return;
    }
    busy.turn = { key: turn.key };
    busy.waiters.shift()?.(busy.turn);
  }
}
