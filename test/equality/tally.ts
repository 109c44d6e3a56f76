import type { Id } from "./allowances.ts";
import type { Outcome, Use } from "./comparison.ts";

/** How often a difference was allowed for. */
export interface UseCount {
  readonly id: Id;
  /** Requests whose answers themselves were others, so that hardly anything of them was compared. */
  readonly parted: number;
  /** Requests of which it took some findings out, and all that it ever took. */
  readonly taken: number;
  readonly excused: readonly string[];
}

/** What a search compared, and what it did not. Can be sent from one thread to another. */
export interface TallyFigures {
  readonly requests: number;
  /** Requests that were not compared in full, in one field or in all. */
  readonly excused: number;
  /** Of those the ones whose answers themselves were others. */
  readonly parted: number;
  readonly uses: readonly UseCount[];
}

/** Counts in how many requests of a search something was excused, and why. */
export class Tally {
  #requests = 0;
  #excused = 0;
  #parted = 0;
  readonly #uses = new Map<Id, { parted: number; taken: number; readonly excused: Set<string> }>();

  note({ uses }: Pick<Outcome, "uses">): void {
    this.#requests += 1;
    if (uses.length > 0) this.#excused += 1;
    if (uses.some(({ isParted }) => isParted)) this.#parted += 1;
    for (const use of uses) this.#count(use);
  }

  /** Adds what another one has counted. */
  add({ requests, excused, parted, uses }: TallyFigures): void {
    this.#requests += requests;
    this.#excused += excused;
    this.#parted += parted;
    for (const use of uses) {
      const known = this.#of(use.id);
      known.parted += use.parted;
      known.taken += use.taken;
      for (const what of use.excused) known.excused.add(what);
    }
  }

  figures(): TallyFigures {
    const uses = [...this.#uses].map(([id, use]) => ({ id, ...use, excused: [...use.excused].sort() }));
    return {
      requests: this.#requests,
      excused: this.#excused,
      parted: this.#parted,
      uses: uses.sort((a, b) => b.parted - a.parted || b.taken - a.taken),
    };
  }

  #count({ id, excused, isParted }: Use): void {
    const known = this.#of(id);
    if (isParted) {
      known.parted += 1;
      return;
    }
    known.taken += 1;
    for (const what of excused) known.excused.add(what);
  }

  #of(id: Id): { parted: number; taken: number; readonly excused: Set<string> } {
    const known = this.#uses.get(id) ?? { parted: 0, taken: 0, excused: new Set() };
    this.#uses.set(id, known);
    return known;
  }
}

/** The figures for a person to read, one line a difference. */
export function tallyText({ requests, excused, parted, uses }: TallyFigures): string {
  const share = (count: number): string => `${((100 * count) / Math.max(1, requests)).toFixed(2)} %`;
  const widest = Math.max(0, ...uses.map(({ id }) => id.length));
  return [
    `${requests} requests: ${share(requests - excused)} compared in full, ${share(excused - parted)} but for some fields, ` +
      `${share(parted)} cut short because the answers are others for a listed reason`,
    ...uses.map((use) => {
      const fields = use.taken === 0 ? "" : `, ${use.taken} but for ${use.excused.join(", ")}`;
      return `  ${use.id.padEnd(widest)}  ${use.parted} cut short${fields}`;
    }),
  ].join("\n");
}
