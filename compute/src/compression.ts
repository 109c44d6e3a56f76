import { CASELESS_PATTERNS } from "../../src/site/edge-patterns.ts";
import type { Visit } from "./visit.ts";

const TYPES = new RegExp(CASELESS_PATTERNS.compressedTypes, "i");
const BROTLI = new RegExp(CASELESS_PATTERNS.acceptsBrotli, "i");
const GZIP = new RegExp(CASELESS_PATTERNS.acceptsGzip, "i");

/** Whether an object with status 200 is one that is compressed: text types, never what S3 holds encoded already. */
export function isCompressible(headers: Headers): boolean {
  return !headers.has("content-encoding") && TYPES.test(headers.get("content-type") ?? "");
}

/** Whether the visitor takes a coding that the platform writes. */
export function acceptsCoding(visit: Visit): boolean {
  const accepted = visit.headers.get("accept-encoding") ?? "";
  return BROTLI.test(accepted) || GZIP.test(accepted);
}

/** What the platform is asked to write: it prefers Brotli and overlooks `q=0`, so that "on" will not do. */
export function codingFor(visit: Visit): "br" | "gzip" {
  return BROTLI.test(visit.headers.get("accept-encoding") ?? "") ? "br" : "gzip";
}

/** Marks an answer whose bytes go out encoded: other ones than S3's, so no longer its strong validator (RFC 9110 section 8.8.1). */
export function weaken(headers: Headers): void {
  const etag = headers.get("etag");
  if (etag !== null && !etag.startsWith("W/")) headers.set("ETag", `W/${etag}`);
}
