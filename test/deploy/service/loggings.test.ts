import { describe, expect, it } from "vitest";
import { loggingAsWished, loggingsOf } from "../../../src/deploy/service/loggings.ts";
import { loggingEndpoint } from "../../../src/fastly/wire.ts";
import type { LoggingSettings } from "../../../src/settings/logging-schema.ts";
import { VARIABLES, environmentWith } from "../deploy-fixture.ts";

const KEY = "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n";

/** An endpoint as it is wanted, beside the same as Fastly tells it. */
function compared(logging: LoggingSettings, told: Record<string, unknown>) {
  const environment = environmentWith({ fastly: { logging } }, { ...VARIABLES, LOG_KEY: KEY });
  const { loggings, variables } = loggingsOf(environment);
  const endpoint = loggingEndpoint.parse({ name: "sitefleet", ...told });
  const live = loggingAsWished({ kind: logging.kind, endpoint }, { loggings, variables });
  return { wanted: loggings[0]?.fields, live: live.fields };
}

const COMMON = { format_version: "2", placement: "none", response_condition: "" };

describe("an endpoint that is as wanted", () => {
  // Answers of the live API, as go-fastly's recordings have them.
  it.each([
    [
      "s3 with unset fields as null and numbers",
      { kind: "s3", fields: { bucket_name: "logs", period: 60 } },
      {
        bucket_name: "logs",
        period: "60",
        gzip_level: "0",
        compression_codec: null,
        file_max_bytes: 0,
        acl: null,
        access_key: null,
        secret_key: null,
        iam_role: null,
        domain: "s3.amazonaws.com",
        path: null,
        message_type: "blank",
        timestamp_format: "%Y-%m-%dT%H:%M:%S.000",
        public_key: null,
        redundancy: null,
        server_side_encryption: null,
        server_side_encryption_kms_key_id: null,
        log_processing_region: "none",
      },
    ],
    [
      "s3 with a codec, where the level is null after a change and 0 after a creation",
      { kind: "s3", fields: { bucket_name: "logs", period: 60, compression_codec: "zstd" } },
      {
        bucket_name: "logs",
        period: "60",
        gzip_level: null,
        compression_codec: "zstd",
        file_max_bytes: 0,
        domain: "s3.amazonaws.com",
        message_type: "blank",
        timestamp_format: "%Y-%m-%dT%H:%M:%S.000",
      },
    ],
    [
      "https with numbers",
      { kind: "https", fields: { url: "https://logs.example.net/", period: 5 } },
      {
        url: "https://logs.example.net/",
        method: "POST",
        json_format: "0",
        message_type: "blank",
        request_max_bytes: 0,
        request_max_entries: 0,
        period: 5,
        gzip_level: 0,
        compression_codec: null,
        add_batch_size_header: false,
        content_type: null,
      },
    ],
    [
      "a key without the new line at its end",
      {
        kind: "pubsub",
        fields: { user: "u", project_id: "p", topic: "t", secret_key: { env: "LOG_KEY" } },
      },
      { user: "u", project_id: "p", topic: "t", secret_key: KEY.trimEnd(), account_name: null },
    ],
    [
      "a certificate without the new line at its end",
      {
        kind: "syslog",
        fields: { address: "logs.example.net", use_tls: true, tls_ca_cert: "-----BEGIN…\n" },
      },
      {
        address: "logs.example.net",
        hostname: "logs.example.net",
        use_tls: "1",
        port: "514",
        message_type: "blank",
        tls_ca_cert: "-----BEGIN…",
        ipv4: null,
      },
    ],
  ] as const)("shows no change: %s", (_, logging, told) => {
    const { wanted, live } = compared(logging, { ...COMMON, ...told });
    expect(live).toEqual(wanted);
  });
});

describe("an endpoint that is not as wanted", () => {
  it("is told by its values, and a secret one by its variable only", () => {
    const { live } = compared(
      { kind: "pubsub", fields: { user: "u", topic: "t", secret_key: { env: "LOG_KEY" } } },
      { ...COMMON, user: "u ", topic: "other", secret_key: `x${KEY}` },
    );
    expect(live).toMatchObject({ user: "u", topic: "other", secret_key: "(not the value of LOG_KEY)" });
  });
});
