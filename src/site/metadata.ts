/**
 * The one table of metadata names. S3 gives 2 KB to names and values together, so names are one letter; templates and
 * the Compute app take them from here, never from literals.
 */

/** Config objects: what each letter holds. A header's full name is `x-amz-meta-` + letter. */
export const CONFIG_METADATA = {
  /** Codec version, decimal. */
  version: "v",
  /** Site uid. */
  site: "s",
  /** Base release: the prefix under which the edge reads what the delta list does not name. */
  base: "r",
  /** Id of the release that is shown, where it is not the base release itself. */
  release: "i",
  /** Delta list: what differs from the base release, see `delta-list.ts`. */
  delta: "d",
  /** `1` = force TLS. */
  forceTls: "t",
  /** HSTS max-age in seconds; absent = no HSTS. */
  hsts: "h",
  /** Canonical host: every request is redirected there and no other field but version and forceTls counts. */
  canonicalHost: "c",
  /** Not-found policy: `p` = 404.html with status 404, `r` = redirect to it, `s` = index.html for navigations; absent = built-in page. */
  notFound: "n",
  /** Directories below the root that have a 404.html, as `packHashes` writes them. */
  notFoundDirectories: "e",
  /** Other spellings of a page's path: absent = redirected to it, `1` = not found, `2` = only the file's own path and `index.html` after it. */
  paths: "l",
  /** `1` = X-Robots-Tag: noindex. */
  noindex: "m",
  /** `410` or `503`: the site is suspended. */
  suspended: "x",
  /** `1` = only visitors in the EU. */
  euOnly: "g",
  /** Protected areas, see `protected-areas.ts`. */
  protectedAreas: "w",
  /** Epoch seconds after which the host has expired. */
  expires: "o",
  /** Rule slots: `<slot>=<rule>` joined by `|`, see `rule-slots.ts`. */
  rules: "q",
  /** Rule buckets: `<rules tag>,<hash of a first path segment>,…,`, see `rule-buckets.ts`. */
  buckets: "b",
} as const;

/** Hosting objects. */
export const OBJECT_METADATA = {
  /** Canonical URL path of a page, percent-encoded. */
  canonicalPath: "p",
  /** Redirect objects: Location (path or absolute URL). */
  location: "l",
  /** Redirect objects: status; pages that are shown with another status than 200: that status. */
  status: "c",
  /** Response headers that S3 has no field for, see `packed-headers.ts`. */
  headers: "h",
} as const;

/** Codec version that is written. */
export const CODEC_VERSION = 3;

/**
 * Codec versions that the edge reads, the former ones among them. Each knew less than the next, and a delta list says itself how it is written;
 * buckets of rules are never written anew.
 */
export const READABLE_CODEC_VERSIONS = [1, 2, CODEC_VERSION] as const;

/** Names of the slots in the order in which rules are tried; one character each, compared without case by `subfield`. */
export const RULE_SLOTS = "0123456789abcdefghijklmn";

/** Names of the slots for response headers of one object. */
export const HEADER_SLOTS = "0123456789abcdef";

/** Names of the slots for protected areas, in the order in which they are tried. */
export const AREA_SLOTS = "0123";

/** Bytes that names and values of user metadata may take together: S3 allows 2 KB, some stores count 2,000. */
export const METADATA_BUDGET = 2_000;
