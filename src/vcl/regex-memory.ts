import type { MatchResult } from "../pcre/pattern.ts";

/** What a regex said of a text. */
export interface PastMatch {
  readonly text: string;
  readonly result: MatchResult;
  /** Steps it took, as they are charged. */
  readonly cost: number;
  /** Texts of the groups, once somebody has read them. */
  texts: readonly (string | null)[] | null;
}

/** A restart and a shield ask the same of the same text again, with a few others in between. */
const PLACES = 4;

/** Longer texts are not kept: memory stays small whatever is asked for. */
const LONGEST_KEPT = 1_024;

/** The last few texts that a regex was matched against as a whole. A match depends on nothing else. */
export class RegexMemory {
  readonly #past: PastMatch[] = [];
  #next = 0;

  find(text: string): PastMatch | undefined {
    for (const past of this.#past) if (past.text === text) return past;
    return undefined;
  }

  /** In place of the oldest. */
  keep(past: PastMatch): void {
    if (past.text.length > LONGEST_KEPT) return;
    this.#past[this.#next] = past;
    this.#next = (this.#next + 1) % PLACES;
  }
}
