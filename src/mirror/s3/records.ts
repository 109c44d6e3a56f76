import { SitefleetError } from "../../lib/errors.ts";
import { CHECKSUM_ALGORITHMS } from "./checksum.ts";
import type { Checksum, ChecksumAlgorithm, ChecksumType } from "./checksum.ts";
import type { Segment } from "./blobs.ts";

/** Version of the journal's lines; another one is refused, never guessed at. */
export const JOURNAL_FORMAT = 1;

/**
 * The head of a journal line: what the index needs. Names are short because there is one per object.
 * `b` bucket, `k` key, `t` milliseconds since the epoch, `e` ETag without quotes, `s` size in bytes, `g` segments
 * (absent: the body is in the line), `u` the multipart upload that this object completes, `n` part number.
 */
export type JournalHead =
  | { readonly op: "format"; readonly version: number }
  | { readonly op: "bucket"; readonly b: string; readonly t: number }
  | { readonly op: "unbucket"; readonly b: string }
  | ConfigureHead
  | PutHead
  | { readonly op: "del"; readonly b: string; readonly k: string }
  | { readonly op: "upload"; readonly u: string; readonly b: string; readonly k: string; readonly t: number }
  | PartHead
  | { readonly op: "abort"; readonly u: string };

/** What is configured for a bucket besides its being there. */
export const BUCKET_CONFIGURATIONS = ["lifecycle", "ownership-controls", "public-access-block"] as const;
export type BucketConfigurationName = (typeof BUCKET_CONFIGURATIONS)[number];

/** A bucket's configuration `c` is from now on `v`, the inside of its document; `null` = it was taken away. */
export interface ConfigureHead {
  readonly op: "configure";
  readonly b: string;
  readonly c: BucketConfigurationName;
  readonly v: string | null;
}

export interface PutHead {
  readonly op: "put";
  readonly b: string;
  readonly k: string;
  readonly t: number;
  readonly e: string;
  readonly s: number;
  readonly g?: readonly Segment[];
  readonly u?: string;
}

export interface PartHead {
  readonly op: "part";
  readonly u: string;
  readonly n: number;
  readonly t: number;
  readonly e: string;
  readonly g: Segment;
  /** Checksum the part was sent with. */
  readonly c?: readonly [algorithm: ChecksumAlgorithm, value: string];
}

/** The rest of an object, read when the object is. */
export interface ObjectDetail {
  /** Native headers under their response names, lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** User metadata by lower-case name without `x-amz-meta-`; values are latin1 byte strings. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly checksum?: Checksum;
}

/** The rest of a multipart upload: what the finished object will carry, and how its checksum is to be made. */
export interface UploadDetail extends ObjectDetail {
  readonly checksumAlgorithm?: ChecksumAlgorithm;
  readonly checksumType?: ChecksumType;
}

/** Reads a head back. The CRC says that the text is ours; the shape is checked all the same, because another version may have written it. */
export function readHead(text: string): JournalHead {
  const head: unknown = JSON.parse(text);
  if (isHead(head)) return head;
  throw damaged(text);
}

function damaged(text: string): SitefleetError {
  return new SitefleetError(
    "mirror/s3-damaged",
    `the S3 journal has a line that this version does not know: ${text.slice(0, 80)}`,
    {
      hint: "the state folder was written by another version; run `sitefleet mirror reset` to start with an empty mirror",
    },
  );
}

type Fields = Readonly<Record<string, unknown>>;

function isHead(value: unknown): value is JournalHead {
  if (!isFields(value)) return false;
  switch (value["op"]) {
    case "format":
      return value["version"] === JOURNAL_FORMAT;
    case "bucket":
      return isText(value["b"]) && isNumber(value["t"]);
    case "unbucket":
      return isText(value["b"]);
    case "configure":
      return isText(value["b"]) && isConfiguration(value["c"]) && (value["v"] === null || isText(value["v"]));
    case "put":
      return isPut(value);
    case "del":
      return isText(value["b"]) && isText(value["k"]);
    case "upload":
      return isText(value["u"]) && isText(value["b"]) && isText(value["k"]) && isNumber(value["t"]);
    case "part":
      return isPart(value);
    case "abort":
      return isText(value["u"]);
    default:
      return false;
  }
}

function isConfiguration(value: unknown): value is BucketConfigurationName {
  return BUCKET_CONFIGURATIONS.some((name) => name === value);
}

function isPut(value: Fields): boolean {
  const segments = value["g"];
  return (
    isText(value["b"]) &&
    isText(value["k"]) &&
    isText(value["e"]) &&
    isNumber(value["t"]) &&
    isNumber(value["s"]) &&
    (segments === undefined || (Array.isArray(segments) && segments.every(isSegment)))
  );
}

function isPart(value: Fields): boolean {
  const checksum = value["c"];
  return (
    isText(value["u"]) &&
    isText(value["e"]) &&
    isNumber(value["n"]) &&
    isNumber(value["t"]) &&
    isSegment(value["g"]) &&
    (checksum === undefined || (Array.isArray(checksum) && isAlgorithm(checksum[0]) && isText(checksum[1])))
  );
}

function isSegment(value: unknown): boolean {
  return Array.isArray(value) && value.length === 2 && isText(value[0]) && isNumber(value[1]);
}

/** Reads the detail of an object or upload back. */
export function readDetail(value: unknown): UploadDetail {
  if (!isFields(value) || !isTextRecord(value["headers"]) || !isTextRecord(value["metadata"])) {
    throw damaged(JSON.stringify(value));
  }
  const { headers, metadata, checksum, checksumAlgorithm, checksumType } = value;
  return {
    headers,
    metadata,
    ...(isChecksum(checksum) ? { checksum } : {}),
    ...(isAlgorithm(checksumAlgorithm) ? { checksumAlgorithm } : {}),
    ...(isChecksumType(checksumType) ? { checksumType } : {}),
  };
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isNumber(value: unknown): value is number {
  return typeof value === "number";
}

function isTextRecord(value: unknown): value is Record<string, string> {
  return isFields(value) && Object.values(value).every(isText);
}

function isAlgorithm(value: unknown): value is ChecksumAlgorithm {
  return CHECKSUM_ALGORITHMS.some((algorithm) => algorithm === value);
}

function isChecksumType(value: unknown): value is ChecksumType {
  return value === "COMPOSITE" || value === "FULL_OBJECT";
}

function isChecksum(value: unknown): value is Checksum {
  return (
    isFields(value) &&
    isAlgorithm(value["algorithm"]) &&
    isChecksumType(value["type"]) &&
    isText(value["value"])
  );
}
