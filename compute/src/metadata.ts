import { EDGE_PATTERNS } from "../../src/site/edge-patterns.ts";
import { CONFIG_METADATA, READABLE_CODEC_VERSIONS } from "../../src/site/metadata.ts";

const SITE = new RegExp(EDGE_PATTERNS.site);
const VERSIONS: ReadonlySet<string> = new Set(READABLE_CODEC_VERSIONS.map(String));

/** The header that has an object's user metadata of a letter. */
export function headerOf(letter: string): string {
  return `x-amz-meta-${letter}`;
}

/** User metadata of an object by its letter. */
export function metadataOf(headers: Headers, letter: string): string | undefined {
  return headers.get(headerOf(letter)) ?? undefined;
}

/** The site that a config or bucket of rules names, whatever else it says. */
export function siteOf(headers: Headers): string | undefined {
  const site = metadataOf(headers, CONFIG_METADATA.site);
  return site !== undefined && SITE.test(site) ? site : undefined;
}

/** Whether metadata was written by a codec version that is known; anything else is never guessed. */
export function isReadable(headers: Headers): boolean {
  return VERSIONS.has(metadataOf(headers, CONFIG_METADATA.version) ?? "");
}

/** Texts by the slots that they are packed under, `<slot>=<text>`; of several for one slot the first. */
export function slotTexts(parts: readonly string[]): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const part of parts) {
    const slot = part.charAt(0);
    if (part.charAt(1) === "=" && !texts.has(slot)) texts.set(slot, part.slice(2));
  }
  return texts;
}
