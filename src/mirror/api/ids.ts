import { randomBytes, randomInt } from "node:crypto";

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const ID_LENGTH = 22;

/** A new identifier of Fastly's form: 22 letters and digits, about 131 bits of them random. */
export function newId(): string {
  let id = "";
  while (id.length < ID_LENGTH) {
    for (const byte of randomBytes(ID_LENGTH)) {
      // 248 is the largest multiple of 62 in a byte: what is above would favour the first letters.
      if (byte < 248 && id.length < ID_LENGTH) id += ALPHABET[byte % ALPHABET.length] ?? "";
    }
  }
  return id;
}

/** Names each purge as Fastly does: `<node>-<seconds since the epoch>-<count>`, e.g. `4151-1635861748-11038`. */
export class PurgeIds {
  readonly #node = randomInt(1000, 9999);
  #count = randomInt(1000, 9999);

  next(nowMs: number): string {
    this.#count += 1;
    return `${this.#node}-${Math.floor(nowMs / 1000)}-${this.#count}`;
  }
}
