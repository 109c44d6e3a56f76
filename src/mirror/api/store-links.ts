import type { ApiContext } from "./exchange.ts";
import type { ServiceRecord } from "./state.ts";

/** The services of which a version that `counts` links to a store. */
export async function servicesLinkedTo(
  { store }: ApiContext,
  storeId: string,
  counts: (service: ServiceRecord, version: number) => boolean = () => true,
): Promise<readonly ServiceRecord[]> {
  const linked: ServiceRecord[] = [];
  for (const service of store.list()) {
    for (const { number } of service.versions.filter((version) => counts(service, version.number))) {
      const { resources } = await store.objects(service.id, number);
      if (!resources.resource.some((link) => link["resource_id"] === storeId)) continue;
      linked.push(service);
      break;
    }
  }
  return linked;
}

/** Lets the running programs that are linked to a store know that it is gone: opening it fails from now on. */
export async function withoutStore(context: ApiContext, storeId: string): Promise<void> {
  const isActive = (service: ServiceRecord, version: number): boolean => service.activeVersion === version;
  for (const { id } of await servicesLinkedTo(context, storeId, isActive)) {
    await context.store.exclusive(id, () => context.desk.runAgain(id));
  }
}
