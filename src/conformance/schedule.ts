import type { ConformanceCase } from "./case.ts";

/** What of the edge and the buckets a case changes and looks at: hosts by their label, sites as `site:<uid>`. */
export interface Footprint {
  /** Changes what every other case might see: time, origins, all of the cache, published sites. Or reads the one log. */
  readonly isAlone: boolean;
  readonly writes: ReadonlySet<string>;
  readonly reads: ReadonlySet<string>;
}

/** The footprint that a case's steps leave: what says that a case may run beside another is nothing but its data. */
export function footprintOf({ steps }: Pick<ConformanceCase, "steps">): Footprint {
  const writes = new Set<string>();
  const reads = new Set<string>();
  let isAlone = false;
  for (const step of steps) {
    if ("send" in step) reads.add(step.send.host);
    else if ("log" in step) isAlone = true;
    else if (step.act.do === "put-config") writes.add(step.act.host);
    else if (step.act.do === "put-site") writes.add(step.act.site.host).add(`site:${step.act.site.site}`);
    else isAlone = true;
  }
  return { isAlone, writes, reads };
}

/** Whether one of two must end before the other begins. */
export function areApart(a: Footprint, b: Footprint): boolean {
  if (a.isAlone || b.isAlone) return true;
  return touches(a.writes, b) || touches(b.writes, a);
}

function touches(written: ReadonlySet<string>, { writes, reads }: Footprint): boolean {
  return [...written].some((name) => writes.has(name) || reads.has(name));
}

export interface Schedule<T> {
  /** Most that run at a time. */
  readonly limit: number;
  readonly footprint: (item: T) => Footprint;
}

/**
 * Runs each item, several at a time, but after all earlier ones from which it must be apart: each finds what it would find
 * if they ran one after the other. Nothing is begun once one has thrown, and nothing runs any more when this rejects.
 */
export async function runScheduled<T>(
  items: readonly T[],
  { limit, footprint }: Schedule<T>,
  run: (item: T, index: number) => Promise<void>,
): Promise<void> {
  const slots = new Slots(limit);
  const begun: { readonly footprint: Footprint; readonly done: Promise<void> }[] = [];
  const failures: unknown[] = [];
  for (const [index, item] of items.entries()) {
    const own = footprint(item);
    const before = begun.filter((earlier) => areApart(earlier.footprint, own)).map(({ done }) => done);
    const work = (): Promise<void> =>
      failures.length > 0
        ? Promise.resolve()
        : run(item, index).catch((error: unknown) => void failures.push(error));
    const done = Promise.all(before).then(() => slots.use(work));
    begun.push({ footprint: own, done });
  }
  await Promise.all(begun.map(({ done }) => done));
  if (failures.length > 0) throw failures[0];
}

/** So many may go on at a time, others wait in the order in which they came. */
class Slots {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(count: number) {
    this.#free = count;
  }

  async use(work: () => Promise<void>): Promise<void> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => void this.#waiting.push(resolve));
    try {
      await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free += 1;
    }
  }
}
