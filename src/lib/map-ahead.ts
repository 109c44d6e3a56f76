/**
 * Maps a sequence with up to `limit` calls under way, and yields what they give in the order of the sequence: reads go
 * out together, and no more than `limit` results wait in memory. A failure is thrown when its turn comes.
 */
export async function* mapAhead<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  limit: number,
  map: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const ahead: Promise<Outcome<R>>[] = [];
  for await (const item of items) {
    ahead.push(outcomeOf(map(item)));
    if (ahead.length < limit) continue;
    yield unwrap(await ahead.shift());
  }
  for (const outcome of ahead) yield unwrap(await outcome);
}

type Outcome<R> = { readonly value: R } | { readonly error: unknown };

/** A promise that never rejects: one whose turn has not come must not count as a failure that nobody handles. */
function outcomeOf<R>(promise: Promise<R>): Promise<Outcome<R>> {
  return promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
}

function unwrap<R>(outcome: Outcome<R> | undefined): R {
  if (outcome === undefined) throw new RangeError("nothing is under way");
  if ("error" in outcome) throw outcome.error;
  return outcome.value;
}
