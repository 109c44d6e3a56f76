/**
 * Headers that hold a message together, in lower case: compiling fails when VCL changes one of them, and a computed name
 * does not reach them either (reference/vcl/special-headers).
 */
export const PROTECTED_HEADERS: ReadonlySet<string> = new Set([
  "content-length",
  "content-range",
  "expect",
  "fastly-ff",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
