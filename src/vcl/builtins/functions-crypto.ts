import { createCipheriv, createDecipheriv, createHash } from "node:crypto";
import { parseBase64, parseHex } from "../base64.ts";
import type { FunctionRow } from "../catalog-rows.ts";
import type { Transaction } from "../runtime.ts";
import type { VclValue } from "../values.ts";
import { defineFunction, integer, text, word } from "./rows.ts";

const CRYPTO = { category: "cryptographic" };
const UUID = { category: "uuid" };

// ---- crypto.* ------------------------------------------------------------------------------------------------

const KEY_BYTES: Readonly<Record<string, number>> = { aes128: 16, aes192: 24, aes256: 32 };

interface Cipher {
  readonly name: string;
  readonly key: Buffer;
  readonly iv: Buffer;
  readonly padding: boolean;
}

/**
 * Cipher, mode, padding, key and IV of a call; `null` after EINVAL when they do not fit each other. Counter mode goes
 * without padding (functions/cryptographic/crypto-encrypt-hex).
 */
function cipherOf(t: Transaction, args: readonly VclValue[]): Cipher | null {
  const size = KEY_BYTES[word(args[0])];
  const mode = word(args[1]);
  const [, , , key, iv] = args.map(text);
  const padding = word(args[2]) === "pkcs7";
  const cipher = { name: `aes-${(size ?? 0) * 8}-${mode}`, padding };
  const keyBytes = parseHex(key ?? "");
  const ivBytes = parseHex(iv ?? "");
  const fits = keyBytes?.length === size && ivBytes?.length === 16 && !(padding && mode === "ctr");
  if (keyBytes !== null && ivBytes !== null && fits) return { ...cipher, key: keyBytes, iv: ivBytes };
  return invalid(t);
}

function invalid(t: Transaction): null {
  t.vclError = "EINVAL";
  return null;
}

type Text = "hex" | "base64";

const PARSERS = { hex: parseHex, base64: parseBase64 } as const;

function encrypt(encoding: Text) {
  return (t: Transaction, args: readonly VclValue[]): string | null => {
    const spec = cipherOf(t, args);
    const plain = PARSERS[encoding](text(args[5]));
    if (spec === null) return null;
    if (plain === null) return invalid(t);
    if (spec.name.endsWith("cbc") && !spec.padding && plain.length % 16 !== 0) return invalid(t);
    const cipher = createCipheriv(spec.name, spec.key, spec.iv).setAutoPadding(spec.padding);
    return Buffer.concat([cipher.update(plain), cipher.final()]).toString(encoding);
  };
}

function decrypt(encoding: Text) {
  return (t: Transaction, args: readonly VclValue[]): string | null => {
    const spec = cipherOf(t, args);
    const secret = PARSERS[encoding](text(args[5]));
    if (spec === null) return null;
    if (secret === null) return invalid(t);
    const decipher = createDecipheriv(spec.name, spec.key, spec.iv).setAutoPadding(spec.padding);
    try {
      return Buffer.concat([decipher.update(secret), decipher.final()]).toString(encoding);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      t.vclError = "EBADDECRYPT";
      return null;
    }
  };
}

function cryptoRow(
  name: string,
  call: (t: Transaction, args: readonly VclValue[]) => string | null,
): FunctionRow {
  const ids = "ID<aes128 aes192 aes256> cipher, ID<cbc ctr> mode, ID<pkcs7 nopad> padding";
  return defineFunction(
    `STRING crypto.${name}(${ids}, STRING key_hex, STRING iv_hex, STRING input)`,
    CRYPTO,
    call,
  );
}

// ---- uuid.* --------------------------------------------------------------------------------------------------

