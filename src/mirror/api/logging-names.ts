/** Every kind of logging endpoint, by the last segment of its path (reference/api/logging). */
export const LOGGING_NAMES = [
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

export type LoggingName = (typeof LOGGING_NAMES)[number];

/** The kind under which a version keeps such endpoints: its path below the version. */
export type LoggingKind = `logging/${LoggingName}`;

export const LOGGING_KINDS: readonly LoggingKind[] = LOGGING_NAMES.map((name) => `logging/${name}` as const);
