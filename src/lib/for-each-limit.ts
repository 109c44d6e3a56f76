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
  const running = new Set<Promise<void>>();
  const failures: unknown[] = [];
  let load = 0;
  const hasRoomFor = (weight: number): boolean =>
    running.size === 0 || (running.size < limit && load + weight <= budget);
  try {
    for await (const item of items) {
      const weight = weightOf(item);
      while (!hasRoomFor(weight)) await Promise.race(running);
      if (failures.length > 0 || signal.aborted) break;
      load += weight;
      const task = work(item)
        .catch((error: unknown) => void failures.push(error))
        .finally(() => {
          load -= weight;
          running.delete(task);
        });
      running.add(task);
    }
  } finally {
    await Promise.all(running);
  }
  if (failures.length > 0) throw failures[0];
  signal.throwIfAborted();
}
