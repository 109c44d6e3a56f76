import { CHECKSUM_ALGORITHMS, checksumHeader } from "./checksum.ts";
import type { ObjectDetail } from "./records.ts";
import { S3Error, invalidArgument } from "./s3-error.ts";

/** Bytes of names (without `x-amz-meta-`) plus values (userguide/UsingMetadata.html). */
const MAX_METADATA_BYTES = 2048;
const METADATA_PREFIX = "x-amz-meta-";

/** Headers that S3 keeps with an object and sends back. */
const NATIVE_HEADERS = [
  "cache-control",
  "content-disposition",
  "content-encoding",
  "content-language",
  "content-type",
  "expires",
  "x-amz-website-redirect-location",
] as const;

/** What S3 stores where the client named no type. */
const DEFAULT_CONTENT_TYPE = "binary/octet-stream";

type Headers = ReadonlyMap<string, string>;

/** The headers and metadata that a write gives its object. Throws `MetadataTooLarge`, or `NotImplemented` for what this server does not keep. */
export function readObjectHeaders(headers: Headers): Pick<ObjectDetail, "headers" | "metadata"> {
  refuseUnsupported(headers);
  const native: Record<string, string> = { "content-type": DEFAULT_CONTENT_TYPE };
  for (const name of NATIVE_HEADERS) {
    const value = headers.get(name);
    const kept = name === "content-encoding" && value !== undefined ? withoutAwsChunked(value) : value;
    if (kept !== undefined && kept !== "") native[name] = kept;
  }
  return { headers: native, metadata: readMetadata(headers) };
}

/** `aws-chunked` describes the transfer, not the object, so S3 stores the rest. */
function withoutAwsChunked(value: string): string {
  return value
    .split(",")
    .map((coding) => coding.trim())
    .filter((coding) => coding.toLowerCase() !== "aws-chunked")
    .join(",");
}

function readMetadata(headers: Headers): Record<string, string> {
  const metadata: [name: string, value: string][] = [];
  let bytes = 0;
  for (const [header, value] of headers) {
    if (!header.startsWith(METADATA_PREFIX)) continue;
    const name = header.slice(METADATA_PREFIX.length);
    if (name === "") throw invalidArgument("Metadata name must not be empty", { name: header, value });
    // Header values are latin1 here, one character per byte.
    bytes += name.length + value.length;
    metadata.push([name, value]);
  }
  if (bytes > MAX_METADATA_BYTES) {
    throw new S3Error("MetadataTooLarge", {
      fields: [
        ["Size", String(bytes)],
        ["MaxSizeAllowed", String(MAX_METADATA_BYTES)],
      ],
    });
  }
  // From entries, so that a name like `__proto__` is a name like any other.
  return Object.fromEntries(metadata);
}

/** Prefixes of headers that would change what is stored or who may read it in ways this server does not do. */
const UNSUPPORTED_PREFIXES = [
  "x-amz-server-side-encryption-",
  "x-amz-copy-source-server-side-encryption-",
  "x-amz-object-lock-",
  "x-amz-grant-",
  "x-amz-write-offset-",
] as const;

function refuseUnsupported(headers: Headers): void {
  const refuse = (header: string): never => {
    throw new S3Error("NotImplemented", { fields: [["Header", header]] });
  };
  for (const name of headers.keys()) {
    if (UNSUPPORTED_PREFIXES.some((prefix) => name.startsWith(prefix))) refuse(name);
  }
  if ((headers.get("x-amz-tagging") ?? "") !== "") refuse("x-amz-tagging");
  if ((headers.get("x-amz-server-side-encryption") ?? "AES256") !== "AES256")
    refuse("x-amz-server-side-encryption");
  if ((headers.get("x-amz-storage-class") ?? "STANDARD") !== "STANDARD")
    throw new S3Error("InvalidStorageClass");
  // New buckets have ACLs disabled; these two are what S3 still lets pass then (userguide/about-object-ownership.html).
  const acl = headers.get("x-amz-acl");
  if (acl !== undefined && acl !== "private" && acl !== "bucket-owner-full-control") {
    throw new S3Error("AccessControlListNotSupported");
  }
}

/** The response headers of a stored object, checksum left out. */
export function toObjectHeaders(detail: ObjectDetail): (readonly [name: string, value: string])[] {
  return [
    ...Object.entries(detail.headers),
    ...Object.entries(detail.metadata).map(([name, value]) => [METADATA_PREFIX + name, value] as const),
  ];
}

/** The checksum headers of an object; none where it was stored without one. */
export function toChecksumHeaders(
  checksum: ObjectDetail["checksum"],
): (readonly [name: string, value: string])[] {
  if (checksum === undefined) return [];
  return [
    [checksumHeader(checksum.algorithm), checksum.value],
    ["x-amz-checksum-type", checksum.type],
  ];
}

/** True when a request carries any checksum or Content-MD5 of its body. */
export function hasIntegrityHeader(headers: Headers): boolean {
  return (
    headers.has("content-md5") ||
    headers.has("x-amz-trailer") ||
    CHECKSUM_ALGORITHMS.some((algorithm) => headers.has(checksumHeader(algorithm)))
  );
}
