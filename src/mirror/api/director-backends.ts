import { duplicateRecord, NOT_DELETED, recordNotFound } from "./api-error.ts";
import { json, statusOk } from "./exchange.ts";
import type { ApiContext, ApiRequest, ApiResponse, Route } from "./exchange.ts";
import { kindRow } from "./kinds.ts";
import { requireRecord } from "./resources.ts";
import { timestamp } from "./state.ts";
import type { ResourceRecord, VersionObjects } from "./state.ts";
import { changeVersion, param, readVersion } from "./versions-access.ts";
import type { OpenVersion } from "./versions-access.ts";

const PATH = "/service/{service}/version/{version}/director/{director}/backend/{backend}";

/** Which backends a director has (reference/api/load-balancing/directors/backend). */
export const DIRECTOR_BACKEND_ROUTES: readonly Route[] = [
  { method: "GET", path: PATH, operation: "get-director-backend", handler: get },
  { method: "POST", path: PATH, operation: "create-director-backend", handler: create },
  { method: "DELETE", path: PATH, operation: "delete-director-backend", handler: remove },
];

function find(open: OpenVersion, request: ApiRequest): ResourceRecord | undefined {
  const [director, backend] = [param(request, "director"), param(request, "backend")];
  return open.objects.resources.director_backend.find(
    (link) => link["director_name"] === director && link["backend_name"] === backend,
  );
}

function requireLink(open: OpenVersion, request: ApiRequest): ResourceRecord {
  const link = find(open, request);
  if (link !== undefined) return link;
  throw recordNotFound("DirectorBackend", {
    backend: param(request, "backend"),
    ...NOT_DELETED,
    director: param(request, "director"),
    service: open.service.id,
    version: open.meta.number,
  });
}

function present(open: OpenVersion, link: ResourceRecord): ApiResponse {
  return json({ ...link, service_id: open.service.id, version: open.meta.number, deleted_at: null });
}

function withLinks(objects: VersionObjects, links: readonly ResourceRecord[]): VersionObjects {
  return { ...objects, resources: { ...objects.resources, director_backend: links } };
}

async function get(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const open = await readVersion(context, request);
  return present(open, requireLink(open, request));
}

async function create(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  return changeVersion(context, request, (open) => {
    const [director, backend] = [param(request, "director"), param(request, "backend")];
    requireRecord(open, kindRow("director"), director);
    requireRecord(open, kindRow("backend"), backend);
    if (find(open, request) !== undefined) {
      throw duplicateRecord("director_backend", `${director}/${backend}`);
    }
    const now = timestamp(context.clock.now());
    const link = { director_name: director, backend_name: backend, created_at: now, updated_at: now };
    const links = [...open.objects.resources.director_backend, link];
    return Promise.resolve({ objects: withLinks(open.objects, links), result: present(open, link) });
  });
}

async function remove(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  return changeVersion(context, request, (open) => {
    const link = requireLink(open, request);
    const links = open.objects.resources.director_backend.filter((other) => other !== link);
    return Promise.resolve({ objects: withLinks(open.objects, links), result: statusOk() });
  });
}
