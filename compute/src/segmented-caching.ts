import type { EdgeOrigin } from "../../src/site/edge-settings.ts";
import { alarm } from "./log.ts";
import type { LargeObject } from "./object.ts";
import type { Candidate, OriginResponse } from "./platform.ts";
import { readThrough } from "./read-through.ts";
import type { Stored } from "./read-through.ts";
import { chooseOrigin } from "./second-region.ts";
import { messageOf } from "./settings.ts";
import { originPath, signedHeaders } from "./s3-signing.ts";
import type { ByteRange, Place, Visit } from "./visit.ts";

/** Bytes that an object in the cache may have (docs.fastly.com: /products/compute-resource-limits). */
const CACHED_LIMIT = 100_000_000;

/** Whether what is read is a large file by the extensions in the settings: of its size nothing is known before. */
export function isInBlocks({ settings, phase, key }: Visit): boolean {
  if (phase !== "page" && phase !== "rewrite") return false;
  const dot = key.lastIndexOf(".");
  return settings.segmentedExtensions.includes(key.slice(dot + 1).toLowerCase());
}

/** A Range header that large files are read by: one range from a known beginning; all others are overlooked (RFC 9110 section 14.2). */
export function plainRange(header: string | undefined): string | undefined {
  const [, first, last] = /^bytes=([0-9]{1,15})-([0-9]{1,15})?$/.exec(header ?? "") ?? [];
  return first === undefined || (last !== undefined && Number(last) < Number(first)) ? undefined : header;
}

/**
 * A file that has no room in the cache: its headers are cached with its first byte, and what a visitor asks of it is passed on
 * to S3. `undefined` for all that fits, which is cached as a whole and read like everything else. Without the HTTP cache an
 * answer of one byte could not be stored; there too large files pass the cache by themselves.
 */
export async function readLarge(visit: Visit, place: Place): Promise<LargeObject | Stored | undefined> {
  if (!visit.settings.httpCache) return undefined;
  const part = { key: `size${place.url}`, range: "bytes=0-0", adapt: toSize };
  const stored = await readThrough(visit, place, { mayRetry: true, part });
  if (stored.status !== 200) return stored;
  await stored.discard();
  const length = sizeOf(stored.headers);
  if (length <= CACHED_LIMIT) return undefined;
  const etag = stored.headers.get("etag");
  return {
    ...stored,
    state: "PASS",
    remote: { kind: "remote", length, open: (range) => openPart(visit, place, { range, etag }) },
  };
}

/** S3's answer to the question for one byte, as it is kept; an empty file has none. */
function toSize(candidate: Candidate): { readonly status: number } {
  const { status } = candidate;
  if (status === 416) candidate.headers.set("Content-Range", "bytes */0");
  if (status !== 206 && status !== 416) return { status };
  candidate.status = 200;
  return { status: 200 };
}

function sizeOf(headers: Headers): number {
  const [, size] = /^bytes (?:\*|\d+-\d+)\/(\d{1,15})$/.exec(headers.get("content-range") ?? "") ?? [];
  return Number(size ?? 0);
}

/** Which bytes of the very file whose headers are shown. */
interface WantedPart {
  readonly range: ByteRange | undefined;
  readonly etag: string | null;
}

/** Reads from S3 what was asked for, past the cache. */
async function openPart(
  visit: Visit,
  place: Place,
  wanted: WantedPart,
): Promise<ReadableStream<Uint8Array> | null> {
  const response = await askPart(visit, place, wanted);
  if (response.status === (wanted.range ? 206 : 200)) return response.body;
  await response.body?.cancel();
  alarm(visit, { alarm: "origin", bucket: place.bucket, status: response.status });
  throw new Error(`S3 answered ${response.status} for a part of a large file`);
}

/** The same of a file that is cached as a whole; `undefined` where S3 does not give it. */
export async function readPart(
  visit: Visit,
  place: Place,
  wanted: { readonly range: ByteRange; readonly etag: string },
): Promise<ReadableStream<Uint8Array> | undefined> {
  const { bucket } = place;
  try {
    const { status, body } = await askPart(visit, place, wanted);
    if (status === 206 && body !== null) return body;
    await body?.cancel();
    // The file may have been written anew since.
    if (status !== 412) alarm(visit, { alarm: "origin", bucket, status });
  } catch (error) {
    alarm(visit, { alarm: "origin", bucket, status: 0, reason: messageOf(error) });
  }
  return undefined;
}

async function askPart(visit: Visit, place: Place, { range, etag }: WantedPart): Promise<OriginResponse> {
  const { platform } = visit;
  const origin: EdgeOrigin = chooseOrigin(visit, place.bucket);
  const path = originPath(visit, origin, place);
  const headers = await signedHeaders({ origin, path, keys: visit.secrets.hosting, now: platform.now() });
  if (range) headers.set("Range", `bytes=${range.start}-${range.end - 1}`);
  if (etag !== null) headers.set("If-Match", etag);
  return platform.fetch(`${origin.tls ? "https" : "http"}://${origin.host}${path}`, {
    method: "GET",
    headers,
    backend: origin.backend,
    cacheKey: `${place.bucket}${place.url}`,
    cacheOverride: "pass",
  });
}
