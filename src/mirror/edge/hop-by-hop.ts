import type { HeaderList } from "../../http/header-list.ts";

/** Headers of one connection only (RFC 9110 §7.6.1). */
const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** A copy without the headers that belong to the connection, those that Connection names included. */
export function endToEndHeaders(headers: HeaderList): HeaderList {
  const named = connectionNames(headers);
  return headers.filtered((lower) => !HOP_BY_HOP.has(lower) && !named.has(lower));
}

/**
 * The same for an origin's response, of which Fastly lets the headers that Connection names through (published
 * cache-tests results: headers-omit-headers-listed-in-Connection).
 */
export function endToEndResponseHeaders(headers: HeaderList): HeaderList {
  return headers.filtered((lower) => !HOP_BY_HOP.has(lower));
}

const NO_NAMES: ReadonlySet<string> = new Set();

/** Names in Connection, but never one that decides about framing, routing or caching: those a client could only abuse. */
function connectionNames(headers: HeaderList): ReadonlySet<string> {
  if (!headers.has("Connection")) return NO_NAMES;
  const names = new Set<string>();
  for (const line of headers.getAll("Connection")) {
    for (const part of line.split(",")) names.add(part.trim().toLowerCase());
  }
  for (const safe of ["host", "content-length", "cache-control", "fastly-ff", ""]) names.delete(safe);
  return names;
}
