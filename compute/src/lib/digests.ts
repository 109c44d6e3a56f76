import { toHex } from "./hex.ts";

/** WebCrypto, as Fastly's runtime has it: digests and HMAC, both asynchronous. */

const utf8 = new TextEncoder();
const HMAC = { name: "HMAC", hash: "SHA-256" };

/** Hex SHA-256 of a text's UTF-8 bytes. */
export async function sha256Hex(text: string): Promise<string> {
  return toHex(await crypto.subtle.digest("SHA-256", utf8.encode(text)));
}

/** HMAC-SHA-256; texts count as their UTF-8 bytes. */
export async function hmacSha256(
  key: string | ArrayBuffer,
  message: string | Uint8Array<ArrayBuffer>,
): Promise<ArrayBuffer> {
  const bytes = typeof key === "string" ? utf8.encode(key) : key;
  const imported = await crypto.subtle.importKey("raw", bytes, HMAC, false, ["sign"]);
  return crypto.subtle.sign("HMAC", imported, typeof message === "string" ? utf8.encode(message) : message);
}

/** Whether two texts are equal, in a time that does not depend on where they differ. */
export function isEqualSecret(one: string, other: string): boolean {
  if (one.length !== other.length) return false;
  let difference = 0;
  for (let at = 0; at < one.length; at += 1) difference |= one.charCodeAt(at) ^ other.charCodeAt(at);
  return difference === 0;
}
