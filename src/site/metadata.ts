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
  /** Release id whose prefix the edge reads. */
  release: "r",
  /** `1` = force TLS. */
  forceTls: "t",
  /** HSTS max-age in seconds; absent = no HSTS. */
  hsts: "h",
  /** Canonical host: every request is redirected there and no other field but version and forceTls counts. */
  canonicalHost: "c",
  /** Not-found policy: `p` = the site's root 404.html with status 404, `r` = redirect to it; absent = built-in page. */
  notFound: "n",
  /** `1` = a page asked for by another spelling of its path is not found instead of redirected to it. */
  strictPaths: "l",
  /** `1` = X-Robots-Tag: noindex. */
  noindex: "m",
  /** `410` or `503`: the site is suspended. */
  suspended: "x",
  /** Rule slots: `<slot>=<rule>` joined by `|`, see `rule-slots.ts`. */
  rules: "q",
} as const;

/** Hosting objects. */
export const OBJECT_METADATA = {
  /** Canonical URL path of a page, percent-encoded. */
  canonicalPath: "p",
  /** Redirect objects: Location (path or absolute URL). */
  location: "l",
  /** Redirect objects: status. */
  status: "c",
} as const;

/** Codec version that is written; the edge also reads the one before. */
export const CODEC_VERSION = 1;

/** Names of the slots in the order in which rules are tried; one character each, compared without case by `subfield`. */
export const RULE_SLOTS = "0123456789abcdefghijklmn";

/** Bytes that names and values of user metadata may take together: S3 allows 2 KB, some stores count 2,000. */
export const METADATA_BUDGET = 2_000;
