import { NAME, numeral, text } from "./field-rows.ts";
import type { KindRow } from "./kind-row.ts";
import { numberOf } from "./state.ts";
import type { ResourceRecord } from "./state.ts";

/** What gzip objects compress where they do not say (recorded). */
const CONTENT_TYPES = [
  "text/html",
  "application/x-javascript",
  "text/css",
  "application/javascript",
  "text/javascript",
  "application/json",
  "application/vnd.ms-fontobject",
  "application/x-font-opentype",
  "application/x-font-truetype",
  "application/x-font-ttf",
  "application/xml",
  "font/eot",
  "font/opentype",
  "font/otf",
  "image/svg+xml",
  "image/vnd.microsoft.icon",
  "text/plain",
  "text/xml",
].join(" ");
const EXTENSIONS = "css js html eot ico otf ttf json";

/** Gzip objects (reference/api/vcl-services/gzip). */
export const GZIP_KIND: KindRow = {
  kind: "gzip",
  label: "Gzip",
  duplicateLabel: "gzip",
  plural: "gzips",
  fields: [
    NAME,
    // Fastly takes "" for "not said" (its Terraform provider's notes on gzip).
    { name: "content_types", type: "defaulted", initial: CONTENT_TYPES },
    { name: "extensions", type: "defaulted", initial: EXTENSIONS },
    text("cache_condition"),
  ],
  hasId: false,
  versionAs: "string",
};

function checkResponse(record: ResourceRecord): string | null {
  const status = numberOf(record, "status");
  return status >= 100 && status <= 999 ? null : `Status '${status}' is not an HTTP status`;
}

/** Response objects (reference/api/vcl-services/response-object). */
export const RESPONSE_OBJECT_KIND: KindRow = {
  kind: "response_object",
  label: "ResponseObject",
  duplicateLabel: "response_object",
  plural: "response_objects",
  fields: [
    NAME,
    numeral("status", "200"),
    text("response", "Ok"),
    text("content"),
    text("content_type"),
    text("request_condition"),
    text("cache_condition"),
  ],
  hasId: false,
  versionAs: "string",
  check: checkResponse,
};
