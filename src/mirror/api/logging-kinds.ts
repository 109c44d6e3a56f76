import { isIPv4 } from "node:net";
import { LOG_FORMATS } from "../service.ts";
import { NAME, nullable, oneOf, text } from "./field-rows.ts";
import type { FieldRow, FieldType } from "./fields.ts";
import type { KindRow } from "./kind-row.ts";
import { LOGGING_KINDS, LOGGING_NAMES } from "./logging-names.ts";
import type { LoggingName } from "./logging-names.ts";
import { textOf } from "./state.ts";
import type { FieldValue, ResourceRecord } from "./state.ts";

/** What Fastly logs where a version 2 endpoint has no format (reference/api/logging). */
export const DEFAULT_FORMAT = '%h %l %u %t "%r" %>s %b';

const COMMON: readonly FieldRow[] = [
  NAME,
  nullable("placement"),
  text("response_condition"),
  text("format", DEFAULT_FORMAT),
  { name: "format_version", type: "numeral", initial: "2" },
  text("log_processing_region", "none"),
];

const CODECS = ["", "zstd", "snappy", "gzip"] as const;
const PLACEMENTS = ["", "none", "waf_debug"] as const;
const REGIONS = ["none", "us", "eu"] as const;

/** Fields by their name where they are the same in every kind; what is not here is a nullable text. */
const SHARED: Readonly<Record<string, readonly [type: FieldType, initial: FieldValue]>> = {
  period: ["numeral", "3600"],
  gzip_level: ["numeral", "0"],
  message_type: ["text", "classic"],
  timestamp_format: ["text", "%Y-%m-%dT%H:%M:%S.000"],
  path: ["nullable", null],
  file_max_bytes: ["integer", 0],
  request_max_bytes: ["integer", 0],
  request_max_entries: ["integer", 0],
  use_tls: ["flag", "0"],
  parse_log_keyvals: ["boolean", false],
  add_batch_size_header: ["boolean", false],
};

/** The fields that only some kinds have, recorded; `name=value` says what a field is where nobody says. */
const OWN: Readonly<Record<LoggingName, string>> = {
  azureblob:
    "account_name container path sas_token public_key period gzip_level compression_codec message_type timestamp_format file_max_bytes",
  bigquery: "project_id dataset table template_suffix user secret_key account_name",
  cloudfiles:
    "user access_key bucket_name path region public_key period gzip_level compression_codec message_type timestamp_format",
  datadog: "token region=US",
  digitalocean:
    "bucket_name access_key secret_key domain=nyc3.digitaloceanspaces.com path public_key period gzip_level compression_codec message_type timestamp_format redundancy",
  elasticsearch:
    "index url pipeline user password request_max_entries request_max_bytes tls_ca_cert tls_client_cert tls_client_key tls_hostname",
  ftp: "address port=21 user password path public_key period gzip_level compression_codec message_type timestamp_format",
  gcs: "bucket_name user secret_key account_name project_id path public_key period gzip_level compression_codec message_type timestamp_format",
  grafanacloudlogs: "user url token index",
  heroku: "url token",
  honeycomb: "dataset token",
  https:
    "url method=POST content_type header_name header_value json_format=0 message_type=blank period=5 gzip_level compression_codec request_max_entries request_max_bytes tls_ca_cert tls_client_cert tls_client_key tls_hostname add_batch_size_header",
  kafka:
    "brokers topic required_acks=1 compression_codec use_tls tls_ca_cert tls_client_cert tls_client_key tls_hostname request_max_bytes parse_log_keyvals auth_method user password",
  kinesis: "topic region access_key secret_key iam_role",
  logentries: "port=20000 use_tls token region hostname public_key",
  loggly: "token public_key",
  logshuttle: "url token",
  newrelic: "token region=US",
  newrelicotlp: "token region=US url",
  openstack:
    "url user access_key bucket_name path public_key period gzip_level compression_codec message_type timestamp_format",
  papertrail: "address port=514 public_key",
  pubsub: "user secret_key account_name project_id topic",
  s3: "bucket_name access_key secret_key iam_role acl domain=s3.amazonaws.com path redundancy public_key period gzip_level compression_codec message_type timestamp_format file_max_bytes server_side_encryption server_side_encryption_kms_key_id",
  scalyr: "token region=US project_id=logplex",
  sftp: "address port=22 user password secret_key ssh_known_hosts path public_key period gzip_level compression_codec message_type timestamp_format",
  splunk:
    "url token request_max_entries request_max_bytes use_tls tls_ca_cert tls_client_cert tls_client_key tls_hostname",
  sumologic: "url message_type",
  syslog:
    "address port=514 hostname token use_tls message_type tls_ca_cert tls_client_cert tls_client_key tls_hostname public_key",
};

