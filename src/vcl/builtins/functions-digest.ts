import { constants, createHmac, createVerify, hash, timingSafeEqual } from "node:crypto";
import { decodeBase64, encodeBase64, encodeBase64Url, parseBase64 } from "../base64.ts";
import type { FunctionRow } from "../catalog-rows.ts";
import { RecentResults } from "../recent-results.ts";
import type { Transaction } from "../runtime.ts";
import type { VclValue } from "../values.ts";
import { crc32, crc32Bzip2, swapBytes32, xxh32, xxh64 } from "./checksums.ts";
import { defineFunction, integer, text, textOrNull, word } from "./rows.ts";

const CRYPTO = { category: "cryptographic" };

type HashName = "md5" | "sha1" | "sha224" | "sha256" | "sha384" | "sha512";

function bytesOf(value: string): Buffer {
  return Buffer.from(value, "latin1");
}

function hashHex(name: HashName, input: string): string {
  return hash(name, bytesOf(input), "hex");
}

/** What keys of objects and signatures are made of, in all programs that read S3. */
const SHA256 = new RecentResults((input) => hashHex("sha256", input));

function hmac(name: HashName, key: Buffer, input: string | Buffer): Buffer {
  return createHmac(name, key)
    .update(typeof input === "string" ? bytesOf(input) : input)
    .digest();
}

/** Bytes that SHA-256 takes at a time. */
const BLOCK = 64;

/**
 * HMAC-SHA256 in hex for many inputs by one key of at most 64 bytes (RFC 2104 §2), of two hashes at once each: an HMAC object
 * takes longer to make than either.
 */
function hmacSha256(key: Buffer): (input: string) => string {
  const padded = (pad: number): Buffer => {
    const block = Buffer.alloc(BLOCK, pad);
    for (const [at, byte] of key.entries()) block[at] = byte ^ pad;
    return block;
  };
  const [inner, outer] = [padded(0x36), padded(0x5c)];
  return (input) => {
    const digest = hash("sha256", Buffer.concat([inner, bytesOf(input)]), "buffer");
    return hash("sha256", Buffer.concat([outer, digest]), "hex");
  };
}

const HASHES: readonly HashName[] = ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"];
const FROM_BASE64: readonly HashName[] = ["sha1", "sha256", "sha512"];
const HMACS: readonly HashName[] = ["md5", "sha1", "sha256", "sha512"];

function hex32(value: number): string {
  return value.toString(16).padStart(8, "0");
}

function hex64(value: bigint): string {
  return value.toString(16).padStart(16, "0");
}

const hashRows: readonly FunctionRow[] = [
  ...HASHES.map((name) =>
    defineFunction(`STRING digest.hash_${name}(STRING s)`, CRYPTO, (_t, [s]) =>
      name === "sha256" ? SHA256.of(text(s)) : hashHex(name, text(s)),
    ),
  ),
  ...FROM_BASE64.map((name) =>
    defineFunction(`STRING digest.hash_${name}_from_base64(STRING s)`, CRYPTO, (_t, [s]) =>
      hashHex(name, decodeBase64(text(s))),
    ),
  ),
  // The variant of bzip2 with its bytes swapped, as PHP's crc32 prints (functions/cryptographic/digest-hash-crc32).
  defineFunction("STRING digest.hash_crc32(STRING s)", CRYPTO, (_t, [s]) =>
    hex32(swapBytes32(crc32Bzip2(text(s)))),
  ),
  defineFunction("STRING digest.hash_crc32b(STRING s)", CRYPTO, (_t, [s]) => hex32(crc32(text(s)))),
  defineFunction("STRING digest.hash_xxh32(STRING s)", CRYPTO, (_t, [s]) => hex32(xxh32(text(s)))),
  defineFunction("STRING digest.hash_xxh32_from_base64(STRING s)", CRYPTO, (_t, [s]) =>
    hex32(xxh32(decodeBase64(text(s)))),
  ),
  defineFunction("STRING digest.hash_xxh64(STRING s)", CRYPTO, (_t, [s]) => hex64(xxh64(text(s)))),
  defineFunction("STRING digest.hash_xxh64_from_base64(STRING s)", CRYPTO, (_t, [s]) =>
    hex64(xxh64(decodeBase64(text(s)))),
  ),
];

