/** Why a run's signal aborts when somebody asks the program to stop: with Ctrl-C, or a polite kill. */
export class Interruption extends Error {
  override readonly name = "Interruption";
  #lastWords: string | undefined;

  constructor() {
    super("interrupted");
  }

  /** What is said by a program that is stopped at once, in the middle of ending in order. */
  get lastWords(): string | undefined {
    return this.#lastWords;
  }

  /** Says what would be left now; each call takes the place of the one before. */
  leave(words: string): void {
    this.#lastWords = words;
  }
}

/** Leaves last words with whoever interrupted; nothing happens where nobody did. */
export function leaveWords(signal: AbortSignal, words: string): void {
  const reason: unknown = signal.reason;
  if (reason instanceof Interruption) reason.leave(words);
}

/** Work that ended early because it was asked to, and that knows what it left: the message says so. */
export class InterruptedError extends Error {
  override readonly name = "InterruptedError";
  /** What else there is to know, a line each. */
  readonly details: readonly string[];

  constructor(message: string, details: readonly string[] = []) {
    super(message);
    this.details = details;
  }
}
