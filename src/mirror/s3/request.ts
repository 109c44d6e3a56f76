import { isIP } from "node:net";
import { S3Error } from "./s3-error.ts";
import { bytesToText, decodePercent } from "./percent.ts";

/** S3's limit on a key, in bytes of UTF-8 (API/API_PutObject.html). */
const MAX_KEY_BYTES = 1024;
/** More lines than any client sends; Node's own limit would drop the rest silently. */
const MAX_HEADER_LINES = 200;

/** Headers that decide who asks for what: two lines of one of these are two answers, so they are refused. */
const SINGLE_HEADERS: ReadonlySet<string> = new Set([
  "authorization",
  "content-length",
  "content-md5",
  "date",
  "host",
  "x-amz-content-sha256",
  "x-amz-copy-source",
  "x-amz-date",
  "x-amz-decoded-content-length",
]);

/** A query parameter, both halves as byte strings. */
export type QueryPair = readonly [name: string, value: string];

/** What a request says, before anybody looked at its signature or body. */
export interface S3Request {
  /** Answered in every response and error document. */
  readonly id: string;
  readonly method: string;
  /** The path as sent, without the query. */
  readonly rawPath: string;
  /** The bucket named by path or Host; `undefined` for requests to the service itself. */
  readonly bucket: string | undefined;
  /** The object key; `undefined` for requests to a bucket. */
  readonly key: string | undefined;
  /** Every query parameter in the order sent, percent-decoded. */
  readonly pairs: readonly QueryPair[];
  /** The first value of each query parameter, as text. */
  readonly query: ReadonlyMap<string, string>;
  /** Lower-case names; several lines of one name are joined with a comma; values are latin1 byte strings. */
  readonly headers: ReadonlyMap<string, string>;
}

/** The parts of Node's request that matter here. */
export interface RawRequest {
  readonly id: string;
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: readonly string[];
}

/** Takes a request apart. Throws `S3Error` for anything ambiguous. */
export function parseRequest(raw: RawRequest): S3Request {
  const headers = joinHeaders(raw.rawHeaders);
  // Absolute-form and `*` are for proxies and OPTIONS; S3 has neither.
  if (!raw.url.startsWith("/")) throw new S3Error("InvalidURI");
  const mark = raw.url.indexOf("?");
  const rawPath = mark < 0 ? raw.url : raw.url.slice(0, mark);
  const pairs = mark < 0 ? [] : parseQuery(raw.url.slice(mark + 1));
  const host = headers.get("host");
  if (host === undefined || host === "") throw new S3Error("BadRequest", { message: "Missing Host header." });
  const target = splitTarget(rawPath, bucketOfHost(host));
  return { id: raw.id, method: raw.method, rawPath, ...target, pairs, query: firstValues(pairs), headers };
}

function joinHeaders(raw: readonly string[]): Map<string, string> {
  if (raw.length > MAX_HEADER_LINES * 2) throw new S3Error("RequestHeaderSectionTooLarge");
  const headers = new Map<string, string>();
  for (let index = 0; index < raw.length; index += 2) {
    const name = (raw[index] ?? "").toLowerCase();
    const value = raw[index + 1] ?? "";
    const before = headers.get(name);
    if (before !== undefined && SINGLE_HEADERS.has(name)) {
      throw new S3Error("InvalidRequest", { message: `The header ${name} was sent more than once.` });
    }
    headers.set(name, before === undefined ? value : `${before},${value}`);
  }
  return headers;
}

function parseQuery(text: string): QueryPair[] {
  return text
    .split("&")
    .filter((part) => part !== "")
    .map((part) => {
      const equals = part.indexOf("=");
      const [name, value] = equals < 0 ? [part, ""] : [part.slice(0, equals), part.slice(equals + 1)];
      return [decodeQuery(name), decodeQuery(value)];
    });
}

function decodeQuery(text: string): string {
  return decodePercent(text.replaceAll("+", " "));
}

function firstValues(pairs: readonly QueryPair[]): Map<string, string> {
  const values = new Map<string, string>();
  for (const [name, value] of pairs) {
    const text = bytesToText(name);
    if (!values.has(text)) values.set(text, bytesToText(value));
  }
  return values;
}

/** Host suffixes behind a bucket name; longer ones first, so that `b.s3.localhost` is bucket `b`. */
const BASE_HOSTS: readonly RegExp[] = [
  /^(?:(?<bucket>.+)\.)?s3\.[a-z0-9-]+\.localhost$/,
  /^(?:(?<bucket>.+)\.)?s3\.localhost$/,
  /^(?:(?<bucket>.+)\.)?localhost$/,
  /^(?:(?<bucket>.+)\.)?s3(?:\.[a-z0-9-]+)?\.amazonaws\.com$/,
];

/** The bucket a Host names in virtual-host style; `undefined` where the path names it. */
export function bucketOfHost(host: string): string | undefined {
  const name = host.toLowerCase().replace(/:\d*$/, "");
  if (isIP(name) !== 0) return undefined;
  for (const pattern of BASE_HOSTS) {
    const match = pattern.exec(name);
    if (match !== null) return match.groups?.["bucket"];
  }
  return undefined;
}

function splitTarget(rawPath: string, hostBucket: string | undefined): Pick<S3Request, "bucket" | "key"> {
  const path = rawPath.slice(1);
  if (hostBucket !== undefined) return { bucket: hostBucket, key: path === "" ? undefined : decodeKey(path) };
  const slash = path.indexOf("/");
  const bucket = slash < 0 ? path : path.slice(0, slash);
  const rest = slash < 0 ? "" : path.slice(slash + 1);
  if (bucket === "") {
    if (rest !== "") throw new S3Error("InvalidBucketName");
    return { bucket: undefined, key: undefined };
  }
  return { bucket: bytesToText(decodePercent(bucket)), key: rest === "" ? undefined : decodeKey(rest) };
}

function decodeKey(raw: string): string {
  return checkKey(bytesToText(decodePercent(raw)));
}

/** Returns the key if S3 would take it; throws `KeyTooLongError` or `InvalidURI`. Keys are opaque otherwise: `..` and `//` mean nothing. */
export function checkKey(key: string): string {
  if (key.includes("\0")) throw new S3Error("InvalidURI");
  const size = Buffer.byteLength(key);
  if (size <= MAX_KEY_BYTES) return key;
  throw new S3Error("KeyTooLongError", {
    fields: [
      ["Size", String(size)],
      ["MaxSizeAllowed", String(MAX_KEY_BYTES)],
    ],
  });
}
