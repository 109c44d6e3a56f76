import { REFUSED_HEADERS, REFUSED_HEADER_PREFIXES } from "../../src/site/header-names.ts";
import { HEADER_SLOTS, OBJECT_METADATA } from "../../src/site/metadata.ts";
import { metadataOf } from "./metadata.ts";

const REFUSED: ReadonlySet<string> = new Set(REFUSED_HEADERS);

/**
 * Gives an answer its page's own headers, which S3 has no fields for, and tells which of the edge's defaults it is not to
 * get. What publishing refuses is refused here again: an object that someone tampered with changes its own page only.
 */
export function unpackInto(headers: Headers, stored: Headers): ReadonlySet<string> {
  const without = new Set<string>();
  const packed = metadataOf(stored, OBJECT_METADATA.headers);
  if (packed === undefined) return without;
  const parts = packed.split("|");
  for (const slot of HEADER_SLOTS) {
    const text = parts.find((part) => part.startsWith(`${slot}=`) && part.length > 2)?.slice(2) ?? "";
    const [, removed] = /^!([A-Za-z0-9_-]{1,100})$/.exec(text) ?? [];
    if (removed !== undefined) without.add(removed.toLowerCase());
    else setHeader(headers, text);
  }
  return without;
}

function setHeader(headers: Headers, text: string): void {
  const [, name, encoded] = /^([A-Za-z0-9][A-Za-z0-9_-]{0,99}):(.+)$/.exec(text) ?? [];
  if (name === undefined || encoded === undefined || isRefused(name.toLowerCase())) return;
  const value = urldecode(encoded);
  if (/^[!-~](?:[ -~]*[!-~])?$/.test(value)) headers.set(name, value);
}

function isRefused(lowerName: string): boolean {
  return REFUSED.has(lowerName) || REFUSED_HEADER_PREFIXES.some((prefix) => lowerName.startsWith(prefix));
}

/** As Fastly's `urldecode`: each escape a byte, which here is ASCII or refused, and a plus sign a space. */
function urldecode(text: string): string {
  return text
    .replaceAll("+", " ")
    .replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
