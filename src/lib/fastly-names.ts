/** The subroutines that Fastly calls (`vcl_recv` …), in the order of a request's life (reference/vcl/subroutines). */
export const VCL_SUBROUTINES = [
  "recv",
  "hash",
  "hit",
  "miss",
  "pass",
  "fetch",
  "error",
  "deliver",
  "log",
] as const;
export type VclSubroutine = (typeof VCL_SUBROUTINES)[number];

/** Where Fastly puts a snippet by itself: into the macro of that subroutine, or (`init`) before all subroutines. */
export const SNIPPET_PLACES = ["init", ...VCL_SUBROUTINES] as const;
export type SnippetPlace = (typeof SNIPPET_PLACES)[number];

/** With `none` a snippet is put nowhere, and VCL includes it (reference/api/vcl-services/snippet). */
export const SNIPPET_TYPES = [...SNIPPET_PLACES, "none"] as const;

/** Every kind of logging endpoint, by the last segment of its path (reference/api/logging). */
export const LOGGING_KINDS = [
  "azureblob",
  "bigquery",
  "cloudfiles",
  "datadog",
  "digitalocean",
  "elasticsearch",
  "ftp",
  "gcs",
  "grafanacloudlogs",
  "heroku",
  "honeycomb",
  "https",
  "kafka",
  "kinesis",
  "logentries",
  "loggly",
  "logshuttle",
  "newrelic",
  "newrelicotlp",
  "openstack",
  "papertrail",
  "pubsub",
  "s3",
  "scalyr",
  "sftp",
  "splunk",
  "sumologic",
  "syslog",
] as const;
export type LoggingKind = (typeof LOGGING_KINDS)[number];

/** Whether Fastly has such a kind of logging endpoint. */
export function isLoggingKind(text: string): text is LoggingKind {
  return LOGGING_KINDS.some((kind) => kind === text);
}
