import { createPublicKey, diffieHellman, generateKeyPairSync } from "node:crypto";
import { hsalsa, xsalsa20poly1305 } from "@noble/ciphers/salsa.js";
import { blake2b } from "@noble/hashes/blake2.js";
import { assert, property, uint8Array } from "fast-check";
import { describe, expect, test } from "vitest";
import { newBoxKeys, openSealedBox } from "../../../src/mirror/api/sealed-box.ts";
import { ClientKeys } from "../../../src/mirror/api/client-keys.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const SPKI = Buffer.from("302a300506032b656e032100", "hex");

/** As libsodium's `crypto_box_seal`. */
function seal(text: Uint8Array, publicKey: Buffer): Buffer {
  const sender = generateKeyPairSync("x25519");
  const sent = sender.publicKey.export({ format: "der", type: "spki" }).subarray(SPKI.length);
  const shared = diffieHellman({
    privateKey: sender.privateKey,
    publicKey: createPublicKey({ key: Buffer.concat([SPKI, publicKey]), format: "der", type: "spki" }),
  });
  const words = (bytes: Buffer): Uint32Array =>
    Uint32Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readUInt32LE(i * 4));
  const out = new Uint32Array(8);
  hsalsa(words(Buffer.from("expand 32-byte k")), words(shared), new Uint32Array(4), out);
  const key = Buffer.alloc(32);
  out.forEach((word, i) => key.writeUInt32LE(word, i * 4));
  const nonce = blake2b(Buffer.concat([sent, publicKey]), { dkLen: 24 });
  return Buffer.concat([sent, xsalsa20poly1305(key, nonce).encrypt(text)]);
}

describe("a sealed box", () => {
  test("is opened by whom it was sealed for", () => {
    const keys = newBoxKeys();
    assert(
      property(uint8Array({ maxLength: 300 }), (text) => {
        expect(openSealedBox(seal(text, keys.publicKey), keys)).toEqual(Buffer.from(text));
      }),
      { numRuns: 30 },
    );
  });

  test("that somebody changed, cut or sealed for another is not opened", () => {
    const keys = newBoxKeys();
    const sealed = seal(Buffer.from("hush"), keys.publicKey);
    for (let i = 0; i < sealed.length; i += 1) {
      const changed = Buffer.from(sealed);
      changed.writeUInt8(changed.readUInt8(i) ^ 1, i);
      expect(openSealedBox(changed, keys), `byte ${i}`).toBeNull();
      expect(openSealedBox(sealed.subarray(0, i), keys), `${i} bytes`).toBeNull();
    }
    expect(openSealedBox(sealed, newBoxKeys())).toBeNull();
  });

  test("whose sender's key is a point of small order is not opened", () => {
    const keys = newBoxKeys();
    expect(openSealedBox(Buffer.alloc(80), keys)).toBeNull();
  });
});

describe("client keys", () => {
  test("are good for ten minutes and no longer", () => {
    const clock = new FakeClock();
    const known = new ClientKeys(clock);
    const { publicKey, expiresAt } = known.create();
    const sealed = seal(Buffer.from("hush"), publicKey);
    expect(expiresAt - clock.now()).toBe(600_000);
    expect(known.open(publicKey.toString("base64"), sealed)?.toString()).toBe("hush");
    clock.advance(600_000);
    expect(known.open(publicKey.toString("base64"), sealed)).toBeNull();
  });
});
