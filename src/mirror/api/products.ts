import { ApiError, notImplemented } from "./api-error.ts";
import { json, noContent } from "./exchange.ts";
import type { ApiContext, ApiRequest, ApiResponse, Handler, Route } from "./exchange.ts";
import { timestamp } from "./state.ts";
import { param, requireService } from "./versions-access.ts";

/**
 * Products by their id (reference/api/products). Those that are `true` change nothing about what visitors get, or only
 * allow what the mirror's edge always does; the others would, and the mirror does not have them.
 */
const PRODUCTS: ReadonlyMap<string, boolean> = new Map([
  ["api_discovery", false],
  ["bot_management", false],
  ["brotli_compression", true],
  ["ddos_protection", false],
  ["domain_inspector", true],
  ["fanout", false],
  ["image_optimizer", false],
  ["log_explorer_insights", true],
  ["ngwaf", false],
  ["origin_inspector", true],
  ["websockets", false],
]);

/** Key of the versionless content that lists a service's products. */
const COLLECTION = "products";

/** Both spellings of the path that clients use, and what the older one's operations are called. */
const PATHS = [
  ["/enabled-products/v1", ""],
  ["/enabled-products", "-unversioned"],
] as const;

/** Whether products are enabled on a service (reference/api/products/enablement). */
export const PRODUCT_ROUTES: readonly Route[] = PATHS.flatMap(([base, suffix]): readonly Route[] => {
  const one = `${base}/{product}/services/{service}`;
  const bind =
    (work: (call: ProductCall) => Promise<ApiResponse> | ApiResponse): Handler =>
    (context, request) =>
      work(productCall(context, request, base));
  return [
    { method: "GET", path: one, operation: `get-enabled-product${suffix}`, handler: bind(get) },
    { method: "PUT", path: one, operation: `enable-product${suffix}`, handler: bind(enable) },
    { method: "DELETE", path: one, operation: `disable-product${suffix}`, handler: bind(disable) },
  ];
});

interface ProductCall {
  readonly context: ApiContext;
  readonly product: string;
  readonly serviceId: string;
  readonly self: string;
}

function productCall(context: ApiContext, request: ApiRequest, base: string): ProductCall {
  const product = param(request, "product");
  const serviceId = requireService(context, param(request, "service")).id;
  if (!PRODUCTS.has(product)) {
    throw new ApiError(404, "product not found", `there is no product '${product}'`, "problem");
  }
  return { context, product, serviceId, self: `${base}/${product}/services/${serviceId}` };
}

function present({ product, serviceId, self }: ProductCall): ApiResponse {
  return json({
    product: { id: product, object: "product" },
    service: { id: serviceId, object: "service" },
    _links: { self },
  });
}

function get(call: ProductCall): ApiResponse {
  const enabled = call.context.store.collection(call.serviceId, COLLECTION).has(call.product);
  if (enabled) return present(call);
  // Recorded: 400, not 404.
  throw new ApiError(400, "no product on service", undefined, "problem");
}

async function enable(call: ProductCall): Promise<ApiResponse> {
  const { context, product, serviceId } = call;
  if (PRODUCTS.get(product) !== true) throw notImplemented(`the product ${product}`);
  await context.store.exclusive(serviceId, async () => {
    const enabled = new Map(context.store.collection(serviceId, COLLECTION));
    enabled.set(product, { created_at: timestamp(context.clock.now()) });
    await context.store.saveCollection(serviceId, COLLECTION, enabled);
  });
  return present(call);
}

async function disable({ context, product, serviceId }: ProductCall): Promise<ApiResponse> {
  await context.store.exclusive(serviceId, async () => {
    const enabled = new Map(context.store.collection(serviceId, COLLECTION));
    if (enabled.delete(product)) await context.store.saveCollection(serviceId, COLLECTION, enabled);
  });
  return noContent();
}
