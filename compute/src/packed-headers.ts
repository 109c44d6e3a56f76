import { REFUSED_HEADERS, REFUSED_HEADER_PREFIXES } from "../../src/site/header-names.ts";
import { HEADER_SLOTS, OBJECT_METADATA } from "../../src/site/metadata.ts";
import { metadataOf, slotTexts } from "./metadata.ts";

const REFUSED: ReadonlySet<string> = new Set(REFUSED_HEADERS);

/**
 * Gives an answer its page's own headers, which S3 has no fields for, and tells which of the edge's defaults it is not to
 * get. What publishing refuses is refused here again: an object that someone tampered with changes its own page only.
 */
export function unpackInto(headers: Headers, stored: Headers): ReadonlySet<string> {
  const without = new Set<string>();
  const packed = metadataOf(stored, OBJECT_METADATA.headers);
  if (packed === undefined) return without;
  const texts = slotTexts(packed.split("|").filter((part) => part.length > 2));
  for (const slot of HEADER_SLOTS) {
    const text = texts.get(slot);
    if (text === undefined) continue;
    const removed = text.startsWith("!") ? text.slice(1) : undefined;
    if (removed === undefined) setHeader(headers, text);
    else if (/^[A-Za-z0-9_-]{1,100}$/.test(removed)) without.add(removed.toLowerCase());
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
  if (!text.includes("%")) return text.replaceAll("+", " ");
  return text
    .replaceAll("+", " ")
    .replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