function fieldOf(word: string): FieldRow {
  const [name = "", given] = word.split("=", 2);
  const [type, initial] = SHARED[name] ?? (name === "port" ? ["numeral", null] : ["nullable", null]);
  return { name, type, initial: given ?? initial };
}

/** Where an endpoint is reached by its address, Fastly prints what the address is (recorded for FTP and syslog). */
function deriveAddress(record: ResourceRecord): Readonly<Record<string, FieldValue>> {
  const address = textOf(record, "address");
  const ip = isIPv4(address);
  return { ipv4: ip ? address : null, hostname: ip ? null : textOf(record, "hostname") || address };
}

/** Recorded refusals. */
function check(record: ResourceRecord): string | null {
  if (textOf(record, "compression_codec") !== "" && !["", "0"].includes(textOf(record, "gzip_level"))) {
    return "'compression_codec' and 'gzip_level' cannot be set simultaneously";
  }
  const keys = textOf(record, "access_key") + textOf(record, "secret_key");
  if (textOf(record, "iam_role") !== "" && keys !== "") {
    return "'iam_role' can't be used when 'access_key' or 'secret_key' are provided";
  }
  return checkRole(record) ?? checkWords(record);
}

function checkRole(record: ResourceRecord): string | null {
  const role = textOf(record, "iam_role");
  if (role === "" || role.split(":").length >= 6) return null;
  return `invalid IAM Role ARN ${role}: ARNs must have six colon-separated components`;
}

function checkWords(record: ResourceRecord): string | null {
  const level = Number(textOf(record, "gzip_level") || "0");
  if (level < 0 || level > 9) return `gzip_level '${level}' is not between 0 and 9`;
  return (
    oneOf("Placement", textOf(record, "placement"), PLACEMENTS) ??
    oneOf("Format version", textOf(record, "format_version"), ["1", "2"]) ??
    oneOf("Log processing region", textOf(record, "log_processing_region"), REGIONS) ??
    (record["message_type"] === undefined
      ? null
      : oneOf("Message type", textOf(record, "message_type"), LOG_FORMATS))
  );
}

function checkCodec(record: ResourceRecord): string | null {
  return check(record) ?? oneOf("Compression codec", textOf(record, "compression_codec"), CODECS);
}

/** Regions of newrelic and its kin (recorded: `unrecognized region abc`). */
function checkRegion(record: ResourceRecord): string | null {
  const region = textOf(record, "region");
  const known = region === "" || ["us", "eu"].includes(region.toLowerCase());
  return check(record) ?? (known ? null : `unrecognized region ${region}`);
}

const CHECKS: Partial<Record<LoggingName, KindRow["check"]>> = {
  // Kafka's codecs are its own (gzip, snappy, lz4).
  kafka: check,
  newrelic: checkRegion,
  newrelicotlp: checkRegion,
};

/** One row for each kind of logging endpoint (reference/api/logging). Their names are unique among all kinds (recorded). */
export const LOGGING_KIND_ROWS: readonly KindRow[] = LOGGING_NAMES.map((name) => ({
  kind: `logging/${name}` as const,
  // Recorded: whatever the kind, Fastly's sentences speak of syslog.
  label: "syslog",
  duplicateLabel: "logging_syslog",
  plural: null,
  fields: [...COMMON, ...OWN[name].split(" ").map(fieldOf)],
  hasId: false,
  versionAs: "string",
  namesake: LOGGING_KINDS,
  check: CHECKS[name] ?? checkCodec,
  ...(name === "ftp" || name === "syslog" ? { derive: deriveAddress } : {}),
}));
