import { createPublicKey, diffieHellman, generateKeyPairSync } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { hsalsa, xsalsa20poly1305 } from "@noble/ciphers/salsa.js";
import { blake2b } from "@noble/hashes/blake2.js";

const KEY_BYTES = 32;
const NONCE_BYTES = 24;
/** Tag of Poly1305. */
const TAG_BYTES = 16;
/** SubjectPublicKeyInfo of an X25519 key up to its bytes (RFC 8410 §4). */
const SPKI_PREFIX = Buffer.from("302a300506032b656e032100", "hex");
/** "expand 32-byte k". */
const SIGMA = new Uint32Array([0x61707865, 0x3320646e, 0x79622d32, 0x6b206574]);

/** A key pair for sealed boxes. */
export interface BoxKeys {
  readonly publicKey: Buffer;
  readonly privateKey: KeyObject;
}

/** A new X25519 key pair. */
export function newBoxKeys(): BoxKeys {
  const { publicKey, privateKey } = generateKeyPairSync("x25519");
  const der = publicKey.export({ format: "der", type: "spki" });
  return { publicKey: der.subarray(SPKI_PREFIX.length), privateKey };
}

/**
 * Opens a libsodium-compatible sealed box (libsodium: "Sealed boxes"): an ephemeral public key, then a box whose nonce is
 * BLAKE2b of both public keys. `null` when it was not sealed for these keys, or was changed.
 */
export function openSealedBox(sealed: Uint8Array, keys: BoxKeys): Buffer | null {
  if (sealed.length < KEY_BYTES + TAG_BYTES) return null;
  const sender = sealed.subarray(0, KEY_BYTES);
  const shared = sharedSecret(keys.privateKey, sender);
  if (shared === null) return null;
  const nonce = blake2b(Buffer.concat([sender, keys.publicKey]), { dkLen: NONCE_BYTES });
  try {
    return Buffer.from(xsalsa20poly1305(boxKey(shared), nonce).decrypt(sealed.subarray(KEY_BYTES)));
  } catch (error) {
    // The library says "invalid tag" in no other way.
    if (error instanceof Error) return null;
    throw error;
  }
}

/** `null` for a point of small order, with which every secret is zero (RFC 7748 §6.1). */
function sharedSecret(privateKey: KeyObject, sender: Uint8Array): Buffer | null {
  const publicKey = createPublicKey({
    key: Buffer.concat([SPKI_PREFIX, sender]),
    format: "der",
    type: "spki",
  });
  try {
    return diffieHellman({ privateKey, publicKey });
  } catch (error) {
    if (error instanceof Error) return null;
    throw error;
  }
}

/** HSalsa20 of the shared secret and sixteen zeros (NaCl: `crypto_box_beforenm`). */
function boxKey(shared: Buffer): Uint8Array {
  const key = new Uint32Array(8);
  for (let i = 0; i < 8; i += 1) key[i] = shared.readUInt32LE(i * 4);
  const out = new Uint32Array(8);
  hsalsa(SIGMA, key, new Uint32Array(4), out);
  const bytes = Buffer.alloc(KEY_BYTES);
  out.forEach((word, i) => bytes.writeUInt32LE(word, i * 4));
  return bytes;
}
