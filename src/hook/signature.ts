import { createHmac, timingSafeEqual } from "node:crypto";
import type { Secret } from "../lib/secret.ts";
import type { HookKey } from "./hook-keys.ts";

/** The request header that carries the signature: `k=<key id>,t=<seconds>,n=<nonce>,v1=<hex>`. */
export const SIGNATURE_HEADER = "sitefleet-signature";
/** The request header that carries the hex SHA-256 of the body; it may be left out when there is none. */
export const DIGEST_HEADER = "sitefleet-content-sha256";
/** How far the caller's clock may be from ours, in seconds. */
export const TOLERANCE = 300;
/** Hex SHA-256 of nothing. */
export const EMPTY_DIGEST = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/** What a signature covers. */
export interface SignedText {
  /** Server environment that the endpoint works on: what was meant for one is worth nothing at another. */
  readonly environment: string;
  readonly method: string;
  /** Path and query exactly as on the request line. */
  readonly target: string;
  /** Seconds since the epoch. */
  readonly timestamp: number;
  readonly nonce: string;
  /** Hex SHA-256 of the body. */
  readonly digest: string;
}

export interface SignatureHeader {
  readonly keyId: string;
  readonly timestamp: number;
  readonly nonce: string;
  readonly mac: Buffer;
}

const HEADER = /^k=([A-Za-z0-9_-]{1,64}),t=([1-9]\d{0,10}),n=([A-Za-z0-9_-]{16,128}),v1=([0-9a-f]{64})$/;
const DIGEST = /^[0-9a-f]{64}$/;

/** The text that is signed; docs/hooks.md shows it line by line. */
export function canonicalText(signed: SignedText): string {
  const { environment, method, target, timestamp, nonce, digest } = signed;
  return ["sitefleet-hook-v1", environment, method, target, timestamp, nonce, digest].join("\n");
}

/** HMAC-SHA-256 (RFC 2104) of the canonical text. */
export function signatureOf(secret: Secret, signed: SignedText): Buffer {
  return createHmac("sha256", secret.reveal()).update(canonicalText(signed), "utf8").digest();
}

/** The header for a request, as a caller writes it. */
export function signatureHeader(key: HookKey, signed: SignedText): string {
  const { timestamp, nonce } = signed;
  return `k=${key.id},t=${timestamp},n=${nonce},v1=${signatureOf(key.secret, signed).toString("hex")}`;
}

/** Reads the header; `undefined` when it has any other form. */
export function parseSignature(header: string): SignatureHeader | undefined {
  const [, keyId, timestamp, nonce, mac] = HEADER.exec(header) ?? [];
  if (keyId === undefined || timestamp === undefined || nonce === undefined || mac === undefined) {
    return undefined;
  }
  return { keyId, timestamp: Number(timestamp), nonce, mac: Buffer.from(mac, "hex") };
}

/** Whether a text can be the body's digest. */
export function isDigest(text: string): boolean {
  return DIGEST.test(text);
}

/** Whether a signature is that of the text, in a time that tells nothing of where they differ. */
export function isSignedBy(secret: Secret, signed: SignedText, mac: Buffer): boolean {
  const expected = signatureOf(secret, signed);
  return mac.length === expected.length && timingSafeEqual(mac, expected);
}
