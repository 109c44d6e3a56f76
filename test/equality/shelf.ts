/** Coding in which VCL keeps an object, as `codingOf` has it of a request. */
export type Coding = "br" | "gzip" | "none";

/** An object that a cache holds. */
export interface Held {
  /** As it is shown of what was stored. */
  readonly key: string;
  readonly status: number;
  /** `stale` = shown only where S3 fails; `dead` = not even then. */
  readonly freshness: "fresh" | "stale" | "dead";
  /** `null` = the same for all requests. */
  readonly coding: Coding | null;
}

const RANKS = { fresh: 2, stale: 1, dead: 0 } as const;

/** What a cache holds before a request. */
export class Shelf {
  readonly #held = new Map<string, Held[]>();

  constructor(held: readonly Held[]) {
    for (const one of held) {
      const others = this.#held.get(one.key);
      if (others === undefined) this.#held.set(one.key, [one]);
      else others.push(one);
    }
  }

  keys(): readonly string[] {
    return [...this.#held.keys()];
  }

  has(key: string): boolean {
    return this.#held.has(key);
  }

  /** All encodings of an object. */
  of(key: string): readonly Held[] {
    return this.#held.get(key) ?? [];
  }

  /** What a request in this coding finds: 2 = fresh, 1 = stale, 0 = nothing. */
  rank(key: string, coding: Coding): number {
    return rankOf(this.of(key).filter((one) => one.coding === null || one.coding === coding));
  }

  /** What a request finds in whatever coding. */
  bestRank(key: string): number {
    return rankOf(this.of(key));
  }

  /** Whether a failure is kept that is not over; one of S3's own statuses, where it is kept as it came. */
  hasFailure(key: string): boolean {
    return this.of(key).some(({ status, freshness }) => freshness === "fresh" && !WELL.has(status));
  }

  /** Status of what is fresh in this coding. */
  freshStatus(key: string, coding: Coding): number | undefined {
    return this.of(key).find(
      (one) => one.freshness === "fresh" && (one.coding === null || one.coding === coding),
    )?.status;
  }
}

/** What S3 says where it is well, and what an object's own metadata may make of it. */
const WELL: ReadonlySet<number> = new Set([200, 206, 301, 302, 303, 304, 307, 308, 404, 410, 416, 451]);

function rankOf(held: readonly Held[]): number {
  return Math.max(0, ...held.map(({ freshness }) => RANKS[freshness]));
}
