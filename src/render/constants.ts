import { EDGE_LIMITS } from "../site/edge-limits.ts";

/**
 * Statuses of `error` inside the service. 600-699 are free for customers of Fastly
 * (reference/http/http-statuses); each has one branch in vcl_error.
 */
export const ERROR_STATUS = {
  unknownHost: 600,
  redirect: 601,
  methodNotAllowed: 602,
  purgeRefused: 603,
  notFound: 604,
  badRequest: 605,
  suspended: 606,
  unusableConfig: 607,
  uriTooLong: 609,
  trouble: 610,
  expired: 611,
  outsideEu: 612,
  unauthorized: 613,
  tooManyGuesses: 614,
  rangeNotSatisfiable: 615,
} as const;

/** The private dictionary: `config_s3_key`, `hosting_s3_key` (each `id:secret`) and `config_segment`. */
export const PRIVATE_DICTIONARY = "sitefleet_private";

/** Request header whose right value makes the edge tell its revision in `SF-Revision` and the version's number in `SF-Version`. */
export const DEBUG_HEADER = "Sitefleet-Debug";

/** The debug header's value is the SHA-256 (hex) of this and the config segment. */
export const DEBUG_PREFIX = "sitefleet-debug:";

/** Request header of who knows the debug token: `shield` makes the edge look past its own cache. */
export const PROBE_HEADER = "Sitefleet-Probe";

/** Bytes of what a client sends that is read at all. */
export const LIMITS = { url: EDGE_LIMITS.url, path: EDGE_LIMITS.path, authorization: 1_024 } as const;

/** SHA-256 of nothing: the payload hash of a GET. */
export const EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/** Request headers that are meant for a page only and wait while configs and rules are read (RFC 9110 sections 13, 14). */
export const CONDITIONS = ["If-None-Match", "If-Modified-Since", "Range", "If-Range"] as const;

/** How many directories upwards a 404.html is looked for before the root's. */
export const DIRECTORY_LEVELS = 8;

/**
 * Endings of paths that no application's address has: a visitor who navigates there wants that file, and HTML with status
 * 200 in its place would be kept by caches as if it were the file. Letters in any case.
 */
export const ASSET_EXTENSIONS = [
  "7z",
  "aac",
  "apk",
  "avif",
  "avi",
  "bin",
  "bmp",
  "br",
  "cjs",
  "css",
  "csv",
  "dmg",
  "doc",
  "docx",
  "eot",
  "epub",
  "exe",
  "flac",
  "gif",
  "glb",
  "gltf",
  "gz",
  "heic",
  "ico",
  "ics",
  "jpe?g",
  "js",
  "json",
  "json5",
  "jsx",
  "jxl",
  "m3u8",
  "m4a",
  "m4v",
  "map",
  "md",
  "mjs",
  "mkv",
  "mov",
  "mp3",
  "mp4",
  "mpd",
  "mpe?g",
  "odt",
  "ogg",
  "ogv",
  "opus",
  "otf",
  "pdf",
  "php",
  "png",
  "pptx?",
  "rar",
  "rss",
  "svgz?",
  "tar",
  "tgz",
  "tiff?",
  "tsx?",
  "ttf",
  "txt",
  "vtt",
  "wasm",
  "wav",
  "webm",
  "webmanifest",
  "webp",
  "woff2?",
  "xlsx?",
  "xml",
  "ya?ml",
  "zip",
] as const;

/** Certificates' HTTP-01 challenges (RFC 8555 section 8.3): who validates comes without TLS, from anywhere, with no password. */
export const CHALLENGE_PATH = "^/\\.well-known/acme-challenge/";

/** Seconds for which an address that guessed too often is not listened to; Fastly takes whole minutes, 1 to 60. */
export const GUESS_PENALTY = 300;

/**
 * The EU's 27 members, and those parts of them that have a country code of their own and in which EU law applies (the
 * outermost regions, article 349 TFEU, and Åland). Not here: the rest of the EEA, and overseas territories that EU law
 * does not reach, such as Greenland or New Caledonia.
 */
export const EU_COUNTRIES =
  "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK AX GF GP MF MQ RE YT".split(
    " ",
  );
