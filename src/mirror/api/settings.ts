import { json } from "./exchange.ts";
import type { ApiContext, ApiRequest, ApiResponse, Route } from "./exchange.ts";
import { badRequest } from "./api-error.ts";
import { readFields } from "./fields.ts";
import type { FieldRow } from "./fields.ts";
import { numberOf, textOf } from "./state.ts";
import type { ResourceRecord, VersionSettings } from "./state.ts";
import { changeVersion, readVersion } from "./versions-access.ts";

const PATH = "/service/{service}/version/{version}/settings";
const HOST_NAME = /^[A-Za-z0-9_.:[\]-]{0,253}$/;
const FIELDS: readonly FieldRow[] = [
  { name: "general.default_host", type: "text", initial: "" },
  { name: "general.default_ttl", type: "integer", initial: 3600 },
  { name: "general.default_pci", type: "integer", initial: 0 },
  { name: "general.stale_if_error", type: "boolean", initial: false },
  { name: "general.stale_if_error_ttl", type: "integer", initial: 43_200 },
];

/** Settings of a version (reference/api/vcl-services/settings). */
export const SETTINGS_ROUTES: readonly Route[] = [
  { method: "GET", path: PATH, operation: "get-service-settings", handler: get },
  { method: "PUT", path: PATH, operation: "update-service-settings", handler: update },
];

/** Settings under their flat dotted names. */
export function presentSettings(settings: VersionSettings): ResourceRecord {
  return {
    "general.default_host": settings.defaultHost,
    "general.default_ttl": settings.defaultTtl,
    "general.default_pci": settings.defaultPci,
    "general.stale_if_error": settings.staleIfError,
    "general.stale_if_error_ttl": settings.staleIfErrorTtl,
  };
}

async function get(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const { service, meta, objects } = await readVersion(context, request);
  return json({ ...presentSettings(objects.settings), service_id: service.id, version: meta.number });
}

async function update(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const fields = readFields(FIELDS, request.body);
  return changeVersion(context, request, ({ service, meta, objects }) => {
    const merged: ResourceRecord = { ...presentSettings(objects.settings), ...fields };
    const settings: VersionSettings = {
      defaultHost: textOf(merged, "general.default_host"),
      defaultTtl: numberOf(merged, "general.default_ttl"),
      defaultPci: numberOf(merged, "general.default_pci"),
      staleIfError: merged["general.stale_if_error"] === true,
      staleIfErrorTtl: numberOf(merged, "general.stale_if_error_ttl"),
    };
    if (!HOST_NAME.test(settings.defaultHost)) throw badRequest("general.default_host is not a host name");
    if (settings.defaultTtl < 0 || settings.staleIfErrorTtl < 0) throw badRequest("a TTL can't be negative");
    const result = json({ ...presentSettings(settings), service_id: service.id, version: meta.number });
    return Promise.resolve({ objects: { ...objects, settings }, result });
  });
}
