import { leaveWords } from "../../lib/interruption.ts";

/** What is live at a moment, and what the program does when it is asked to stop then; each a clause. */
export interface LiveMoment {
  readonly live: string;
  readonly next: string;
}

/**
 * Tells whoever presses Ctrl-C what is live: at the first with what is done about it, at the second, which stops the
 * program, as its last words.
 */
export class LiveNotice {
  readonly #signal: AbortSignal;
  readonly #progress: (line: string) => void;
  #moment: LiveMoment;

  constructor(
    told: { readonly signal: AbortSignal; readonly progress: (line: string) => void },
    first: LiveMoment,
  ) {
    this.#signal = told.signal;
    this.#progress = told.progress;
    this.#moment = first;
    told.signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** From now on this is so. */
  now(moment: LiveMoment): void {
    this.#moment = moment;
    leaveWords(this.#signal, moment.live);
  }

  close(): void {
    this.#signal.removeEventListener("abort", this.#onAbort);
  }

  readonly #onAbort = (): void => {
    const { live, next } = this.#moment;
    leaveWords(this.#signal, live);
    this.#progress(`interrupted: ${live}; ${next}. Another Ctrl-C stops at once`);
  };
}
