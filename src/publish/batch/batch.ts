import { forEachLimit } from "../../lib/for-each-limit.ts";
import type { BatchEntry } from "./batch-file.ts";
import type { PublishDeps } from "../publish-deps.ts";
import { publishFolder } from "../publish.ts";
import type { PublishReport } from "../publish.ts";
import { GatheringPurge, SecondPasses } from "./purge-gathering.ts";
import { failureText } from "../site-list.ts";

/** What became of one line. */
export type BatchOutcome =
  | { readonly kind: "done"; readonly entry: BatchEntry; readonly report: PublishReport }
  | { readonly kind: "failed"; readonly entry: BatchEntry; readonly problem: string };

export interface BatchReport {
  readonly done: number;
  readonly failed: number;
  /** Sites that are live but whose second purge is still owed, and why. */
  readonly owed: readonly { readonly site: string; readonly siteEnv: string; readonly problem: string }[];
  /** Purge calls that were made for all of them. */
  readonly purgeCalls: number;
}

/** Sites that are read and written at a time; the store's connections are shared among them. */
const WORKING_SITES = 16;
/** Sites that may wait for their purge meanwhile. */
const OPEN_SITES = 256;

/**
 * Publishes many sites, several at a time. Lines of one site are published in their order. A site that fails keeps no
 * other from being published; running the batch again costs one request for each that is done already. Purges of all
 * sites go out together, and the second ones too.
 * @param options.onOutcome told of every line when it is done, in no order
 */
export async function publishBatch(
  deps: PublishDeps,
  entries: readonly BatchEntry[],
  options: { readonly dryRun?: boolean; readonly onOutcome: (outcome: BatchOutcome) => void },
): Promise<BatchReport> {
  const purge = new GatheringPurge(deps);
  const passes = new SecondPasses(deps, purge);
  const slots = new Slots(WORKING_SITES, () => purge.flush());
  const inner: PublishDeps = {
    ...deps,
    purge,
    later: (rest) => passes.add(rest),
    // Steps of sites that run at one time would be told in a muddle.
    onProgress: () => undefined,
  };
  const counts = { done: 0, failed: 0 };
  const tell = (outcome: BatchOutcome): void => {
    counts[outcome.kind] += 1;
    options.onOutcome(outcome);
  };
  try {
    await forEachLimit(bySite(entries), { limit: OPEN_SITES, signal: deps.signal }, async (lines) => {
      for (const entry of lines) {
        tell(await slots.work((aside) => publishEntry(whilePurging(inner, aside), entry, options)));
      }
    });
  } finally {
    await passes.close();
  }
  const owed = passes.unfinished.map(({ ref, error }) => ({ ...ref, problem: failureText(error) }));
  return { ...counts, owed, purgeCalls: purge.calls };
}

/**
 * Waits for purges aside: another site can be worked on then. Behind the purge of what an earlier run left comes all the
 * work of the publish, so the place is needed again.
 */
function whilePurging(deps: PublishDeps, aside: (wait: Promise<void>) => Promise<void>): PublishDeps {
  const { purge } = deps;
  return {
    ...deps,
    purge: {
      purgeKeys: (input) => aside(purge.purgeKeys(input)),
      purgeAll: (input) => purge.purgeAll(input),
    },
  };
}

async function publishEntry(
  deps: PublishDeps,
  entry: BatchEntry,
  { dryRun = false }: { readonly dryRun?: boolean },
): Promise<BatchOutcome> {
  const { site, siteEnv, dir, domains, preview } = entry;
  try {
    const report = await publishFolder(deps, { site, siteEnv, dir, domains, preview, dryRun });
    return { kind: "done", entry, report };
  } catch (error) {
    deps.signal.throwIfAborted();
    return { kind: "failed", entry, problem: failureText(error) };
  }
}

/** Lines of one site must not run at one time: each would find that the other changed it. */
function bySite(entries: readonly BatchEntry[]): Iterable<readonly BatchEntry[]> {
  const groups = new Map<string, BatchEntry[]>();
  for (const entry of entries) {
    const name = `${entry.siteEnv}/${entry.site}`;
    const group = groups.get(name);
    if (group) group.push(entry);
    else groups.set(name, [entry]);
  }
  return groups.values();
}

/** How many may work at a time. Whoever only waits gives its place to the next, and gets one again before new ones do. */
class Slots {
  readonly #onIdle: () => void;
  readonly #queue: (() => void)[] = [];
  #free: number;
  readonly #limit: number;

  constructor(limit: number, onIdle: () => void) {
    this.#limit = limit;
    this.#free = limit;
    this.#onIdle = onIdle;
  }

  async work<T>(work: (aside: (wait: Promise<void>) => Promise<void>) => Promise<T>): Promise<T> {
    await this.#enter((place) => this.#queue.push(place));
    try {
      return await work(async (wait) => {
        this.#leave();
        try {
          await wait;
        } finally {
          await this.#enter((place) => this.#queue.unshift(place));
        }
      });
    } finally {
      this.#leave();
    }
  }

  async #enter(queue: (place: () => void) => void): Promise<void> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => queue(resolve));
  }

  #leave(): void {
    const next = this.#queue.shift();
    if (next) next();
    else if ((this.#free += 1) === this.#limit) this.#onIdle();
  }
}
