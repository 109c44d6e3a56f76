import { isUtf8 } from "node:buffer";

import { mediaTypeOf, withCharset } from "./media-types.ts";

/** Types that are text but for which the type table names no charset. */
const TEXT_TYPES = new Set([
  "application/atom+xml",
  "application/javascript",
  "application/json",
  "application/ld+json",
  "application/manifest+json",
  "application/rss+xml",
  "application/xhtml+xml",
  "application/xml",
  "image/svg+xml",
]);

/** Files without an extension whose type readers insist on. */
const WELL_KNOWN_TYPES: ReadonlyMap<string, string> = new Map([
  // Apple, "Supporting associated domains": served as JSON without an extension.
  [".well-known/apple-app-site-association", "application/json; charset=utf-8"],
]);

const FALLBACK_TYPE = "application/octet-stream";

/** What the type depends on besides the name. */
export interface TextFacts {
  readonly isUtf8: boolean;
  /** Whether a byte is 0, which no text has. */
  readonly hasNul: boolean;
}

/** Content-Type of a file by its name; the bytes decide only whether text is UTF-8, and what a file without extension is. */
export function contentTypeOf(path: string, body: Uint8Array): string {
  return contentTypeBy(path, { isUtf8: isUtf8(body), hasNul: body.includes(0) });
}

/** The same from what is known of the bytes. */
export function contentTypeBy(path: string, content: TextFacts): string {
  const known = WELL_KNOWN_TYPES.get(path);
  if (known !== undefined) return known;
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (!name.includes("."))
    return content.isUtf8 && !content.hasNul ? "text/plain; charset=utf-8" : FALLBACK_TYPE;
  const extension = name.slice(name.lastIndexOf(".") + 1).toLowerCase();
  const type = mediaTypeOf(extension);
  if (type === undefined) return FALLBACK_TYPE;
  const text = type.startsWith("text/") || TEXT_TYPES.has(type);
  if (!text) return withCharset(type);
  // A page in another encoding says so itself; a wrong charset in the header would win over it.
  return content.isUtf8 ? withUtf8(type) : type;
}

/** One text for all files of a type: those that share it are told from others without being compared. */
const utf8Types = new Map<string, string>();

function withUtf8(type: string): string {
  const known = utf8Types.get(type);
  if (known !== undefined) return known;
  const text = `${type}; charset=utf-8`;
  utf8Types.set(type, text);
  return text;
}

const REVALIDATE = "public, max-age=0, must-revalidate";
const IMMUTABLE = "public, max-age=31536000, immutable";

/** Folders in which build tools put files whose names carry a hash of their content. */
const ASSET_FOLDERS = new Set([
  "_app",
  "_astro",
  "_next",
  "_nuxt",
  "assets",
  "build",
  "chunks",
  "css",
  "dist",
  "fonts",
  "images",
  "img",
  "js",
  "media",
  "static",
]);

/** Cache-Control for browsers: hashed assets for good, everything else is asked for again each time. */
export function cacheControlOf(path: string): string {
  if (/\.html?$/i.test(path)) return REVALIDATE;
  const segments = path.split("/");
  const name = segments.pop() ?? "";
  return segments.some((folder) => ASSET_FOLDERS.has(folder)) && hasContentHash(name)
    ? IMMUTABLE
    : REVALIDATE;
}

/** Whether a name carries what looks like a content hash before its extension: `app.3f2a9b1c.js`, `index-BxK3a9Fq.css`. */
function hasContentHash(name: string): boolean {
  return name.split(/[.-]/).slice(1, -1).concat(lastDashed(name)).some(isHash);
}

/** A base64url hash may itself hold dashes: all after the first dash, up to the first dot. */
function lastDashed(name: string): string {
  return /-([^.]*)\./.exec(name)?.[1] ?? "";
}

function isHash(word: string): boolean {
  if (/^[0-9a-f]{8,64}$/.test(word)) return /[0-9]/.test(word) && /[a-f]/.test(word);
  return /^[A-Za-z0-9_-]{8,44}$/.test(word) && /[0-9]/.test(word) && /[a-z]/.test(word) && /[A-Z]/.test(word);
}
