import { S3Error } from "./s3-error.ts";

const PLAIN_PATH = /^[A-Za-z0-9\-._~/]*$/;
const HEX = "0123456789ABCDEF";

/**
 * Percent-decodes to a byte string (one character per byte). Throws `InvalidURI` for a `%` that does not start an escape.
 */
export function decodePercent(text: string): string {
  if (!text.includes("%")) return text;
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) throw new S3Error("InvalidURI");
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}

/** Percent-encodes a byte string by the rule of Signature Version 4: everything but `A-Z a-z 0-9 - . _ ~`, and `/` where `slash` says so. */
export function encodeForSignature(bytes: string, { slash }: { readonly slash: "keep" | "encode" }): string {
  const unsafe = slash === "keep" ? /[^A-Za-z0-9\-._~/]/g : /[^A-Za-z0-9\-._~]/g;
  return bytes.replace(unsafe, escapeByte);
}

/** The canonical form of a raw request path: each segment decoded once and encoded again, nothing normalised. */
export function canonicalPath(rawPath: string): string {
  return PLAIN_PATH.test(rawPath) ? rawPath : encodeForSignature(decodePercent(rawPath), { slash: "keep" });
}

/** The text that a byte string holds. Throws `InvalidURI` when it is not UTF-8 or has a NUL. */
export function bytesToText(bytes: string): string {
  if (/^[\x01-\x7f]*$/.test(bytes)) return bytes;
  if (bytes.includes("\0")) throw new S3Error("InvalidURI");
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.from(bytes, "latin1"));
  } catch {
    // The decoder throws for one reason only: the bytes are not UTF-8, so they are no key.
    throw new S3Error("InvalidURI");
  }
}

/** Encodes a key as `encoding-type=url` does: like an HTML form, but with `/` left alone. */
export function encodeListed(text: string): string {
  return Buffer.from(text)
    .toString("latin1")
    .replace(/[^A-Za-z0-9\-._*/]/g, (byte) => (byte === " " ? "+" : escapeByte(byte)));
}

function escapeByte(byte: string): string {
  const code = byte.charCodeAt(0);
  return `%${HEX.charAt(code >> 4)}${HEX.charAt(code & 15)}`;
}
