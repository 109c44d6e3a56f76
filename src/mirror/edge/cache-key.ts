import { createHash } from "node:crypto";

/** Longest hash kept as it is; longer ones are digested, so that keys stay small. */
const MAX_PLAIN_KEY = 256;

/** The cache key of a service's hash string. */
export function cacheKey(serviceId: string, hash: string): string {
  if (hash.length <= MAX_PLAIN_KEY) return `${serviceId}=${hash}`;
  return `${serviceId}#${createHash("sha256").update(hash, "latin1").digest("base64")}`;
}
