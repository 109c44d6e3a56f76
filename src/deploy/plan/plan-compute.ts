import { appSettingsFields } from "../compute/app-settings.ts";
import { EMPTY_COMPUTE } from "../service/compute-content.ts";
import type { ComputeContent, StoreContent } from "../service/compute-content.ts";
import type { ServiceContent } from "../service/service-content.ts";
import type { DeployStep, FieldChange, VersionStep } from "./deploy-plan.ts";

/** The writes to a version that only a Compute service has: its package, and its links. */
export function planCompute(
  target: ComputeContent | null,
  current: ComputeContent | null,
): readonly VersionStep[] {
  if (target === null) return [];
  const found = current ?? EMPTY_COMPUTE;
  return [...packageStep(target, found), ...linkSteps(target, found)];
}

/** The archive is sent only where what is in it differs: it takes long, and Fastly compiles it anew. */
function packageStep(target: ComputeContent, current: ComputeContent): readonly VersionStep[] {
  const isThere = target.package === null || target.package.filesHash === current.package?.filesHash;
  return isThere ? [] : [{ do: "put-package", package: target.package, from: current.package }];
}

/** Links of others stay: a name that is not ours says nothing to the app. */
function linkSteps(target: ComputeContent, current: ComputeContent): readonly VersionStep[] {
  return target.links.flatMap((object): readonly VersionStep[] => {
    const old = current.links.find(({ name }) => name === object.name);
    if (old?.store === object.store) return [];
    const changes = old ? [{ field: "store", from: old.store, to: object.store }] : [];
    return [{ do: "put", kind: "link", change: old ? "replace" : "create", object, changes }];
  });
}

/**
 * The app's settings for the version that a deploy makes: where they differ, and wherever a version is made, because each
 * has its own.
 */
export function planAppSettings(
  target: ServiceContent,
  current: ServiceContent,
  makesVersion: boolean,
): readonly VersionStep[] {
  if (!target.compute) return [];
  const [wanted, found] = [target.compute.settings, current.compute?.settings ?? null];
  if (wanted === found && !makesVersion) return [];
  return [{ do: "put-app-settings", changes: appSettingsChanges(wanted, found) }];
}

/** Fields that differ, by dotted name. */
export function appSettingsChanges(wanted: string | null, found: string | null): readonly FieldChange[] {
  const [to, from] = [appSettingsFields(wanted), appSettingsFields(found)];
  // What all of them are is no news where there were none.
  if (found === null) return [];
  return [...new Set([...Object.keys(from), ...Object.keys(to)])]
    .map((field) => ({ field, from: from[field] ?? "", to: to[field] ?? "" }))
    .filter((change) => change.from !== change.to);
}

/** The stores that are not there yet. */
export function planStores(target: ServiceContent, found: readonly StoreContent[]): readonly DeployStep[] {
  return (target.compute?.stores ?? [])
    .filter((store) => !found.some(({ kind, name }) => kind === store.kind && name === store.name))
    .map((store) => ({ do: "create-store", store }));
}
