import { isIPv6 } from "node:net";

/** An address as Fastly would tell it again: IPv6 in its short form, in lower case (RFC 5952). */
export function canonicalAddress(text: string): string {
  return isIPv6(text) ? new URL(`http://[${text}]`).hostname.slice(1, -1) : text;
}
