import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../lib/atomic-write.ts";
import { edgeSecretsOf, edgeSettingsOf } from "../render/edge-settings.ts";
import { EDGE_SETTINGS_ITEM } from "../site/edge-settings.ts";
import { localEnvironment } from "../settings/local.ts";
import type { MirrorFile } from "../settings/local.ts";

/** Folder in the state folder with the stores that the top level's `fastly.toml` names. */
export const VICEROY_FOLDER = "viceroy";

/**
 * Writes the stores of a Compute service on this machine as Viceroy reads them, so that `fastly compute serve` runs the app
 * with the mirror's S3: a running mirror's buckets and keys, and no HTTP cache, which Viceroy does not have.
 */
export async function writeViceroyStores(stateDir: string, mirror: MirrorFile): Promise<void> {
  const environment = localEnvironment(mirror);
  const settings = edgeSettingsOf(environment, { revision: "viceroy", httpCache: false });
  const folder = join(stateDir, VICEROY_FOLDER);
  await mkdir(folder, { recursive: true });
  const stores = {
    "settings.json": { [EDGE_SETTINGS_ITEM]: JSON.stringify(settings) },
    "secrets.json": edgeSecretsOf(environment),
  };
  for (const [name, items] of Object.entries(stores))
    await writeFileAtomic(join(folder, name), `${JSON.stringify(items, null, 2)}\n`, 0o600);
}