const NAMESPACES: readonly (readonly [string, string])[] = [
  ["dns", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"],
  ["url", "6ba7b811-9dad-11d1-80b4-00c04fd430c8"],
  ["oid", "6ba7b812-9dad-11d1-80b4-00c04fd430c8"],
  ["x500", "6ba7b814-9dad-11d1-80b4-00c04fd430c8"],
];

const UUID_TEXT = /^[0-9a-f]{8}-[0-9a-f]{4}-([0-9a-f])[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Sets version and variant (RFC 9562 §4) and prints. */
function formatUuid(bytes: Buffer, version: number): string {
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | (version << 4);
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    "-",
  );
}

function randomBytes(t: Transaction): Buffer {
  return Buffer.from(Array.from({ length: 16 }, () => Math.floor(t.host.random() * 256)));
}

function namedUuid(algorithm: "md5" | "sha1", version: 3 | 5) {
  return (t: Transaction, args: readonly VclValue[]): string | null => {
    const namespace = text(args[0]);
    if (!UUID_TEXT.test(namespace)) return invalid(t);
    const hash = createHash(algorithm)
      .update(Buffer.from(namespace.replaceAll("-", ""), "hex"))
      .update(Buffer.from(text(args[1]), "latin1"));
    return formatUuid(hash.digest().subarray(0, 16), version);
  };
}

function uuidV7(t: Transaction): string {
  const bytes = randomBytes(t);
  bytes.writeUIntBE(Math.max(0, Math.floor(t.now * 1000)), 0, 6);
  return formatUuid(bytes, 7);
}

const uuidRows: readonly FunctionRow[] = [
  ...NAMESPACES.map(([name, value]) => defineFunction(`STRING uuid.${name}()`, UUID, () => value)),
  defineFunction("BOOL uuid.is_valid(STRING uuid)", UUID, (_t, [s]) => UUID_TEXT.test(text(s))),
  ...[3, 4, 5, 7].map((version) =>
    defineFunction(`BOOL uuid.is_version${version}(STRING uuid)`, UUID, (_t, [s]) => {
      return UUID_TEXT.exec(text(s))?.[1] === String(version);
    }),
  ),
  defineFunction("STRING uuid.version3(STRING namespace, STRING name)", UUID, namedUuid("md5", 3)),
  defineFunction("STRING uuid.version4()", UUID, (t) => formatUuid(randomBytes(t), 4)),
  defineFunction("STRING uuid.version5(STRING namespace, STRING name)", UUID, namedUuid("sha1", 5)),
  defineFunction("STRING uuid.version7()", UUID, uuidV7),
];

// ---- random --------------------------------------------------------------------------------------------------

const RANDOMNESS = { category: "randomness" };
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** The same number in [0, 1) for the same seed, always. */
function seeded(seed: bigint): number {
  const digest = createHash("sha256").update(seed.toString()).digest();
  return digest.readUIntBE(0, 6) / 2 ** 48;
}

function chance(args: readonly VclValue[], unit: number): boolean {
  const denominator = Number(integer(args[1]));
  return denominator === 0 ? integer(args[0]) > 0n : unit < Number(integer(args[0])) / denominator;
}

/** An INTEGER between two others, both included, in either order. */
function between(args: readonly VclValue[], unit: number): bigint {
  const from = integer(args[0]);
  const to = integer(args[1]);
  const [low, high] = from <= to ? [from, to] : [to, from];
  return low + ((BigInt(Math.floor(unit * 2 ** 53)) * (high - low + 1n)) >> 53n);
}

/** No string can be longer than the workspace. */
const LONGEST = 262_144;

function randomString(t: Transaction, args: readonly VclValue[]): string {
  const length = Math.min(LONGEST, Math.max(0, Number(integer(args[0]))));
  const letters = text(args[1]) || LETTERS;
  return Array.from({ length }, () => letters[Math.floor(t.host.random() * letters.length)] ?? "").join("");
}

const randomRows: readonly FunctionRow[] = [
  defineFunction("BOOL randombool(INTEGER numerator, INTEGER denominator)", RANDOMNESS, (t, args) =>
    chance(args, t.host.random()),
  ),
  defineFunction(
    "BOOL randombool_seeded(INTEGER numerator, INTEGER denominator, INTEGER seed)",
    RANDOMNESS,
    (_t, args) => chance(args, seeded(integer(args[2]))),
  ),
  defineFunction("INTEGER randomint(INTEGER from, INTEGER to)", RANDOMNESS, (t, args) =>
    between(args, t.host.random()),
  ),
  defineFunction("INTEGER randomint_seeded(INTEGER from, INTEGER to, INTEGER seed)", RANDOMNESS, (_t, args) =>
    between(args, seeded(integer(args[2]))),
  ),
  defineFunction("STRING randomstr(INTEGER len, [STRING characters])", RANDOMNESS, randomString),
];

/** Encryption, UUIDs and randomness. */
export const CRYPTO_FUNCTIONS: readonly FunctionRow[] = [
  cryptoRow("encrypt_hex", encrypt("hex")),
  cryptoRow("encrypt_base64", encrypt("base64")),
  cryptoRow("decrypt_hex", decrypt("hex")),
  cryptoRow("decrypt_base64", decrypt("base64")),
  ...uuidRows,
  ...randomRows,
];
