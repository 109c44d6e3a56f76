/**
 * In what the Compute app differs from the rendered VCL, and why: what is not here is equal, and a test compares. `fastly`
 * means that the platform decides it, `runtime` that the app cannot do otherwise there, `better` that it could, and that the
 * other way would be worse for somebody.
 */
export interface Difference {
  readonly id: string;
  readonly what: string;
  readonly why: string;
  readonly kind: "fastly" | "runtime" | "better";
  /** Conformance cases that for this only one of the targets can run. */
  readonly cases?: readonly string[];
}

export const DIFFERENCES = [
  {
    id: "header-names",
    kind: "fastly",
    what: "Names of response headers are in lower case",
    why: "The runtime's Headers have them so (Fetch Standard); HTTP/2 has no others, and in HTTP/1.1 case means nothing.",
  },
  {
    id: "platform-headers",
    kind: "fastly",
    what: "No Via, X-Cache, X-Cache-Hits and X-Timer",
    why: "Fastly adds them to what a VCL service answers; a Compute service says what it says, and X-Served-By is added.",
  },
  {
    id: "hop-headers",
    kind: "fastly",
    what: "Requests to S3 have CDN-Loop, where VCL's have Fastly-FF too",
    why: "Each target's own way to notice that services ask each other in a circle; neither is signed.",
  },
  {
    id: "plain-http",
    kind: "fastly",
    what: "Requests on port 80 are redirected to https with 308 before the app sees them, whatever the domain says",
    why: "docs.fastly.com: /products/compute-resource-limits. The app's own TLS redirect is for hosts that let them in.",
    cases: [
      "tls/forced",
      "tls/not-forced",
      "tls/by-the-platform",
      "tls/acme-is-exempt",
      "hsts/only-over-tls",
      "access/tls-first",
    ],
  },
  {
    id: "no-shield",
    kind: "runtime",
    what: "No POP stands between the others and S3, and `Sitefleet-Probe: shield` does nothing",
    why: "A Compute service has no shield unless it calls itself; each POP asks S3 for what it does not have.",
    cases: ["http/shield", "probe/past-the-edge", "origin/stale-is-not-fresh-again"],
  },
  {
    id: "no-restarts",
    kind: "better",
    what: "The log's `restarts` is 0, and a walk that VCL ends for want of a restart goes on, such as to the 404 page after a rule of a bucket whose page is missing, or after a second region",
    why: "The app reads what it needs, one thing after another; nothing counts them.",
  },
  {
    id: "cached-once",
    kind: "fastly",
    what: "A page is cached once, and compressed each time it goes out; so the first request in another encoding is a hit",
    why: "The platform compresses on the way out (X-Compress-Hint), where VCL stores each encoding.",
  },
  {
    id: "no-revalidation",
    kind: "better",
    what: "What is no longer fresh is read from S3 as a whole, where VCL asks whether it has changed",
    why: "A 304 of S3 has no metadata, so that what an object says would be older than the answer that is stored.",
  },
  {
    id: "dead-ends",
    kind: "better",
    what: "That a page of the not-found policy or of a rule is missing is remembered",
    why: "VCL makes its own page of such an answer in vcl_fetch, which stores nothing, and asks S3 again each time.",
  },
  {
    id: "compressed-length",
    kind: "fastly",
    what: "A compressed answer has no Content-Length, also to HEAD",
    why: "It is compressed while it goes out.",
  },
  {
    id: "ranges-of-compressed",
    kind: "better",
    what: "A range of a page that would go out compressed is of its plain bytes, under the strong ETag",
    why: "VCL cuts the range out of the encoded bytes that it has stored, which nobody can tell from another encoding of them.",
  },
  {
    id: "large-files",
    kind: "runtime",
    what: "Files of the segmented extensions up to 100 MB are cached as a whole, larger ones pass the cache with the visitor's range; of each a first read asks for one byte, under a cache key of its own; no range applies to one that is shown with another status than 200; a range that ends beyond 2 MB of any cached file is read from S3 past the cache, where S3 gives it",
    why: "Compute has no segmented caching, no object over 100 MB in the cache, and 50 ms of CPU, in which a program reads few MB (docs.fastly.com: /products/compute-resource-limits).",
    cases: ["large-files/in-segments"],
  },
  {
    id: "unsatisfiable-size",
    kind: "better",
    what: "A 416 for a large file says the file's size in Content-Range",
    why: "RFC 9110 section 15.5.17 wants it, and VCL may not set that header.",
  },
  {
    id: "foreign-keys",
    kind: "runtime",
    what: "A Surrogate-Key in an answer of the bucket, which S3 never sends but a proxy before it may, counts in VCL beside ours, and in Compute without Fastly's HTTP cache; with it, it does not",
    why: "In VCL Fastly keeps a key of its own in that header, by which it purges a URL, and nothing tells the two apart; a key more purges more, never less.",
  },
  {
    id: "protected-headers",
    kind: "fastly",
    what: "Content-Range in an answer of the bucket that is no part of a file, and Fastly-FF, go out in VCL and not in Compute",
    why: "VCL may not take them away (fastly.com/documentation/reference/vcl/special-headers). S3 sends neither, only a proxy before it could.",
  },
  {
    id: "no-http-cache",
    kind: "runtime",
    what: "Without Fastly's HTTP cache there is one time to live for all statuses, nothing stale on errors, failures may be remembered for that long, so that then S3 and the second region are asked past the cache, the state of a hit is only what Fastly's own header tells, what is no longer fresh is asked for with a condition, and configs are kept no longer than an unknown host, with the key of their domain and none of their site; large files are cut out of the whole",
    why: "Only the HTTP cache shows an answer to the app before it is stored: its status, and the site that a config names. A publish purges configs by their domains too, so that it is seen at once.",
    cases: ["origin/stale-on-trouble", "origin/second-region-lags", "origin/mended-without-new-bytes"],
  },
  {
    id: "failure-before-second-region",
    kind: "runtime",
    what: "A failure of the first region is not stored where the second one is asked next; where both have failed, neither is asked again for a second",
    why: "VCL looks past what is stored (req.hash_always_miss), which Compute's fetch cannot, so that the second region's answer finds its place empty.",
  },
  {
    id: "broken-objects",
    kind: "better",
    what: "What an object's metadata says is read each time it is shown, not once before it is stored",
    why: "So it is the same with and without the HTTP cache. The answers are equal.",
  },
  {
    id: "malformed-rules",
    kind: "better",
    what: "A rule whose target has a placeholder that its pattern does not capture, or leads to `//host`, is none, where VCL fills in what it can read",
    why: "Only a config that no publish has written holds one, and to check every target costs VCL workspace for each slot.",
  },
  {
    id: "unreachable-alarm",
    kind: "better",
    what: "An origin that cannot be reached is an alarm too, with status 0 and the reason",
    why: "vcl_fetch does not run for it, so that VCL's log has only the request's line.",
  },
  {
    id: "request-id",
    kind: "fastly",
    what: "The request's id in pages and in the log has another form",
    why: "It is Fastly's id of a Compute request (event.client.requestId), where VCL has req.xid.",
  },
  {
    id: "log-fields",
    kind: "runtime",
    what: "The log line is written as the answer begins: `bytes` are the body's before compression and without headers, `ms` the time until then, `cache` names no cluster, and there is no `workspace_free`",
    why: "Nothing runs once the body has gone out, and there is no workspace.",
  },
  {
    id: "settings-page",
    kind: "runtime",
    what: "Missing or unreadable settings and secrets are a page with status 500",
    why: "VCL has its settings built in; without its secrets S3 refuses it, which is the page of storage in trouble.",
  },
] as const satisfies readonly Difference[];

/** Features of VCL that have no file in the Compute app, and why. */
export const NO_COUNTERPART = {
  shielding: "A Compute service has no shield unless it calls itself.",
} as const;
