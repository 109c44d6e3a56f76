import { badRequest, NOT_DELETED, recordNotFound } from "./api-error.ts";
import { json } from "./exchange.ts";
import type { ApiContext, ApiRequest, ApiResponse, Route } from "./exchange.ts";
import { readFields } from "./fields.ts";
import { withNewLimiterIds } from "./rate-limiters.ts";
import { EMPTY_VERSION, textOf, timestamp } from "./state.ts";
import type { ServiceRecord, VersionMeta, VersionObjects } from "./state.ts";
import { DOMAINS_QUEUE, param, requireService, requireVersion } from "./versions-access.ts";

const ONE = "/service/{service}/version/{version}";
const COMMENT = [{ name: "comment", type: "text", initial: "" }] as const;

/** Versions of a service (reference/api/services/version). */
export const VERSION_ROUTES: readonly Route[] = [
  { method: "GET", path: "/service/{service}/version", operation: "list-service-versions", handler: list },
  {
    method: "POST",
    path: "/service/{service}/version",
    operation: "create-service-version",
    handler: create,
  },
  {
    method: "GET",
    path: "/service/{service}/version/active",
    operation: "get-active-version",
    handler: getActive,
  },
  { method: "GET", path: ONE, operation: "get-service-version", handler: get },
  { method: "PUT", path: ONE, operation: "update-service-version", handler: update },
  { method: "PUT", path: `${ONE}/clone`, operation: "clone-service-version", handler: clone },
  { method: "PUT", path: `${ONE}/lock`, operation: "lock-service-version", handler: lock },
  { method: "GET", path: `${ONE}/validate`, operation: "validate-service-version", handler: validate },
  { method: "PUT", path: `${ONE}/activate`, operation: "activate-service-version", handler: activate },
  { method: "PUT", path: `${ONE}/deactivate`, operation: "deactivate-service-version", handler: deactivate },
];

/** A version as Fastly prints it. */
export function presentVersion(service: ServiceRecord, meta: VersionMeta): Readonly<Record<string, unknown>> {
  return {
    number: meta.number,
    service_id: service.id,
    comment: meta.comment,
    active: service.activeVersion === meta.number,
    locked: meta.locked,
    deployed: false,
    staging: false,
    testing: false,
    environments: [],
    created_at: meta.createdAt,
    updated_at: meta.updatedAt,
    deleted_at: null,
  };
}

function list(context: ApiContext, request: ApiRequest): ApiResponse {
  const service = requireService(context, param(request, "service"));
  return json(service.versions.map((meta) => presentVersion(service, meta)));
}

function get(context: ApiContext, request: ApiRequest): ApiResponse {
  const service = requireService(context, param(request, "service"));
  return json(presentVersion(service, requireVersion(service, param(request, "version"))));
}

function getActive(context: ApiContext, request: ApiRequest): ApiResponse {
  const service = requireService(context, param(request, "service"));
  const meta = service.versions.find(({ number }) => number === service.activeVersion);
  if (meta === undefined) {
    throw recordNotFound("Version", { ...NOT_DELETED, active: 1, service: service.id });
  }
  return json(presentVersion(service, meta));
}

async function create(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const { comment } = readFields(COMMENT, request.body);
  return exclusively(context, request, async (service) => {
    const meta = await append(context, service, { comment: String(comment ?? ""), objects: EMPTY_VERSION });
    // Recorded: only these, the comment just when one was sent.
    return json({
      ...(comment === undefined ? {} : { comment }),
      service_id: service.id,
      number: meta.number,
    });
  });
}

async function clone(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  return exclusively(context, request, async (service) => {
    const source = requireVersion(service, param(request, "version"));
    const objects = withNewLimiterIds(await context.store.objects(service.id, source.number));
    const meta = await append(context, service, { comment: source.comment, objects });
    return json(presentVersion(requireService(context, service.id), meta));
  });
}

