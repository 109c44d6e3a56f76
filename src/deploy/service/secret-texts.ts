import type { Secret } from "../../lib/secret.ts";

/** Shorter values turn up by chance. */
const SHORTEST = 8;
const HIDDEN = "[secret]";

/** Finds the values of secrets, and the parts of those that have several (`id:secret`), in text. */
export class SecretTexts {
  readonly #spellings: readonly string[];

  constructor(secrets: readonly Secret[]) {
    const values = secrets.flatMap((secret) => [secret.reveal(), ...secret.reveal().split(":")]);
    const known = values.filter((value) => value.length >= SHORTEST);
    const spellings = known.flatMap((value) => [value, JSON.stringify(value).slice(1, -1)]);
    // The longest first: what is left of one must not stay because a part of it was hidden before.
    this.#spellings = [...new Set(spellings)].sort((a, b) => b.length - a.length);
  }

  isIn(text: string): boolean {
    return this.#spellings.some((spelling) => text.includes(spelling));
  }

  /** The text with every secret in it replaced. */
  hide(text: string): string {
    return this.#spellings.reduce((line, spelling) => line.replaceAll(spelling, HIDDEN), text);
  }
}
