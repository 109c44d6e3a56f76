import { z } from "zod";
import { LOGGING_KINDS } from "../lib/fastly-names.ts";
import type { LoggingKind } from "../lib/fastly-names.ts";
import { wellFormed } from "./field-schemas.ts";

/** Fields that open something, in whichever kind: their values come from variables only. */
const SECRET_LOGGING_FIELDS: ReadonlySet<string> = new Set([
  "access_key",
  "header_value",
  "password",
  "sas_token",
  "secret_key",
  "tls_client_key",
  "token",
]);

/** Fields that open something in one kind only: Sumo Logic's collectors are opened by their URL. */
const SECRET_FIELDS_OF: Partial<Record<LoggingKind, readonly string[]>> = { sumologic: ["url"] };

/** Pairs of which Fastly refuses the second (recorded: "cannot be set simultaneously", "can't be used when"). */
const EXCLUSIVE_FIELDS = [
  ["compression_codec", "gzip_level"],
  ["iam_role", "access_key"],
  ["iam_role", "secret_key"],
] as const;

/** A value that is read from the variable of that name: `NAME_<ENVIRONMENT>`, else `NAME`. */
export const variableValue = z.strictObject({
  env: z.string().regex(/^[A-Z][A-Z0-9_]{0,63}$/, "must be a variable's name, such as `LOG_TOKEN`"),
});

const fieldName = z.string().regex(/^[a-z][a-z0-9_]{0,63}$/, "must be a field's name as Fastly spells it");
const fieldValue = z.union([wellFormed.max(20_000), z.int(), z.boolean(), variableValue]);

interface KnownKind {
  readonly required: readonly string[];
  /** May be set, and stay as they are where nobody sets them: Fastly chooses their value then. */
  readonly optional: readonly string[];
  /** What a field is where nobody says; written, so that leaving a field out takes it back. */
  readonly defaults: Readonly<Record<string, string>>;
}

/** In every kind. The VCL says itself what is logged and where (`log`), so Fastly must not add lines of its own. */
export const COMMON_LOGGING_FIELDS: Readonly<Record<string, string>> = {
  format_version: "2",
  placement: "none",
  response_condition: "",
};
/** Fields that may be set in every kind, beside those with a default. */
const OPTIONAL_EVERYWHERE = ["format", "log_processing_region"];

const FILES = {
  path: "",
  period: "3600",
  gzip_level: "0",
  compression_codec: "",
  message_type: "blank",
  timestamp_format: "%Y-%m-%dT%H:%M:%S.000",
  public_key: "",
} as const;
const TLS = { tls_ca_cert: "", tls_client_cert: "", tls_client_key: "", tls_hostname: "" } as const;

/** The kinds whose fields are all known here (reference/api/logging/{s3,gcs,https,syslog}). */
export const KNOWN_LOGGING_KINDS: Partial<Record<LoggingKind, KnownKind>> = {
  s3: {
    required: ["bucket_name"],
    optional: ["acl", "redundancy"],
    defaults: {
      ...FILES,
      access_key: "",
      secret_key: "",
      iam_role: "",
      domain: "s3.amazonaws.com",
      file_max_bytes: "0",
      server_side_encryption: "",
      server_side_encryption_kms_key_id: "",
    },
  },
  gcs: {
    required: ["bucket_name"],
    optional: [],
    defaults: { ...FILES, user: "", secret_key: "", account_name: "", project_id: "" },
  },
  https: {
    required: ["url"],
    optional: ["period", "compression_codec", "gzip_level"],
    defaults: {
      ...TLS,
      method: "POST",
      content_type: "",
      header_name: "",
      header_value: "",
      json_format: "0",
      message_type: "blank",
      request_max_entries: "0",
      request_max_bytes: "0",
    },
  },
  syslog: {
    required: ["address"],
    optional: ["hostname"],
    defaults: { ...TLS, port: "514", token: "", use_tls: "0", message_type: "blank" },
  },
};

/** One logging endpoint: its kind, and its fields under Fastly's names. */
export const logging = z
  .strictObject({ kind: z.enum(LOGGING_KINDS), fields: z.record(fieldName, fieldValue) })
  .superRefine(({ kind, fields }, context) => {
    const complain = (field: string, message: string): void =>
      context.addIssue({ code: "custom", path: ["fields", field], message });
    const known = KNOWN_LOGGING_KINDS[kind];
    for (const field of known?.required ?? []) {
      if (fields[field] === undefined) complain(field, `is required by endpoints of kind ${kind}`);
    }
    for (const [one, other] of EXCLUSIVE_FIELDS) {
      if (fields[one] !== undefined && fields[other] !== undefined) {
        complain(other, `cannot be set together with ${one}: Fastly refuses both`);
      }
    }
    for (const [field, value] of Object.entries(fields)) {
      if (known && !isKnownField(known, field)) complain(field, `is no field of endpoints of kind ${kind}`);
      const isSecret = SECRET_LOGGING_FIELDS.has(field) || SECRET_FIELDS_OF[kind]?.includes(field) === true;
      if (isSecret && typeof value !== "object") {
        complain(field, 'is a secret: name the variable that holds it, `{ env: "NAME" }`');
      }
    }
  });

export type LoggingSettings = z.output<typeof logging>;

function isKnownField(known: KnownKind, field: string): boolean {
  const names = [
    ...known.required,
    ...known.optional,
    ...Object.keys(known.defaults),
    ...Object.keys(COMMON_LOGGING_FIELDS),
    ...OPTIONAL_EVERYWHERE,
  ];
  return names.includes(field);
}
