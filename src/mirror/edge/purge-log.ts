/** One fetch under way, as the purge log knows it. */
export interface FetchMark {
  readonly since: number;
}

interface LoggedPurge {
  readonly at: number;
  readonly soft: boolean;
}

/**
 * Remembers purges for as long as a fetch that began before them is under way. What such a fetch brings may be from
 * before the change that was purged, so it must be treated as purged when it is stored. Tags are surrogate keys and
 * cache keys, told apart by the caller.
 */
export class PurgeLog {
  #sequence = 0;
  readonly #fetches = new Set<FetchMark>();
  readonly #purges = new Map<string, LoggedPurge>();

  /** Purges that are still remembered. */
  get size(): number {
    return this.#purges.size;
  }

  begin(): FetchMark {
    const mark = { since: this.#sequence };
    this.#fetches.add(mark);
    return mark;
  }

  end(mark: FetchMark): void {
    this.#fetches.delete(mark);
    const [oldest] = this.#fetches;
    if (oldest === undefined) {
      this.#purges.clear();
      return;
    }
    for (const [tag, purge] of this.#purges) {
      if (purge.at > oldest.since) return;
      this.#purges.delete(tag);
    }
  }

  record(tag: string, soft: boolean): void {
    this.#sequence += 1;
    if (this.#fetches.size === 0) return;
    // A soft purge does not take back a hard one that the same fetches must still hear of.
    const before = this.#purges.get(tag);
    this.#purges.delete(tag);
    this.#purges.set(tag, { at: this.#sequence, soft: soft && (before?.soft ?? true) });
  }

  /** What became of the tags since the fetch began. */
  verdict(mark: FetchMark, tags: Iterable<string>): "valid" | "soft" | "hard" {
    let verdict: "valid" | "soft" = "valid";
    for (const tag of tags) {
      const purge = this.#purges.get(tag);
      if (purge === undefined || purge.at <= mark.since) continue;
      if (!purge.soft) return "hard";
      verdict = "soft";
    }
    return verdict;
  }
}
