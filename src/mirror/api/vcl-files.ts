import { badRequest } from "./api-error.ts";
import { json, text } from "./exchange.ts";
import type { ApiContext, ApiRequest, ApiResponse, Route } from "./exchange.ts";
import { boilerplate } from "./boilerplate.ts";
import { generatedVcl } from "./generated-vcl.ts";
import { kindRow, presentRecord } from "./kinds.ts";
import { requireRecord, withRecords } from "./resources.ts";
import { textOf, timestamp } from "./state.ts";
import type { ServiceRecord } from "./state.ts";
import { changeVersion, param, readVersion } from "./versions-access.ts";

const ONE = "/service/{service}/version/{version}";

/** VCL files beyond create, read, update and delete, and what Fastly generates (reference/api/vcl-services/vcl). */
export const VCL_FILE_ROUTES: readonly Route[] = [
  { method: "PUT", path: `${ONE}/vcl/{name}/main`, operation: "set-custom-vcl-main", handler: setMain },
  {
    method: "GET",
    path: `${ONE}/vcl/{name}/download`,
    operation: "get-custom-vcl-raw",
    handler: download,
  },
  {
    method: "GET",
    path: `${ONE}/boilerplate`,
    operation: "get-custom-vcl-boilerplate",
    handler: getBoilerplate,
  },
  {
    method: "GET",
    path: `${ONE}/generated_vcl`,
    operation: "get-custom-vcl-generated",
    handler: getGenerated,
  },
];

async function setMain(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const row = kindRow("vcl");
  return changeVersion(context, request, (open) => {
    const chosen = requireRecord(open, row, param(request, "name"));
    const updated = { ...chosen, main: true, updated_at: timestamp(context.clock.now()) };
    const list = open.objects.resources.vcl.map((file) =>
      file === chosen ? updated : file["main"] === true ? { ...file, main: false } : file,
    );
    const objects = withRecords(open.objects, row, list);
    const place = { serviceId: open.service.id, version: open.meta.number, objects };
    return Promise.resolve({
      objects,
      result: json(presentRecord(row, updated, place)),
    });
  });
}

async function download(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const open = await readVersion(context, request);
  return text(textOf(requireRecord(open, kindRow("vcl"), param(request, "name")), "content"));
}

async function getBoilerplate(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const { service, objects } = await readVersion(context, request);
  refuseCompute(service);
  return text(boilerplate(objects.settings.defaultTtl));
}

async function getGenerated(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const { service, meta } = await readVersion(context, request);
  refuseCompute(service);
  return json({
    name: `service-${service.id}-${meta.number}`,
    content: generatedVcl(await context.desk.input(service, meta.number)),
    main: true,
    service_id: service.id,
    version: meta.number,
    created_at: meta.createdAt,
    updated_at: meta.updatedAt,
    deleted_at: null,
  });
}

/** VCL that nobody runs would only mislead. */
function refuseCompute({ id, type }: ServiceRecord): void {
  if (type === "wasm") throw badRequest(`Service '${id}' is of type 'wasm': it has no VCL`);
}
