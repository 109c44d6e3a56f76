/**
 * Regular expressions of the edge, as sources that PCRE and JavaScript read alike: templates put them into VCL, the Compute
 * app makes `RegExp`s of them. A percent sign is `\x25`, because `%` is live in VCL's strings.
 */
export const EDGE_PATTERNS = {
  /** A host, in lower case and without port. */
  host: String.raw`^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$`,
  site: "^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$",
  release: "^[0-9a-z]{1,4}$",
  canonicalHost: String.raw`^[a-z0-9-]+(?:\.[a-z0-9-]+)*$`,
  expires: "^[1-9][0-9]{0,10}$",
  hsts: "^[0-9]{1,10}$",
  /** Head of the list of buckets: the release that wrote them. */
  bucketTag: "^([0-9a-z]{1,4}),",
  /** What a path ends in that makes no other page of it. */
  ending: String.raw`(?:/|/index\.html|\.html)$`,
  /** A page's own path. */
  canonicalPath: String.raw`^/(?!/)[A-Za-z0-9._~\x25/-]*$`,
  /** Status of a redirect object, and where it leads. */
  redirectStatus: "^30[12378]$",
  location: String.raw`^(?:/(?![/\\])|https?://[A-Za-z0-9])[!-~]*$`,
  /** Status of a page that is shown with another one than 200. */
  aliasStatus: "^(?:404|410|451)$",
  /** Certificates' HTTP-01 challenges (RFC 8555 section 8.3): who validates comes without TLS, from anywhere, with no password. */
  challenge: String.raw`^/\.well-known/acme-challenge/`,
} as const;

/** Of no case, as PCRE's `(?i)` and JavaScript's flag `i` say it. */
export const CASELESS_PATTERNS = {
  credentials: "^basic +([A-Za-z0-9+/]{1,1024}={0,2})$",
  /** Content types that are compressed: text, and what is as well packed by it. */
  compressedTypes: String.raw`^(?:text/|application/(?:[a-z0-9.+-]*\+)?(?:json|xml|javascript|wasm)|application/(?:manifest|x-javascript|vnd\.ms-fontobject)|image/(?:svg\+xml|x-icon|vnd\.microsoft\.icon)|font/(?:ttf|otf|collection))`,
  /** An Accept-Encoding that takes the coding (RFC 9110 section 12.5.3). */
  acceptsBrotli: String.raw`(?:^|[, ])br(?! *; *q=0(?:\.0*)?(?:[, ]|$))(?:[,; ]|$)`,
  acceptsGzip: String.raw`(?:^|[, ])gzip(?! *; *q=0(?:\.0*)?(?:[, ]|$))(?:[,; ]|$)`,
  /** A Cache-Control that keeps an answer out of every cache already, and what in another is of caches that are shared. */
  noStore: "(?:^|[ ,])no-store(?:[ ,]|$)",
  sharedCaching: String.raw`,[ \t]*(?:public|private|s-maxage)(?:[ \t]*=[^,]*)?[ \t]*(?=,|$)`,
} as const;