/** Adds a version: its objects first, then the list that makes it exist. */
async function append(
  context: ApiContext,
  service: ServiceRecord,
  version: { readonly comment: string; readonly objects: VersionObjects },
): Promise<VersionMeta> {
  const now = timestamp(context.clock.now());
  const meta: VersionMeta = {
    number: Math.max(0, ...service.versions.map(({ number }) => number)) + 1,
    comment: version.comment,
    locked: false,
    createdAt: now,
    updatedAt: now,
  };
  await context.store.saveObjects(service.id, meta.number, version.objects);
  await context.store.saveService({ ...service, versions: [...service.versions, meta] });
  return meta;
}

async function update(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const { comment } = readFields(COMMENT, request.body);
  return exclusively(context, request, (service) =>
    change(context, service, {
      text: param(request, "version"),
      edit: (meta) => (comment === undefined ? meta : { ...meta, comment: String(comment) }),
    }),
  );
}

async function lock(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  return exclusively(context, request, (service) =>
    change(context, service, {
      text: param(request, "version"),
      edit: (meta) => ({ ...meta, locked: true }),
    }),
  );
}

async function validate(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const service = requireService(context, param(request, "service"));
  const { number } = requireVersion(service, param(request, "version"));
  const { runnable, errors, warnings } = await context.desk.judge(service, number);
  const messages = [...errors, ...warnings];
  return json({
    status: runnable === null ? "error" : "ok",
    msg: messages.length === 0 ? null : messages.join("\n"),
    errors,
    warnings,
    messages: [],
  });
}

/**
 * Compiles, stores the switch, then hands the program to the edge: a crash between the last two is healed by the next
 * start, which runs what is stored. All activations queue up, because domains are compared between services.
 */
async function activate(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  return context.store.exclusive(DOMAINS_QUEUE, () =>
    exclusively(context, request, async (service) => {
      const { number } = requireVersion(service, param(request, "version"));
      const { runnable, errors, warnings } = await context.desk.judge(service, number);
      if (runnable === null) throw badRequest(errors.join("\n"));
      await refuseTakenDomains(context, service, number);
      const active = { ...service, activeVersion: number };
      const answer = await change(context, active, {
        text: String(number),
        edit: (meta) => ({ ...meta, locked: true }),
        extra: { msg: warnings.length === 0 ? null : warnings.join("\n") },
      });
      await context.desk.run(active, number, runnable);
      return answer;
    }),
  );
}

async function refuseTakenDomains(
  context: ApiContext,
  service: ServiceRecord,
  version: number,
): Promise<void> {
  const { resources } = await context.store.objects(service.id, version);
  await context.desk.refuseTaken(
    service.id,
    resources.domain.map((domain) => textOf(domain, "name")),
  );
}

async function deactivate(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  return context.store.exclusive(DOMAINS_QUEUE, () =>
    exclusively(context, request, async (service) => {
      const { number } = requireVersion(service, param(request, "version"));
      if (service.activeVersion !== number) throw badRequest(`Version '${number}' is not active`);
      const stopped = { ...service, activeVersion: null };
      const answer = await change(context, stopped, { text: String(number), edit: (meta) => meta });
      context.desk.stop(service.id);
      return answer;
    }),
  );
}

function exclusively(
  context: ApiContext,
  request: ApiRequest,
  work: (service: ServiceRecord) => Promise<ApiResponse>,
): Promise<ApiResponse> {
  const id = param(request, "service");
  return context.store.exclusive(id, () => work(requireService(context, id)));
}

async function change(
  context: ApiContext,
  service: ServiceRecord,
  what: {
    readonly text: string;
    readonly edit: (meta: VersionMeta) => VersionMeta;
    readonly extra?: Readonly<Record<string, unknown>>;
  },
): Promise<ApiResponse> {
  const before = requireVersion(service, what.text);
  const meta = { ...what.edit(before), updatedAt: timestamp(context.clock.now()) };
  const versions = service.versions.map((other) => (other === before ? meta : other));
  const stored = { ...service, versions };
  await context.store.saveService(stored);
  return json({ ...presentVersion(stored, meta), ...what.extra });
}
