import { createRequire } from "node:module";

/** Types of what websites mostly hold, as the type table has them: to read the whole of it takes longer than a small publish. */
const COMMON_TYPES: ReadonlyMap<string, string> = new Map([
  ["avif", "image/avif"],
  ["css", "text/css"],
  ["csv", "text/csv"],
  ["eot", "application/vnd.ms-fontobject"],
  ["gif", "image/gif"],
  ["gz", "application/gzip"],
  ["htm", "text/html"],
  ["html", "text/html"],
  ["ico", "image/vnd.microsoft.icon"],
  ["ics", "text/calendar"],
  ["jpeg", "image/jpeg"],
  ["jpg", "image/jpeg"],
  ["js", "text/javascript"],
  ["json", "application/json"],
  ["jsonld", "application/ld+json"],
  ["map", "application/json"],
  ["md", "text/markdown"],
  ["mjs", "text/javascript"],
  ["mp3", "audio/mpeg"],
  ["mp4", "video/mp4"],
  ["otf", "font/otf"],
  ["pdf", "application/pdf"],
  ["png", "image/png"],
  ["svg", "image/svg+xml"],
  ["ttf", "font/ttf"],
  ["txt", "text/plain"],
  ["wasm", "application/wasm"],
  ["webm", "video/webm"],
  ["webmanifest", "application/manifest+json"],
  ["webp", "image/webp"],
  ["woff", "font/woff"],
  ["woff2", "font/woff2"],
  ["xml", "application/xml"],
  ["zip", "application/zip"],
]);

const load = createRequire(import.meta.url);
let table: typeof import("mime-types") | undefined;

/** Media type of an extension (lower case, without dot); `undefined` for one that the type table does not know. */
export function mediaTypeOf(extension: string): string | undefined {
  const common = COMMON_TYPES.get(extension);
  if (common !== undefined) return common;
  table ??= load("mime-types") as typeof import("mime-types");
  const type = table.lookup(extension);
  return type === false ? undefined : type;
}

/** A type that is not text with the charset that the table names for few of them, none of which is common. */
export function withCharset(type: string): string {
  return table?.contentType(type) || type;
}

/** The extensions whose types are known without the type table. */
export function commonExtensions(): readonly string[] {
  return [...COMMON_TYPES.keys()];
}
