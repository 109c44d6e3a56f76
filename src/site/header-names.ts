import { METADATA_BUDGET } from "./metadata.ts";

/** Headers that S3 keeps beside an object, by the name of their field in the store. */
export const NATIVE_HEADERS = {
  "content-type": "contentType",
  "cache-control": "cacheControl",
  "content-encoding": "contentEncoding",
  "content-disposition": "contentDisposition",
  "content-language": "contentLanguage",
} as const satisfies Record<string, string>;
export type NativeHeader = (typeof NATIVE_HEADERS)[keyof typeof NATIVE_HEADERS];

/** The store's field for a header name in lower case, or `undefined` for a header that rides in metadata. */
export function nativeHeader(lowerName: string): NativeHeader | undefined {
  return Object.entries(NATIVE_HEADERS).find(([name]) => name === lowerName)?.[1];
}

const CONNECTION = "belongs to the connection, which the edge manages (RFC 9110 section 7.6.1)";
const MESSAGE = "describes the message itself, and the edge sets it";
const VALIDATOR = "is made from the file's content, so that browsers can ask whether it changed";
const EDGE_CACHE =
  "is for a CDN's cache; here the edge keeps every file until it is published anew, and Cache-Control is for browsers";
const COOKIE = "would give one visitor's cookie to all; answers are kept at the edge for everyone";
const INTERNAL = "is a name that the edge uses itself";
const OTHER_SETTING = "is set in another place";

/** Names in lower case that a file's headers may not have, and why. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ...["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"].map(
    (name) => [name, CONNECTION] as const,
  ),
  ...[
    "accept-ranges",
    "age",
    "content-length",
    "content-range",
    "date",
    "host",
    "server",
    "status",
    "via",
  ].map((name) => [name, MESSAGE] as const),
  ...["etag", "last-modified", "content-md5", "digest", "repr-digest", "content-digest"].map(
    (name) => [name, VALIDATOR] as const,
  ),
  ...[
    "cache-tag",
    "cdn-cache-control",
    "cloudflare-cdn-cache-control",
    "edge-cache-tag",
    "edge-control",
    "netlify-cache-id",
    "netlify-cache-tag",
    "netlify-cdn-cache-control",
    "netlify-vary",
    "vercel-cache-tag",
    "vercel-cdn-cache-control",
  ].map((name) => [name, EDGE_CACHE] as const),
  ...["set-cookie", "set-cookie2"].map((name) => [name, COOKIE] as const),
  ...["cache-status", "cdn-loop", "x-cache", "x-cache-hits", "x-served-by", "x-timer", "x-varnish"].map(
    (name) => [name, INTERNAL] as const,
  ),
  ["alt-svc", `${OTHER_SETTING}: HTTP/3 is switched on for the whole service`],
  ["basic-auth", `${OTHER_SETTING}: passwords belong to the site, not to its files`],
  ["expires", "is older than Cache-Control and would contradict it; write Cache-Control"],
  ["location", "has a meaning only in redirects; write a redirect rule"],
  ["pragma", "is a request header; write Cache-Control"],
  ["proxy-authenticate", `${OTHER_SETTING}: passwords belong to the site, not to its files`],
  [
    "strict-transport-security",
    `${OTHER_SETTING}: it is a promise of a domain, so it belongs to the domain (hsts)`,
  ],
  ["vary", "is set by the edge: what it answers depends on the URL and, for compression, on Accept-Encoding"],
  ["www-authenticate", `${OTHER_SETTING}: passwords belong to the site, not to its files`],
  ["x-compress-hint", INTERNAL],
]);

const REFUSED_PREFIXES: readonly (readonly [prefix: string, reason: string])[] = [
  ["fastly-", INTERNAL],
  ["sf-", INTERNAL],
  ["surrogate-", EDGE_CACHE],
  ["x-amz-", "is a name that S3 uses itself"],
  ["x-fastly-", INTERNAL],
  ["x-forwarded-", "is a request header"],
];

/** Names in lower case that no object of a site may set: for the edge, which asks again. Those that S3 keeps are among them. */
export const REFUSED_HEADERS: readonly string[] = [...REFUSED.keys(), ...Object.keys(NATIVE_HEADERS)].sort();

/** What names begin with that no object of a site may set. */
export const REFUSED_HEADER_PREFIXES: readonly string[] = REFUSED_PREFIXES.map(([prefix]) => prefix);

/** Why a file cannot have a header of this name, or `undefined`; continues "the header …". */
export function headerNameProblem(name: string): string | undefined {
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/.test(name)) {
    return "has a name with something else than letters, digits, `-` and `_`, or more than 100 characters";
  }
  const lower = name.toLowerCase();
  return REFUSED.get(lower) ?? REFUSED_PREFIXES.find(([prefix]) => lower.startsWith(prefix))?.[1];
}

/** Bytes that a value of a native header may have: S3 takes 8 KB of headers in all. */
const NATIVE_LIMIT = 1_024;

/** Why a header cannot have this value, or `undefined`; continues "the header …". */
export function headerValueProblem(name: string, value: string): string | undefined {
  if (value === "") return "has no value";
  if (/[\u0000-\u001f\u007f]/.test(value)) return "has a control character in its value";
  if (/[^ -~]/.test(value)) {
    return "has characters outside ASCII in its value, which browsers read differently (RFC 9110 section 5.5)";
  }
  const native = nativeHeader(name.toLowerCase());
  const limit = native === undefined ? METADATA_BUDGET : NATIVE_LIMIT;
  if (value.length > limit) return `has ${value.length} characters in its value, the limit is ${limit}`;
  return native === undefined ? undefined : nativeValueProblem(native, value);
}

function nativeValueProblem(native: NativeHeader, value: string): string | undefined {
  if (native === "contentType" && !/^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(?: *;.*)?$/.test(value)) {
    return "has a value that is no media type";
  }
  if (
    native === "contentEncoding" &&
    !/^(?:br|deflate|gzip|identity|zstd)(?:, *(?:br|deflate|gzip|zstd))*$/.test(value)
  ) {
    return "has a value that is no content coding that browsers know: br, deflate, gzip or zstd";
  }
  return undefined;
}
