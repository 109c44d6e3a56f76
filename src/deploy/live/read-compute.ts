import type { VersionRef } from "../../fastly/api-paths.ts";
import type { FastlyClient } from "../../fastly/client.ts";
import { EDGE_SETTINGS_ITEM, EDGE_STORES, edgeSettingsItem } from "../../site/edge-settings.ts";
import type { FoundStore } from "../compute/stores.ts";
import type { ComputeContent } from "../service/compute-content.ts";

/**
 * Reads what only a Compute service's version has: four calls, or three where no settings are linked.
 * @param stores of which the names are known
 */
export async function readCompute(
  client: FastlyClient,
  ref: VersionRef,
  stores: readonly FoundStore[],
): Promise<ComputeContent> {
  const [found, links] = await Promise.all([client.compute.readPackage(ref), client.compute.listLinks(ref)]);
  const store = links.find(({ name }) => name === EDGE_STORES.settings)?.storeId;
  return {
    // Packages of long ago have no hash of their files: they are known by that of the archive, and match none.
    package: found === undefined ? null : { filesHash: found.filesHash || found.hashsum, size: found.size },
    stores: stores.map(({ kind, role, name }) => ({ kind, role, name })),
    links: links.map(({ name, storeId }) => ({
      name,
      store: stores.find(({ id }) => id === storeId)?.name ?? `(${storeId})`,
    })),
    settings: store === undefined ? null : await readAppSettings(client, store, ref.version),
  };
}

/** The settings that the app reads in a version: its own, else those of all. */
async function readAppSettings(client: FastlyClient, store: string, version: number): Promise<string | null> {
  const own = await client.stores.readConfigItem(store, edgeSettingsItem(version));
  return own ?? (await client.stores.readConfigItem(store, EDGE_SETTINGS_ITEM)) ?? null;
}
