import { SitefleetError } from "../../lib/errors.ts";
import { forEachLimit } from "../../lib/for-each-limit.ts";
import type { ListedEntry, ObjectStore } from "../../store/object-store.ts";
import type { PublishDeps } from "../publish-deps.ts";

/** Keys of one request, which is what S3's DeleteObjects takes. */
const BATCH = 1_000;
const PARALLEL_BATCHES = 4;

type ListedObject = Extract<ListedEntry, { readonly kind: "object" }>;

/** What was deleted. */
export interface Swept {
  readonly objects: number;
  readonly bytes: number;
}

export const NOTHING_SWEPT: Swept = { objects: 0, bytes: 0 };

export function addSwept(a: Swept, b: Swept): Swept {
  return { objects: a.objects + b.objects, bytes: a.bytes + b.bytes };
}

/**
 * Deletes what lies below a prefix, as the listing runs: memory does not grow with the number of objects. Interrupted,
 * it is finished by doing it again.
 * @param input.only which objects are meant; all unless given
 * @param input.confirm is asked before each request and throws when nothing may be deleted any more
 * @throws SitefleetError `store/refused` when the store kept some
 */
export async function sweep(
  deps: PublishDeps,
  store: ObjectStore,
  input: {
    readonly prefix: string;
    readonly only?: (object: ListedObject) => boolean;
    readonly confirm?: () => Promise<void>;
  },
): Promise<Swept> {
  const { signal } = deps;
  const { prefix, only = () => true } = input;
  let swept = NOTHING_SWEPT;
  const batches = inBatches(store.list({ prefix, signal }), only);
  await forEachLimit(batches, { limit: PARALLEL_BATCHES, signal }, async (batch) => {
    await input.confirm?.();
    const [failure] = await store.deleteMany({ keys: batch.map(({ key }) => key), signal });
    if (failure) {
      throw new SitefleetError(
        "store/refused",
        `the store did not delete "${failure.key}": ${failure.code} ${failure.message}`,
        { hint: "run the command again; it goes on where it stopped" },
      );
    }
    const bytes = batch.reduce((sum, { size }) => sum + size, 0);
    swept = addSwept(swept, { objects: batch.length, bytes });
    deps.onProgress({ step: "deleting objects", done: swept.objects });
  });
  return swept;
}

async function* inBatches(
  entries: AsyncIterable<ListedEntry>,
  only: (object: ListedObject) => boolean,
): AsyncGenerator<readonly ListedObject[]> {
  let batch: ListedObject[] = [];
  for await (const entry of entries) {
    if (entry.kind !== "object" || !only(entry)) continue;
    batch.push(entry);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
