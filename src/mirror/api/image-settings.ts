import { ApiError } from "./api-error.ts";
import { json } from "./exchange.ts";
import type { ApiContext, ApiRequest, ApiResponse, Route } from "./exchange.ts";
import { integer, oneOf, text } from "./field-rows.ts";
import { initialFields, readFields } from "./fields.ts";
import type { FieldRow } from "./fields.ts";
import { PRODUCT_COLLECTION } from "./product-rows.ts";
import { numberOf, textOf } from "./state.ts";
import type { ResourceRecord } from "./state.ts";
import { changeVersion, param, readVersion } from "./versions-access.ts";

const PATH = "/service/{service}/version/{version}/image_optimizer_default_settings";
const FILTERS = ["lanczos3", "lanczos2", "bicubic", "bilinear", "nearest"] as const;
const JPEG_TYPES = ["auto", "baseline", "progressive"] as const;
const FIELDS: readonly FieldRow[] = [
  text("resize_filter", "lanczos3"),
  { name: "webp", type: "boolean", initial: false },
  integer("webp_quality", 85),
  text("jpeg_type", "auto"),
  integer("jpeg_quality", 85),
  { name: "upscale", type: "boolean", initial: false },
  { name: "allow_video", type: "boolean", initial: false },
];

/**
 * How Image Optimizer treats images of which a request says nothing (reference/api/services/image-optimizer): kept by
 * version. The mirror's edge does not change images; a validated version of a service that has the product says so.
 */
export const IMAGE_SETTINGS_ROUTES: readonly Route[] = [
  { method: "GET", path: PATH, operation: "get-default-settings", handler: get },
  { method: "PATCH", path: PATH, operation: "update-default-settings", handler: update },
];

function hasProduct(context: ApiContext, request: ApiRequest): boolean {
  return context.store.collection(param(request, "service"), PRODUCT_COLLECTION).has("image_optimizer");
}

/** A service without the product has no such settings: clients read 404 as that. */
async function get(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const { objects } = await readVersion(context, request);
  if (!hasProduct(context, request)) throw new ApiError(404, "Not found", undefined, { form: "problem" });
  return json(objects.resources.image_optimizer_default_settings[0] ?? initialFields(FIELDS));
}

async function update(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const given = readFields(FIELDS, request.body);
  return changeVersion(context, request, ({ objects }) => {
    if (!hasProduct(context, request)) throw refusal("Image Optimizer is not enabled on this service");
    const [before = initialFields(FIELDS)] = objects.resources.image_optimizer_default_settings;
    const settings = { ...before, ...given };
    const problem = check(settings);
    if (problem !== null) throw refusal(problem);
    const resources = { ...objects.resources, image_optimizer_default_settings: [settings] };
    return Promise.resolve({ objects: { ...objects, resources }, result: json(settings) });
  });
}

function refusal(detail: string): ApiError {
  return new ApiError(400, "Bad request", detail, { form: "errors" });
}

function check(settings: ResourceRecord): string | null {
  const quality = ["webp_quality", "jpeg_quality"].find((name) => {
    const value = numberOf(settings, name);
    return value < 1 || value > 100;
  });
  if (quality !== undefined) return `${quality} is not between 1 and 100`;
  return (
    oneOf("resize_filter", textOf(settings, "resize_filter"), FILTERS) ??
    oneOf("jpeg_type", textOf(settings, "jpeg_type"), JPEG_TYPES)
  );
}
