import { ApiError, notImplemented } from "./api-error.ts";
import { json, noContent } from "./exchange.ts";
import type { ApiContext, ApiRequest, ApiResponse, Handler, Route } from "./exchange.ts";
import { initialFields, readFields } from "./fields.ts";
import { PRODUCT_COLLECTION, PRODUCTS } from "./product-rows.ts";
import type { ProductRow } from "./product-rows.ts";
import type { Collection, ResourceRecord } from "./state.ts";
import { param, requireService } from "./versions-access.ts";

/** Both spellings of the path that clients use, and what the older one's operations are called. */
const PATHS = [
  ["/enabled-products/v1", ""],
  ["/enabled-products", "-unversioned"],
] as const;

/** Whether products are enabled on a service, and how they are configured (reference/api/products). */
export const PRODUCT_ROUTES: readonly Route[] = PATHS.flatMap(([base, suffix]): readonly Route[] => {
  const every = `${base}/{product}/services`;
  const one = `${every}/{service}`;
  const configuration = `${one}/configuration`;
  const bind =
    (work: (call: ProductCall) => Promise<ApiResponse> | ApiResponse): Handler =>
    (context, request) =>
      work(productCall(context, request, base));
  const operation = (name: string): string => `${name}${suffix}`;
  return [
    { method: "GET", path: every, operation: operation("list-product-services"), handler: listServices },
    { method: "GET", path: one, operation: operation("get-enabled-product"), handler: bind(get) },
    { method: "PUT", path: one, operation: operation("enable-product"), handler: bind(enable) },
    { method: "DELETE", path: one, operation: operation("disable-product"), handler: bind(disable) },
    {
      method: "GET",
      path: configuration,
      operation: operation("get-product-configuration"),
      handler: bind(getConfiguration),
    },
    {
      method: "PATCH",
      path: configuration,
      operation: operation("set-product-configuration"),
      handler: bind(configure),
    },
  ];
});

interface ProductCall {
  readonly context: ApiContext;
  readonly row: ProductRow;
  readonly serviceId: string;
  readonly self: string;
  readonly body: ApiRequest["body"];
}

function requireProduct(request: ApiRequest): ProductRow {
  const product = param(request, "product");
  const row = PRODUCTS.get(product);
  if (row !== undefined) return row;
  throw problem(404, "product not found", `there is no product '${product}'`);
}

function productCall(context: ApiContext, request: ApiRequest, base: string): ProductCall {
  const row = requireProduct(request);
  const serviceId = requireService(context, param(request, "service")).id;
  const self = `${base}/${row.id}/services/${serviceId}`;
  return { context, row, serviceId, self, body: request.body };
}

/** These endpoints refuse in RFC 9457's form (recorded). */
function problem(status: number, title: string, detail?: string): ApiError {
  return new ApiError(status, title, detail, { form: "problem" });
}

function present(
  { row, serviceId, self }: ProductCall,
  more: Readonly<Record<string, unknown>> = {},
): ApiResponse {
  return json({
    product: { id: row.id, object: "product" },
    service: { id: serviceId, object: "service" },
    ...more,
    _links: { self },
  });
}

function enabledProducts({ context, serviceId }: ProductCall): Collection {
  return context.store.collection(serviceId, PRODUCT_COLLECTION);
}

/** The configuration of an enabled product. Recorded for one that is not: 400, not 404. */
function requireEnabled(call: ProductCall): ResourceRecord {
  const configuration = enabledProducts(call).get(call.row.id);
  if (configuration === undefined) throw problem(400, "no product on service");
  return configuration;
}

function listServices(context: ApiContext, request: ApiRequest): ApiResponse {
  const row = requireProduct(request);
  const services = context.store
    .list()
    .filter(({ id }) => context.store.collection(id, PRODUCT_COLLECTION).has(row.id))
    .map(({ id }) => id);
  const customer = { id: context.store.account.customerId, object: "customer" };
  return json({ product: { id: row.id, object: "product" }, customer, services });
}

function get(call: ProductCall): ApiResponse {
  requireEnabled(call);
  return present(call);
}

async function enable(call: ProductCall): Promise<ApiResponse> {
  const { row } = call;
  if (row.compute === true) throw notImplemented(`the product ${row.id}`);
  const given = readFields(row.fields, call.body);
  return change(call, (before) => {
    const configuration = checked(row, { ...initialFields(row.fields), ...before.get(row.id), ...given });
    return { after: new Map([...before, [row.id, configuration]]), answer: present(call) };
  });
}

async function disable(call: ProductCall): Promise<ApiResponse> {
  return change(call, (before) => {
    const after = new Map(before);
    after.delete(call.row.id);
    return { after, answer: noContent() };
  });
}

function getConfiguration(call: ProductCall): ApiResponse {
  return presentConfigured(call, requireEnabled(call));
}

async function configure(call: ProductCall): Promise<ApiResponse> {
  const { row } = call;
  const given = readFields(row.fields, call.body);
  return change(call, (before) => {
    const configuration = checked(row, { ...requireEnabled(call), ...given });
    return {
      after: new Map([...before, [row.id, configuration]]),
      answer: presentConfigured(call, configuration),
    };
  });
}

function presentConfigured(call: ProductCall, stored: ResourceRecord): ApiResponse {
  const { row } = call;
  if (row.fields.length === 0) throw problem(404, "Not found", `${row.id} has no configuration`);
  return present(call, {
    configuration: Object.fromEntries(row.fields.map(({ name }) => [name, stored[name]])),
  });
}

function checked(row: ProductRow, configuration: ResourceRecord): ResourceRecord {
  const wrong = row.check?.(configuration) ?? null;
  if (wrong !== null) throw problem(400, "Bad request", wrong);
  return configuration;
}

/** Products need no new version: what one changes at the edge is so from the next request on. */
async function change(
  { context, serviceId }: ProductCall,
  plan: (before: Collection) => { readonly after: Collection; readonly answer: ApiResponse },
): Promise<ApiResponse> {
  return context.store.exclusive(serviceId, async () => {
    const before = context.store.collection(serviceId, PRODUCT_COLLECTION);
    const { after, answer } = plan(before);
    await context.store.saveCollection(serviceId, PRODUCT_COLLECTION, after);
    if (before.has("websockets") !== after.has("websockets")) await context.desk.runAgain(serviceId);
    return answer;
  });
}
