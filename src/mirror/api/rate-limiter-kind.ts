import { NAME, integer, nullable, oneOf } from "./field-rows.ts";
import type { FieldRow } from "./fields.ts";
import { LOGGING_NAMES } from "./logging-names.ts";
import { numberOf, textOf } from "./state.ts";
import type { FieldValue, ResourceRecord } from "./state.ts";

const ACTIONS = ["response", "response_object", "log_only"] as const;
const METHODS = ["HEAD", "OPTIONS", "GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"] as const;
const WINDOWS = ["1", "10", "60"] as const;
/** Kinds of endpoints that Fastly's list has beside those that can be made today. */
const LOGGERS: readonly string[] = [...LOGGING_NAMES, "googleanalytics", "http", "stackdriver"];
const MAX_CLIENT_KEYS = 20;
/** A VCL variable, or a cookie or other part of a header: these words become code. */
const VARIABLE = /^[a-z][a-z0-9_]*(?:\.[A-Za-z0-9_-]+)+(?::[A-Za-z0-9_-]+)?$/;

/** Fields of a rate limiter; its `response` is kept as three fields of its own. */
export const RATE_LIMITER_FIELDS: readonly FieldRow[] = [
  integer("feature_revision", 1),
  NAME,
  nullable("uri_dictionary_name"),
  { name: "http_methods", type: "list", initial: [] },
  integer("rps_limit", 0),
  integer("window_size", 0),
  { name: "client_key", type: "list", initial: [] },
  integer("penalty_box_duration", 0),
  { name: "action", type: "text", initial: "" },
  { name: "response_status", type: "nullableInteger", initial: null },
  nullable("response_content"),
  nullable("response_content_type"),
  nullable("response_object_name"),
  nullable("logger_type"),
];

/** The texts of a list field. */
export function listOf(record: ResourceRecord, field: string): readonly string[] {
  const value: FieldValue = record[field] ?? [];
  return typeof value === "object" && value !== null ? value : [];
}

/** What is wrong with a rate limiter that is about to be stored, or `null` (reference/api/vcl-services/rate-limiter). */
export function checkRateLimiter(record: ResourceRecord): string | null {
  if (textOf(record, "name") === "") return "Name can't be blank";
  return (
    between(record, "rps_limit", [10, 10_000]) ??
    between(record, "penalty_box_duration", [1, 60]) ??
    oneOf("window_size", textOf(record, "window_size"), WINDOWS) ??
    (textOf(record, "feature_revision") === "1"
      ? null
      : "feature_revision is not 1, the only one there is") ??
    checkMethods(listOf(record, "http_methods")) ??
    checkClientKey(listOf(record, "client_key")) ??
    checkAction(record)
  );
}

function between(
  record: ResourceRecord,
  field: string,
  [least, most]: readonly [number, number],
): string | null {
  const value = numberOf(record, field);
  return value >= least && value <= most ? null : `${field} '${value}' is not between ${least} and ${most}`;
}

function checkMethods(methods: readonly string[]): string | null {
  if (methods.length === 0) return "http_methods can't be blank";
  return (
    methods.map((method) => oneOf("http_methods", method, METHODS)).find((found) => found !== null) ?? null
  );
}

function checkClientKey(variables: readonly string[]): string | null {
  if (variables.length === 0) return "client_key can't be blank";
  if (variables.length > MAX_CLIENT_KEYS) return `client_key has more than ${MAX_CLIENT_KEYS} variables`;
  const wrong = variables.find((variable) => !VARIABLE.test(variable));
  return wrong === undefined ? null : `client_key '${wrong}' is not a VCL variable`;
}

function checkAction(record: ResourceRecord): string | null {
  const action = textOf(record, "action");
  const status = numberOf(record, "response_status");
  switch (action) {
    case "response":
      return status >= 100 && status <= 599 ? null : `response status '${status}' is not between 100 and 599`;
    case "response_object":
      return textOf(record, "response_object_name") === "" ? "response_object_name can't be blank" : null;
    case "log_only":
      return oneOf("logger_type", textOf(record, "logger_type"), LOGGERS);
    default:
      return oneOf("action", action, ACTIONS);
  }
}
