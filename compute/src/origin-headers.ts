import { CONFIG_METADATA, OBJECT_METADATA } from "../../src/site/metadata.ts";

const METADATA = [...Object.values(CONFIG_METADATA), ...Object.values(OBJECT_METADATA)];

/** What publishing writes and the app reads, by lower-case names. */
const KEPT: ReadonlySet<string> = new Set([
  "content-type",
  "content-encoding",
  "content-language",
  "content-disposition",
  "content-length",
  "content-range",
  "cache-control",
  "etag",
  "last-modified",
  "date",
  ...METADATA.map((letter) => `x-amz-meta-${letter}`),
]);

/**
 * Takes off S3's answer what publishing did not write: what a store or a proxy before it adds (cookies, HSTS for
 * subdomains, `X-Compress-Hint`, `Vary`, dozens of x-amz-*).
 */
export function keepOwnHeaders(headers: Headers): void {
  const foreign: string[] = [];
  headers.forEach((_, name) => {
    if (!KEPT.has(name)) foreign.push(name);
  });
  for (const name of foreign) headers.delete(name);
}

/** Of those, what an answer shows: no metadata, and what frames the message is said anew. */
const SHOWN: ReadonlySet<string> = new Set([
  "content-type",
  "content-encoding",
  "content-language",
  "content-disposition",
  "cache-control",
  "etag",
  "last-modified",
]);

/** Headers of an object as its answer begins with them. */
export function shownHeaders(stored: Headers): Headers {
  const headers = new Headers();
  stored.forEach((value, name) => {
    if (SHOWN.has(name)) headers.set(name, value);
  });
  return headers;
}
