/**
 * The features of the edge, one file each under `templates/`, in the order in which a request meets them
 * (docs/architecture.md, "the request walk"). Within a stage, earlier features come first.
 */
export const FEATURES = [
  "edge-gate",
  "version-marker",
  "probe",
  "method-policy",
  "path-hygiene",
  "config-lookup",
  "unknown-host",
  "redirect",
  "canonical-host",
  "force-tls",
  "suspended",
  "expiry",
  "eu-only",
  "passwords",
  "origin-headers",
  "surrogate-keys",
  "delta-releases",
  "page-lookup",
  "canonical-path",
  "rule-buckets",
  "pattern-redirects",
  "exact-redirects",
  "alias-pages",
  "not-found",
  "compression",
  "backends",
  "second-region",
  "shielding",
  "s3-signing",
  "origin-trouble",
  "error-page",
  "response-headers",
  "hsts",
  "noindex",
  "log",
] as const;

export type FeatureName = (typeof FEATURES)[number];
