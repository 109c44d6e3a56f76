import { HeaderList } from "../../http/header-list.ts";
import { parseHttpDate } from "./http-dates.ts";

/**
 * Whether a stored 200 may be answered 304: If-None-Match by weak comparison, and only without it
 * If-Modified-Since (RFC 9110 §13.2.2).
 */
export function isNotModified(request: HeaderList, response: HeaderList): boolean {
  const tags = request.getAll("If-None-Match");
  if (tags.length > 0) return matchesTag(tags.join(","), response.get("ETag"));
  const since = parseHttpDate(request.get("If-Modified-Since") ?? "");
  // Nearly every request ends here; a date costs more to read than all of the rest.
  if (since === null) return false;
  const modified = parseHttpDate(response.get("Last-Modified") ?? "");
  return modified !== null && modified <= since;
}

/** Weak comparison of an If-None-Match list with one tag (RFC 9110 §8.8.3.2). */
export function matchesTag(list: string, tag: string | null): boolean {
  if (list.trim() === "*") return true;
  if (tag === null) return false;
  // Also a tag that is none by its syntax matches itself (cache-tests results: conditional-etag-weak-respond-*).
  if (list.trim() === tag.trim()) return true;
  const wanted = opaque(tag.trim());
  const parts = list.match(/(?:W\/)?"[^"]*"|[^",\s]+/g) ?? [];
  return parts.some((part) => opaque(part) === wanted);
}

function opaque(tag: string): string {
  return tag.startsWith("W/") ? tag.slice(2) : tag;
}

/** What a 304 carries (RFC 9110 §15.4.5) and what the next hop needs of it; the rest is gone before vcl_deliver. */
const KEPT_ON_304 = new Set([
  "age",
  "cache-control",
  "content-location",
  "date",
  "etag",
  "expires",
  "last-modified",
  "surrogate-control",
  "surrogate-key",
  "vary",
  "via",
  "x-cache",
  "x-cache-hits",
  "x-served-by",
  "x-timer",
]);

/** The header lines that stay when a response becomes a 304. */
export function notModifiedHeaders(response: HeaderList): HeaderList {
  const kept = new HeaderList();
  for (const [name, value] of response) if (KEPT_ON_304.has(name.toLowerCase())) kept.add(name, value);
  return kept;
}

/** Validators of a stored response as request headers for its revalidation; empty when it has none. */
export function revalidationHeaders(stored: HeaderList): readonly (readonly [string, string])[] {
  const etag = stored.get("ETag");
  const modified = stored.get("Last-Modified");
  return [
    ...(etag === null ? [] : [["If-None-Match", etag] as const]),
    ...(modified === null ? [] : [["If-Modified-Since", modified] as const]),
  ];
}
