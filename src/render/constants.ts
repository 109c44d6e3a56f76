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
} as const;

/** The private dictionary: `config_s3_key`, `hosting_s3_key` (each `id:secret`) and `config_segment`. */
export const PRIVATE_DICTIONARY = "sitefleet_private";

/** Request header whose right value makes the edge tell its revision in `SF-Revision`. */
export const DEBUG_HEADER = "Sitefleet-Debug";

/** The debug header's value is the SHA-256 (hex) of this and the config segment. */
export const DEBUG_PREFIX = "sitefleet-debug:";

/** Bytes: Fastly refuses URLs over 8 KB by itself; S3 keys end at 1,024 of which environment, site and release take up to 120. */
export const LIMITS = { url: 4_096, path: 900 } as const;

/** SHA-256 of nothing: the payload hash of a GET. */
export const EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
