/**
 * Base64 between byte strings. Node's decoder takes both alphabets and skips what it does not know; Fastly stops at the
 * first character outside the alphabet (reference/vcl/functions/cryptographic/digest-base64-decode).
 */
export type Base64Alphabet = "base64" | "base64url";

const NOT_IN_ALPHABET = { base64: /[^A-Za-z0-9+/]/, base64url: /[^A-Za-z0-9_-]/ } as const;

/** Bytes of the text up to the first character that is not in the alphabet. */
export function decodeBase64(text: string, alphabet: Base64Alphabet = "base64"): string {
  const end = text.search(NOT_IN_ALPHABET[alphabet]);
  const clean = end === -1 ? text : text.slice(0, end);
  return Buffer.from(clean, alphabet).toString("latin1");
}

export function encodeBase64(bytes: string): string {
  return Buffer.from(bytes, "latin1").toString("base64");
}

/** URL alphabet, with padding unless told otherwise. */
export function encodeBase64Url(bytes: string, padding: "pad" | "no-pad" = "pad"): string {
  const text = Buffer.from(bytes, "latin1").toString("base64url");
  return padding === "pad" ? text.padEnd(Math.ceil(text.length / 4) * 4, "=") : text;
}
