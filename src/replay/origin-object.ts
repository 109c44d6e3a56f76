import type { ObjectHeaders, ObjectMetadata, StoredObject } from "../store/object-store.ts";
import type { SiteFile } from "./site-source.ts";

/** What an origin has at a key: header lines as S3 sends them, flat, and a body that tells where it is from. */
export interface OriginObject {
  readonly etag: string;
  readonly headers: readonly string[];
  /** User metadata by name, without `x-amz-meta-`; among the header lines too. */
  readonly metadata: ObjectMetadata;
  readonly body: Buffer;
}

/** The same for all objects: when they were written is not what a change of VCL is about. */
const LAST_MODIFIED = "Thu, 01 Jan 2026 00:00:00 GMT";

/** An object as the store describes it. Its body is made of its key: nobody reads what customers published. */
export function objectOfHead(key: string, { etag, headers, metadata }: StoredObject): OriginObject {
  return originObject({ key, etag, headers, metadata });
}

/** An object as the manifest of its release describes it. */
export function objectOfFile(key: string, { hash, headers, metadata }: SiteFile): OriginObject {
  return originObject({ key, etag: `"${hash.slice(0, 32)}"`, headers, metadata });
}

interface Description {
  readonly key: string;
  readonly etag: string;
  readonly headers: ObjectHeaders;
  readonly metadata: ObjectMetadata;
}

function originObject({ key, etag, headers, metadata }: Description): OriginObject {
  const lines = ["ETag", etag, "Last-Modified", LAST_MODIFIED, "Accept-Ranges", "bytes"];
  lines.push("Content-Type", headers.contentType ?? "binary/octet-stream");
  const optional: readonly (readonly [string, string | undefined])[] = [
    ["Cache-Control", headers.cacheControl],
    ["Content-Encoding", headers.contentEncoding],
    ["Content-Disposition", headers.contentDisposition],
    ["Content-Language", headers.contentLanguage],
  ];
  for (const [name, value] of optional) if (value !== undefined) lines.push(name, value);
  for (const [name, value] of Object.entries(metadata)) lines.push(`x-amz-meta-${name}`, value);
  lines.push("Server", "AmazonS3");
  return { etag, headers: lines, metadata, body: Buffer.from(`object ${key}\n`, "utf8") };
}
