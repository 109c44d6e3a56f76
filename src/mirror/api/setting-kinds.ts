import { NAME, nullable, nullableFlag, nullableNumeral, oneOf, text } from "./field-rows.ts";
import type { KindRow } from "./kind-row.ts";
import { numberOf, textOf } from "./state.ts";
import type { ResourceRecord } from "./state.ts";

const REQUEST_ACTIONS = ["", "lookup", "pass"] as const;
const XFF_MODES = ["", "clear", "leave", "append", "append_all", "overwrite"] as const;
const CACHE_ACTIONS = ["", "cache", "deliver", "pass", "restart"] as const;

/** What `default_host` may be: it becomes the Host that the origin sees. */
export const HOST_VALUE = /^[A-Za-z0-9_.:[\]-]{0,253}$/;
/** A request variable such as `req.url` or `req.http.X-Device`. */
const HASH_KEY = /^[A-Za-z][A-Za-z0-9_.-]*(?::[A-Za-z0-9_.-]+)?$/;

/** The single variables of `hash_keys`. */
export function hashKeys(record: ResourceRecord): readonly string[] {
  return textOf(record, "hash_keys")
    .split(",")
    .map((key) => key.trim())
    .filter((key) => key !== "");
}

function negative(record: ResourceRecord, fields: readonly string[]): string | null {
  const field = fields.find((name) => numberOf(record, name) < 0);
  return field === undefined ? null : `${field} can't be negative`;
}

function checkRequest(record: ResourceRecord): string | null {
  const host = textOf(record, "default_host");
  const key = hashKeys(record).find((one) => !HASH_KEY.test(one));
  return (
    oneOf("Action", textOf(record, "action"), REQUEST_ACTIONS) ??
    oneOf("Xff", textOf(record, "xff"), XFF_MODES) ??
    negative(record, ["max_stale_age"]) ??
    (HOST_VALUE.test(host) ? null : `Default host '${host}' is not a host name`) ??
    (key === undefined ? null : `Hash key '${key}' is not a variable`)
  );
}

function checkCache(record: ResourceRecord): string | null {
  return oneOf("Action", textOf(record, "action"), CACHE_ACTIONS) ?? negative(record, ["ttl", "stale_ttl"]);
}

/** Request settings (reference/api/vcl-services/request-settings). */
export const REQUEST_SETTINGS_KIND: KindRow = {
  kind: "request_settings",
  label: "RequestSettings",
  duplicateLabel: "request_settings",
  plural: "request_settings",
  fields: [
    NAME,
    text("action"),
    nullableFlag("bypass_busy_wait"),
    text("default_host"),
    nullableFlag("force_miss"),
    nullableFlag("force_ssl"),
    nullableFlag("geo_headers"),
    text("hash_keys"),
    nullableNumeral("max_stale_age"),
    nullableFlag("timer_support"),
    text("xff"),
    text("request_condition"),
  ],
  hasId: false,
  versionAs: "string",
  check: checkRequest,
};

/** Cache settings (reference/api/vcl-services/cache-settings). */
export const CACHE_SETTINGS_KIND: KindRow = {
  kind: "cache_settings",
  label: "CacheSettings",
  duplicateLabel: "cache_settings",
  plural: "cache_settings",
  fields: [
    NAME,
    nullable("action"),
    nullableNumeral("ttl"),
    nullableNumeral("stale_ttl"),
    text("cache_condition"),
  ],
  hasId: false,
  versionAs: "string",
  check: checkCache,
};
