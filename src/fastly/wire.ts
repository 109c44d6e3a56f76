import { z } from "zod";
import { Secret } from "../lib/secret.ts";
import { canonicalAddress } from "./address.ts";

/**
 * Shapes of Fastly's answers, as recorded from the live API. Plain objects: Fastly adds fields. The same field comes
 * as number or text, as boolean, 0/1 or "1", and unset ones as null: everything is normalised here and nowhere else.
 */
const wireText = z
  .union([z.string(), z.number(), z.null()])
  .optional()
  .transform((value) => (value === null || value === undefined ? "" : String(value)));

const wireInteger = z
  .union([z.int(), z.string().regex(/^-?[0-9]{1,15}$/)])
  .transform((value) => Number(value));

const wireBoolean = z
  .union([z.boolean(), z.literal([0, 1]), z.literal(["0", "1", "true", "false", ""]), z.null()])
  .optional()
  .transform((value) => value === true || value === 1 || value === "1" || value === "true");

const orInteger = (fallback: number): z.ZodType<number> =>
  z.union([wireInteger, z.null().transform(() => fallback)]).default(fallback);

export const versionInfo = z.object({
  number: wireInteger,
  active: wireBoolean,
  locked: wireBoolean,
  comment: wireText,
  created_at: wireText,
  updated_at: wireText,
});
/** One version of a service; times as Fastly writes them, empty when unknown. */
export type VersionInfo = Readonly<z.output<typeof versionInfo>>;

/** As Fastly calls them: `wasm` is Compute. A service has its type for life. */
export type ServiceType = "vcl" | "wasm";

export const serviceInfo = z.object({
  id: z.string().min(1),
  name: z.string(),
  type: z.string().default("vcl"),
  comment: wireText,
  versions: z.array(versionInfo).default([]),
});
export type ServiceInfo = Readonly<z.output<typeof serviceInfo>>;

/** `GET /service/{id}/details`: what lies in the version it shows, by kind; only counted and named, never written. */
export const serviceDetails = z.object({
  id: z.string(),
  name: z.string(),
  type: z.string().default("vcl"),
  active_version: z
    .object({ number: wireInteger })
    .nullish()
    .transform((version) => version?.number),
  version: z
    .looseObject({ number: wireInteger })
    .nullish()
    .transform((version) => version ?? undefined),
});
export type ServiceDetails = Readonly<z.output<typeof serviceDetails>>;

export const activatedVersion = versionInfo.extend({ msg: wireText });
export type ActivatedVersion = Readonly<z.output<typeof activatedVersion>>;

const message = z.unknown().transform((value) => (typeof value === "string" ? value : JSON.stringify(value)));
const messages = z
  .array(message)
  .nullish()
  .transform((list) => list ?? []);

/** `GET …/validate`: 200 also when the version is wrong. */
export const validation = z
  .object({ status: wireText, msg: wireText, errors: messages, warnings: messages, messages })
  .transform((answer) => ({
    valid: answer.status === "ok",
    problems: [answer.msg, ...answer.errors, ...answer.messages].filter(isNews),
    warnings: answer.warnings,
  }));
/** `msg` has the errors too, and a message is told once. */
function isNews(text: string, index: number, all: readonly string[]): boolean {
  return text !== "" && !all.slice(0, index).some((earlier) => earlier.includes(text));
}

export type Validation = Readonly<z.output<typeof validation>>;

export const vclFile = z.object({ name: z.string(), content: wireText, main: wireBoolean });
export type VclFile = Readonly<z.output<typeof vclFile>>;

export const domain = z.object({ name: z.string(), comment: wireText });
export type Domain = Readonly<z.output<typeof domain>>;

/** The fields of a backend that sitefleet decides, under Fastly's own names; times in milliseconds, "" = unset. */
export const backend = z.object({
  name: z.string(),
  address: wireText,
  port: orInteger(80),
  use_ssl: wireBoolean,
  ssl_check_cert: z.union([wireBoolean]).default(true),
  ssl_cert_hostname: wireText,
  ssl_sni_hostname: wireText,
  min_tls_version: wireText,
  override_host: wireText,
  shield: wireText,
  healthcheck: wireText,
  request_condition: wireText,
  auto_loadbalance: wireBoolean,
  connect_timeout: orInteger(1_000),
  first_byte_timeout: orInteger(15_000),
  between_bytes_timeout: orInteger(10_000),
  max_conn: orInteger(200),
});
export type Backend = Readonly<z.output<typeof backend>>;

/** Intervals and timeouts in milliseconds; `window`, `threshold` and `initial` in probes. */
export const healthcheck = z.object({
  name: z.string(),
  host: wireText,
  path: wireText,
  method: wireText,
  http_version: wireText,
  expected_response: orInteger(200),
  check_interval: orInteger(5_000),
  timeout: orInteger(500),
  window: orInteger(5),
  threshold: orInteger(3),
  initial: orInteger(2),
});
export type Healthcheck = Readonly<z.output<typeof healthcheck>>;

export const dictionary = z.object({ id: z.string().min(1), name: z.string(), write_only: wireBoolean });
export type Dictionary = Readonly<z.output<typeof dictionary>>;

export const dictionaryItem = z.object({ item_key: z.string(), item_value: wireText });
export type DictionaryItem = Readonly<z.output<typeof dictionaryItem>>;

export const dictionaryInfo = z.object({ item_count: wireInteger, last_updated: wireText, digest: wireText });
export type DictionaryInfo = Readonly<z.output<typeof dictionaryInfo>>;

export const settings = z.object({
  "general.default_ttl": orInteger(3_600),
  "general.default_host": wireText,
  "general.stale_if_error": wireBoolean,
});
/** Version settings under Fastly's names; `general.default_ttl` in seconds. */
export type ServiceSettings = Readonly<z.output<typeof settings>>;

/** A snippet; what a dynamic one says has no version and is not here. Lower priorities come first. */
export const snippet = z.object({
  name: z.string(),
  type: wireText,
  dynamic: wireBoolean,
  priority: orInteger(100),
  content: wireText,
});
export type Snippet = Readonly<z.output<typeof snippet>>;

export const acl = z.object({ id: z.string().min(1), name: z.string() });
export type Acl = Readonly<z.output<typeof acl>>;

export const snippetText = z.object({ content: wireText });

/** `subnet` is the length of a network's prefix, `null` for one address. */
export const aclEntry = z.object({
  id: z.string().min(1),
  ip: z.string().transform(canonicalAddress),
  subnet: z
    .union([wireInteger, z.null(), z.literal("").transform(() => null)])
    .optional()
    .transform((value) => value ?? null),
  negated: wireBoolean,
  comment: wireText,
});
export type AclEntry = Readonly<z.output<typeof aclEntry>>;

/** Any kind of logging endpoint: its fields as text, unset ones empty. Some of them are secrets. */
export const loggingEndpoint = z.looseObject({ name: z.string() }).transform(({ name, ...fields }) => ({
  name,
  fields: new Map(Object.entries(fields).map(([field, value]) => [field, new Secret(fieldText(value))])),
}));
export type LoggingEndpoint = Readonly<z.output<typeof loggingEndpoint>>;

function fieldText(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "boolean") return value ? "1" : "0";
  return typeof value === "string" ? value : JSON.stringify(value);
}

export const versionDiff = z.object({ diff: z.string() });

export const statusAnswer = z.object({ status: z.literal("ok") });
/** Batch purge: the keys that were purged, each with an id that says nothing further. */
export const purgedKeys = z
  .custom<object>((answer) => typeof answer === "object" && answer !== null)
  .transform((answer): ReadonlySet<string> => new Set(Object.keys(answer)));
