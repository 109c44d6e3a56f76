import { badRequest, NOT_DELETED, recordNotFound, versionLocked } from "./api-error.ts";
import type { ApiContext, ApiRequest } from "./exchange.ts";
import type { ServiceRecord, VersionMeta, VersionObjects } from "./state.ts";

/**
 * The queue of everything that claims or gives up domains: activations and versionless domains compare them between all
 * services. Whoever waits in it may then wait for one service, never the other way round.
 */
export const DOMAINS_QUEUE = "domains";

/** A service, a version of it, and that version's objects. */
export interface OpenVersion {
  readonly service: ServiceRecord;
  readonly meta: VersionMeta;
  readonly objects: VersionObjects;
}

/** A path parameter of the matched route. */
export function param(request: ApiRequest, name: string): string {
  return request.params[name] ?? "";
}

/** The service a path names; 404 when there is none, 400 when it was deleted (recorded). */
export function requireService(context: ApiContext, id: string): ServiceRecord {
  const service = context.store.find(id);
  if (service === undefined) throw recordNotFound("Service", { ...NOT_DELETED, id });
  if (service.deletedAt !== null) throw badRequest(`Service '${id}' is deleted`);
  return service;
}

/** The version a path names; 404 when the service has none of that number. */
export function requireVersion(service: ServiceRecord, text: string): VersionMeta {
  const meta = service.versions.find((version) => String(version.number) === text);
  if (meta === undefined) {
    throw recordNotFound("Version", { ...NOT_DELETED, number: text, service: service.id });
  }
  return meta;
}

/** The version that `{service}` and `{version}` of the path name, for reading. */
export async function readVersion(context: ApiContext, request: ApiRequest): Promise<OpenVersion> {
  const service = requireService(context, param(request, "service"));
  const meta = requireVersion(service, param(request, "version"));
  return { service, meta, objects: await context.store.objects(service.id, meta.number) };
}

/**
 * Changes the objects of an unlocked version. Writers of one service run one after the other, and each sees what the
 * one before it stored, so two writers can never both create one name or lose each other's change.
 */
export async function changeVersion<T>(
  context: ApiContext,
  request: ApiRequest,
  change: (open: OpenVersion) => Promise<{ readonly objects: VersionObjects; readonly result: T }>,
): Promise<T> {
  const id = param(request, "service");
  return context.store.exclusive(id, async () => {
    const open = await readVersion(context, request);
    if (open.meta.locked) throw versionLocked(id, open.meta.number);
    const { objects, result } = await change(open);
    await context.store.saveObjects(id, open.meta.number, objects);
    return result;
  });
}
