import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CacheOrder, CacheReport } from "./cache-process.ts";
import { Child } from "./child.ts";
import { load, rounded, spread } from "./statistics.ts";

const OBJECTS = 100_000;
const BODY_BYTES = 1_000;
const ROOMY = 2 ** 30;
/** Half of what the objects need. */
const NARROW = 2 ** 27;
const PURGES = 15;

/**
 * A cache of 100,000 objects with five surrogate keys each: what one object takes, how long the purge of a key takes
 * by the number of objects that carry it, and whether the bound on its size holds while it is filled beyond.
 */
export async function measureCache(): Promise<object> {
  const loadBefore = load();
  const dir = await mkdtemp(join(tmpdir(), "sitefleet-bench-cache-"));
  try {
    const roomy = await withCache(dir, ROOMY, measureRoomy);
    const bound = await withCache(dir, NARROW, measureBound);
    return {
      load: [loadBefore, load()],
      objects: OBJECTS,
      keysEach: 5,
      bodyBytes: BODY_BYTES,
      ...roomy,
      bound,
    };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

type Ask = (order: CacheOrder) => Promise<CacheReport>;

interface Session {
  readonly ask: Ask;
  /** Before the first object. */
  readonly empty: CacheReport;
}

async function withCache(
  dir: string,
  bytes: number,
  work: (session: Session) => Promise<object>,
): Promise<object> {
  const child = new Child("cache-process.js", [dir, String(bytes)], ["--expose-gc"]);
  const empty = (await child.next()) as CacheReport;
  try {
    return await work({ ask: async (order) => (await child.ask(order)) as CacheReport, empty });
  } finally {
    await child.stop();
  }
}

async function measureRoomy({ ask, empty }: Session): Promise<object> {
  const fill = await ask({ do: "fill", objects: OBJECTS, bodyBytes: BODY_BYTES });
  const full = await ask({ do: "report" });
  const memory = (full.memory - empty.memory) / full.objects;
  const series = async (key: (round: number) => string, rounds: number): Promise<object> => {
    const times: number[] = [];
    let purged = 0;
    for (let round = 0; round < rounds; round += 1) {
      const { objects } = await ask({ do: "rest" });
      const after = await ask({ do: "purge", key: key(round) });
      times.push(after.ms);
      purged = objects - after.objects;
    }
    return { objects: purged, ms: spread(times) };
  };
  return {
    insertMicros: rounded((fill.ms * 1000) / OBJECTS),
    bytesPerObject: {
      measured: rounded(memory),
      counted: rounded(full.bytes / full.objects),
      besidesBody: rounded(memory - BODY_BYTES),
    },
    rssMb: [empty.rssMb, full.rssMb],
    purge: [
      await series((round) => `page-${round}`, PURGES),
      await series((round) => `group-${5_000 + round}`, PURGES),
      await series((round) => `kind-${20 + round}`, PURGES),
      await series((round) => `part-${round}`, 3),
      await series(() => "all", 1),
    ],
    purgeAimMs: 10,
  };
}

async function measureBound({ ask, empty }: Session): Promise<object> {
  const fill = await ask({ do: "fill", objects: OBJECTS, bodyBytes: BODY_BYTES });
  const full = await ask({ do: "report" });
  return {
    capacity: NARROW,
    counted: full.bytes,
    holds: full.bytes <= NARROW && full.objects + full.evictions === OBJECTS,
    objects: full.objects,
    evictions: full.evictions,
    insertMicros: rounded((fill.ms * 1000) / OBJECTS),
    /** Real memory to the bound: 1 or less = the bound is also one of memory. */
    memoryToCapacity: rounded((full.memory - empty.memory) / NARROW),
    rssMb: [empty.rssMb, full.rssMb],
  };
}
