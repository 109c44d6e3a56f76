/**
 * What one request has at the edge. `url` and `path` are ours, the others are Fastly's
 * (/documentation/reference/vcl/constraints-and-limitations), where it names two numbers the cautious one.
 */
export const EDGE_LIMITS = {
  /** Bytes of a request's URL that the edge reads; Fastly refuses 8 KB by itself. */
  url: 4_096,
  /** Bytes of a decoded path: S3 keys end at 1,024, of which environment, site and release take up to 120. */
  path: 900,
  /** Headers of a response; 96 end it with an error that VCL never sees. */
  responseHeaders: 85,
  /** Bytes of a response's headers. */
  responseHeaderBytes: 69 * 1_024,
  /** Restarts of a request. */
  restarts: 3,
  /** Bytes in which a request's strings and headers are made; none comes back before its end. */
  workspace: 256 * 1_024,
} as const;