/** A code that is good for one interval: HMAC of the interval's number as 8 bytes, in base64. */
function timeHmac(name: HashName) {
  return (t: Transaction, args: readonly VclValue[]): string => {
    const interval = integer(args[1]);
    if (interval <= 0n) {
      t.vclError = "EINVAL";
      return "";
    }
    const counter = Buffer.alloc(8);
    counter.writeBigInt64BE(BigInt.asIntN(64, BigInt(Math.floor(t.now)) / interval + integer(args[2])));
    return hmac(name, bytesOf(decodeBase64(text(args[0]))), counter).toString("base64");
  };
}

/** What no key or a broken one gives: nothing that could be taken for a code (docs.varnish-software.com, vmod digest). */
function withoutKey(t: Transaction): null {
  t.vclError = "EINVAL";
  return null;
}

function keyedHash(name: HashName, print: (code: Buffer) => string) {
  return (t: Transaction, [given, s]: readonly VclValue[]): string | null => {
    const key = textOrNull(given);
    return key === null ? withoutKey(t) : print(hmac(name, bytesOf(key), text(s)));
  };
}

const asHex = (code: Buffer): string => `0x${code.toString("hex")}`;
const asBase64 = (code: Buffer): string => code.toString("base64");

const hmacRows: readonly FunctionRow[] = [
  ...HMACS.flatMap((name) => [
    defineFunction(`STRING digest.hmac_${name}(STRING key, STRING s)`, CRYPTO, keyedHash(name, asHex)),
    defineFunction(
      `STRING digest.hmac_${name}_base64(STRING key, STRING s)`,
      CRYPTO,
      keyedHash(name, asBase64),
    ),
    defineFunction(
      `STRING digest.time_hmac_${name}(STRING key, INTEGER interval, INTEGER offset)`,
      CRYPTO,
      timeHmac(name),
    ),
  ]),
  defineFunction(
    "STRING digest.hmac_sha256_with_base64_key(STRING key, STRING s)",
    CRYPTO,
    (t, [given, s]) => {
      const key = parseBase64(text(given));
      return key === null || key.length === 0 ? withoutKey(t) : asHex(hmac("sha256", key, text(s)));
    },
  ),
  defineFunction(
    "STRING digest.awsv4_hmac(STRING key, STRING date_stamp, STRING region, STRING service, STRING s)",
    CRYPTO,
    (_t, args) => awsV4Signature(args),
  ),
];

/** Signature Version 4: the key is derived from the secret, date, region and service (docs.aws.amazon.com/IAM, "Create a signed request"). */
function awsV4Signature(args: readonly VclValue[]): string {
  const [secret = "", date = "", region = "", service = "", stringToSign = ""] = args.map(text);
  return signingKey({ secret, date, region, service }).signatures.of(stringToSign);
}

interface KeyScope {
  readonly secret: string;
  readonly date: string;
  readonly region: string;
  readonly service: string;
}

interface SigningKey {
  readonly scope: KeyScope;
  /** Signatures by what was signed. */
  readonly signatures: RecentResults;
}

/** The key made last: it is the same for all requests of a day, and making it takes four of the five hashes. */
let latest: SigningKey | undefined;

function signingKey(scope: KeyScope): SigningKey {
  const { secret, date, region, service } = scope;
  const known = latest?.scope;
  const isKnown =
    known?.secret === secret && known.date === date && known.region === region && known.service === service;
  if (latest !== undefined && isKnown) return latest;
  const dateKey = hmac("sha256", bytesOf(`AWS4${secret}`), date);
  const regionKey = hmac("sha256", dateKey, region);
  const key = hmac("sha256", hmac("sha256", regionKey, service), "aws4_request");
  const signatures = new RecentResults(hmacSha256(key));
  latest = { scope, signatures };
  return latest;
}

