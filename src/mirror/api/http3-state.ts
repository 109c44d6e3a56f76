import { ApiError, badRequest } from "./api-error.ts";
import { json, statusOk } from "./exchange.ts";
import type { ApiContext, ApiRequest, ApiResponse, Route } from "./exchange.ts";
import { integer } from "./field-rows.ts";
import { initialFields, readFields } from "./fields.ts";
import { newId } from "./ids.ts";
import { timestamp } from "./state.ts";
import type { ResourceRecord, VersionObjects } from "./state.ts";
import { changeVersion, readVersion } from "./versions-access.ts";
import type { OpenVersion } from "./versions-access.ts";

const PATH = "/service/{service}/version/{version}/http3";
const FIELDS = [integer("feature_revision", 1)] as const;

/** Whether a version has HTTP/3 on (reference/api/services/http3); a validated version says what the mirror makes of it. */
export const HTTP3_ROUTES: readonly Route[] = [
  { method: "GET", path: PATH, operation: "get-http3", handler: get },
  { method: "POST", path: PATH, operation: "create-http3", handler: enable },
  { method: "DELETE", path: PATH, operation: "delete-http3", handler: disable },
];

function present({ service, meta }: OpenVersion, record: ResourceRecord): ApiResponse {
  return json({ ...record, feature_update_available: false, service_id: service.id, version: meta.number });
}

function withHttp3(objects: VersionObjects, http3: readonly ResourceRecord[]): VersionObjects {
  return { ...objects, resources: { ...objects.resources, http3 } };
}

async function get(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const open = await readVersion(context, request);
  const [record] = open.objects.resources.http3;
  // Recorded for a version in which HTTP/3 is off.
  if (record === undefined) throw new ApiError(404, "Not found");
  return present(open, record);
}

async function enable(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const given = readFields(FIELDS, request.body);
  return changeVersion(context, request, (open) => {
    if (open.objects.resources.http3.length > 0) throw badRequest("HTTP/3 is already on in this version");
    const now = timestamp(context.clock.now());
    const record = { ...initialFields(FIELDS), ...given, id: newId(), created_at: now, updated_at: now };
    return Promise.resolve({ objects: withHttp3(open.objects, [record]), result: present(open, record) });
  });
}

/** Terraform's provider asks for this in every new version, HTTP/3 on or not. */
async function disable(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  return changeVersion(context, request, ({ objects }) =>
    Promise.resolve({ objects: withHttp3(objects, []), result: statusOk() }),
  );
}
