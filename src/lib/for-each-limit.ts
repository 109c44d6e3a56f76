export interface ForEachOptions<T> {
  /** How many run at a time at most. */
  readonly limit: number;
  /** What one item weighs, for instance its bytes in memory; 0 unless told. */
  readonly weightOf?: (item: T) => number;
  /** What running items may weigh together; a heavier one runs alone. */
  readonly budget?: number;
  readonly signal: AbortSignal;
}

/**
 * Runs `work` for every item, several at a time. After the first failure or abort no further item is begun, those that
 * run are waited for, then the failure is thrown.
 */
export async function forEachLimit<T>(
  items: Iterable<T> | AsyncIterable<T>,
  options: ForEachOptions<T>,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const { limit, budget = Infinity, weightOf = () => 0, signal } = options;
  const failures: unknown[] = [];
  const running = { count: 0, weight: 0 };
  // One waiter: a race over all that run would leave a reaction on each of them for every item.
  let wake: () => void = () => undefined;
  const oneLess = (): Promise<void> => new Promise((resolve) => (wake = resolve));
  const run = async (item: T, weight: number): Promise<void> => {
    try {
      await work(item);
    } catch (error) {
      failures.push(error);
    }
    running.count -= 1;
    running.weight -= weight;
    wake();
  };
  try {
    for await (const item of items) {
      const weight = weightOf(item);
      while (running.count > 0 && (running.count >= limit || running.weight + weight > budget))
        await oneLess();
      if (failures.length > 0 || signal.aborted) break;
      running.count += 1;
      running.weight += weight;
      void run(item, weight);
    }
  } finally {
    while (running.count > 0) await oneLess();
  }
  if (failures.length > 0) throw failures[0];
  signal.throwIfAborted();
}