const base64Rows: readonly FunctionRow[] = [
  defineFunction("STRING digest.base64(STRING input)", CRYPTO, (_t, [s]) => encodeBase64(text(s))),
  defineFunction("STRING digest.base64_decode(STRING s)", CRYPTO, (_t, [s]) =>
    upToNul(decodeBase64(text(s))),
  ),
  defineFunction("STRING digest.base64url(STRING s)", CRYPTO, (_t, [s]) => encodeBase64Url(text(s))),
  defineFunction("STRING digest.base64url_decode(STRING s)", CRYPTO, (_t, [s]) =>
    upToNul(decodeBase64(text(s), "base64url")),
  ),
  defineFunction("STRING digest.base64url_nopad(STRING s)", CRYPTO, (_t, [s]) =>
    encodeBase64Url(text(s), "no-pad"),
  ),
  defineFunction("STRING digest.base64url_nopad_decode(STRING s)", CRYPTO, (_t, [s]) =>
    upToNul(decodeBase64(text(s), "base64url", "ignored")),
  ),
];

/** A NUL ends a string. */
function upToNul(bytes: string): string {
  const nul = bytes.indexOf("\0");
  return nul === -1 ? bytes : bytes.slice(0, nul);
}

/** Takes the same time wherever two strings of one length differ. */
function secureIsEqual(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(bytesOf(a), bytesOf(b));
}

// ---- signatures ----------------------------------------------------------------------------------------------

const VERIFY_HASHES = "sha1 sha256 sha384 sha512 default";
const VARIANTS = "standard url url_nopad";

function signatureBytes(value: string, variant: string): Buffer {
  return bytesOf(decodeBase64(value, variant === "standard" ? "base64" : "base64url"));
}

interface Signature {
  readonly hash: string;
  readonly publicKey: string;
  readonly payload: string;
  readonly bytes: Buffer;
  readonly format?: "der" | "ieee-p1363";
}

/** Whether the signature is good; a key that cannot be read verifies nothing and sets `fastly.error`. */
function verify(t: Transaction, signature: Signature): boolean {
  const name = signature.hash === "default" ? "sha256" : signature.hash;
  const verifier = createVerify(name).update(bytesOf(signature.payload));
  const key = { key: signature.publicKey, padding: constants.RSA_PKCS1_PADDING };
  try {
    if (signature.format === undefined) return verifier.verify(key, signature.bytes);
    return verifier.verify({ key: signature.publicKey, dsaEncoding: signature.format }, signature.bytes);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    t.vclError = "EINVAL";
    return false;
  }
}

const signatureRows: readonly FunctionRow[] = [
  defineFunction("BOOL digest.secure_is_equal(STRING s1, STRING s2)", CRYPTO, (_t, [a, b]) =>
    secureIsEqual(text(a), text(b)),
  ),
  defineFunction(
    `BOOL digest.rsa_verify(ID<${VERIFY_HASHES}> hash_method, STRING public_key, STRING payload, STRING digest, [ID<${VARIANTS}> base64_variant])`,
    CRYPTO,
    (t, [hash, key, payload, digest, variant]) =>
      verify(t, {
        hash: word(hash),
        publicKey: text(key),
        payload: text(payload),
        bytes: signatureBytes(text(digest), word(variant) || "url_nopad"),
      }),
  ),
  defineFunction(
    `BOOL digest.ecdsa_verify(ID<${VERIFY_HASHES}> hash_method, STRING public_key, STRING payload, STRING digest, ID<der jwt> digest_format, [ID<${VARIANTS}> base64_variant])`,
    CRYPTO,
    (t, [hash, key, payload, digest, format, variant]) =>
      verify(t, {
        hash: word(hash),
        publicKey: text(key),
        payload: text(payload),
        bytes: signatureBytes(text(digest), word(variant) || "url_nopad"),
        format: word(format) === "der" ? "der" : "ieee-p1363",
      }),
  ),
];

/** Hashes, message authentication, base64 and signatures. */
export const DIGEST_FUNCTIONS: readonly FunctionRow[] = [
  ...hashRows,
  ...hmacRows,
  ...base64Rows,
  ...signatureRows,
];
