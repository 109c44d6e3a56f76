/** Which alphabet a text is read with. */
export type Base64Alphabet = "base64" | "base64url";

const NOT_IN_ALPHABET = { base64: /[^A-Za-z0-9+/]/g, base64url: /[^A-Za-z0-9_-]/g } as const;

/** How far decoding goes: to the first `=`, or past every one of them as past any other stray character. */
export type PaddingRule = "ends" | "ignored";

/**
 * Bytes of the text. What is not in the alphabet is skipped; padding ends the text, unless it is ignored, and may be
 * left out (reference/vcl/functions/cryptographic/digest-base64-decode, /digest-base64url-nopad-decode).
 */
export function decodeBase64(
  text: string,
  alphabet: Base64Alphabet = "base64",
  padding: PaddingRule = "ends",
): string {
  const end = padding === "ends" ? text.indexOf("=") : -1;
  const clean = (end === -1 ? text : text.slice(0, end)).replaceAll(NOT_IN_ALPHABET[alphabet], "");
  return Buffer.from(clean, alphabet).toString("latin1");
}

/** Bytes of a text that is well-formed base64, with its padding or without; `null` for any other text. */
export function parseBase64(text: string): Buffer | null {
  const [, digits = "", padding = ""] = /^([A-Za-z0-9+/]*)(={0,2})$/.exec(text) ?? [];
  const isWhole = digits.length % 4 !== 1 && (padding === "" || text.length % 4 === 0);
  return digits.length + padding.length === text.length && isWhole ? Buffer.from(digits, "base64") : null;
}

/** Bytes of a text of hexadecimal digit pairs; `null` for any other text. */
export function parseHex(text: string): Buffer | null {
  return /^(?:[0-9A-Fa-f]{2})*$/.test(text) ? Buffer.from(text, "hex") : null;
}

export function encodeBase64(bytes: string): string {
  return Buffer.from(bytes, "latin1").toString("base64");
}

/** URL alphabet, with padding unless told otherwise. */
export function encodeBase64Url(bytes: string, padding: "pad" | "no-pad" = "pad"): string {
  const text = Buffer.from(bytes, "latin1").toString("base64url");
  return padding === "pad" ? text.padEnd(Math.ceil(text.length / 4) * 4, "=") : text;
}
