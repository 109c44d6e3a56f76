import { createHash, timingSafeEqual } from "node:crypto";
import { inspect } from "node:util";

const REDACTED = "[secret]";

/** A value that must not be printed: logs, JSON and template strings show `[secret]`; only `reveal()` gives it out. */
export class Secret {
  readonly #value: string;
  readonly #source: string | undefined;

  /** @param source name of the variable that it was read from */
  constructor(value: string, source?: string) {
    this.#value = value;
    this.#source = source;
  }

  /** Name of the variable that it was read from, where it was: what a message may name. */
  get source(): string | undefined {
    return this.#source;
  }

  /** The value itself, for the one place that puts it on the wire. */
  reveal(): string {
    return this.#value;
  }

  /** Whether a text is this value, in a time that tells nothing of where they differ. */
  equals(text: string): boolean {
    return timingSafeEqual(sha256(text), sha256(this.#value));
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [inspect.custom](): string {
    return REDACTED;
  }
}

/** Digests have one length, which comparing in constant time needs. */
function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
