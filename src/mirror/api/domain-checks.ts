import { json } from "./exchange.ts";
import type { ApiContext, ApiRequest, ApiResponse, Route } from "./exchange.ts";
import { kindRow, presentRecord } from "./kinds.ts";
import { requireRecord } from "./resources.ts";
import type { ResourceRecord } from "./state.ts";
import { param, readVersion } from "./versions-access.ts";
import type { OpenVersion } from "./versions-access.ts";

const LIST = "/service/{service}/version/{version}/domain";

/** DNS checks of domains (reference/api/services/domain). */
export const DOMAIN_CHECK_ROUTES: readonly Route[] = [
  { method: "GET", path: `${LIST}/check_all`, operation: "check-domains", handler: checkAll },
  { method: "GET", path: `${LIST}/{name}/check`, operation: "check-domain", handler: checkOne },
];

/**
 * Domain, CNAME, and whether DNS points at Fastly. The mirror asks no DNS: like a domain whose records were never made,
 * the answer is no CNAME and `false` (recorded).
 */
function triple(open: OpenVersion, record: ResourceRecord): readonly [unknown, null, false] {
  const place = { serviceId: open.service.id, version: open.meta.number, objects: open.objects };
  return [presentRecord(kindRow("domain"), record, place), null, false];
}

async function checkAll(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const open = await readVersion(context, request);
  return json(open.objects.resources.domain.map((record) => triple(open, record)));
}

async function checkOne(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const open = await readVersion(context, request);
  return json(triple(open, requireRecord(open, kindRow("domain"), param(request, "name"))));
}
