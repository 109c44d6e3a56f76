import { generateKeyPairSync, sign } from "node:crypto";
import type { KeyObject } from "node:crypto";
import type { Clock } from "../../lib/clock.ts";
import { newBoxKeys, openSealedBox } from "./sealed-box.ts";
import type { BoxKeys } from "./sealed-box.ts";

/** How long a key is good for (recorded: ten minutes). */
const LIFE_MS = 600_000;
/** Keys that nobody used, at most. */
const MAX_KEYS = 1000;
/** SubjectPublicKeyInfo of an Ed25519 key up to its bytes (RFC 8410 §4). */
const SPKI_PREFIX_BYTES = 12;

/** A key that clients seal secrets with, and the proof that it is this API's. */
export interface ClientKey {
  readonly publicKey: Buffer;
  /** Ed25519 over the public key. */
  readonly signature: Buffer;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** The keys that secrets are sealed with on their way (reference/api/services/resources/secret-store); made anew at each start. */
export class ClientKeys {
  readonly #clock: Clock;
  readonly #keys = new Map<string, { readonly keys: BoxKeys; readonly expiresAt: number }>();
  readonly #signer: KeyObject;
  /** The public key of the signatures. */
  readonly signingKey: Buffer;

  constructor(clock: Clock) {
    this.#clock = clock;
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    this.#signer = privateKey;
    this.signingKey = publicKey.export({ format: "der", type: "spki" }).subarray(SPKI_PREFIX_BYTES);
  }

  create(): ClientKey {
    this.#forget();
    const keys = newBoxKeys();
    const expiresAt = this.#clock.now() + LIFE_MS;
    this.#keys.set(keys.publicKey.toString("base64"), { keys, expiresAt });
    return { publicKey: keys.publicKey, signature: sign(null, keys.publicKey, this.#signer), expiresAt };
  }

  /** What was sealed with a key (base64); `null` for one that is not good any more, and for what was not sealed with it. */
  open(publicKey: string, sealed: Buffer): Buffer | null {
    const known = this.#keys.get(publicKey);
    if (known === undefined || known.expiresAt <= this.#clock.now()) return null;
    return openSealedBox(sealed, known.keys);
  }

  /** Those whose time is over, and the oldest of too many. */
  #forget(): void {
    for (const [name, { expiresAt }] of this.#keys) {
      if (expiresAt > this.#clock.now() && this.#keys.size < MAX_KEYS) break;
      this.#keys.delete(name);
    }
  }
}
