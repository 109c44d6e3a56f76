/** Work that must not overlap, by what it is about. */
export class WorkQueues {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs `work` after everything queued before it under the same key, whatever became of that. */
  async exclusive<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key) ?? Promise.resolve();
    const result = before.then(work, work);
    this.#last.set(key, result);
    try {
      return await result;
    } finally {
      if (this.#last.get(key) === result) this.#last.delete(key);
    }
  }

  /** Resolves when nothing is queued or under way under keys that begin with `prefix`. */
  async idle(prefix = ""): Promise<void> {
    for (;;) {
      const busy = [...this.#last].filter(([key]) => key.startsWith(prefix));
      if (busy.length === 0) return;
      await Promise.allSettled(busy.map(([, work]) => work));
    }
  }
}
