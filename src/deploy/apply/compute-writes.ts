import type { FastlyClient } from "../../fastly/client.ts";
import { SitefleetError, assertDefined } from "../../lib/errors.ts";
import { EDGE_SETTINGS_ITEM, edgeSettingsItem } from "../../site/edge-settings.ts";
import type { PackageFile } from "../compute/package-file.ts";
import { ensureStore, findStores, refuseOtherOwner, storeOf } from "../compute/stores.ts";
import type { FoundStore } from "../compute/stores.ts";
import type { DeployPlan } from "../plan/deploy-plan.ts";
import type { LinkContent, PackageContent } from "../service/compute-content.ts";

/** What a Compute service's version is made of besides what the API keeps in it. */
export interface ComputeParts {
  /** The stores of the account that are there; none of a VCL service. */
  readonly stores: readonly FoundStore[];
  /** The archive that is installed. */
  readonly package: PackageFile | undefined;
}

/**
 * The stores of a plan's service, made as far as they are not there.
 * @throws SitefleetError `compute/store-taken`
 */
export async function obtainStores(
  plan: DeployPlan,
  job: {
    readonly client: FastlyClient;
    readonly serviceId: string;
    readonly progress: (line: string) => void;
  },
): Promise<readonly FoundStore[]> {
  const { client, serviceId, progress } = job;
  const wanted = plan.content.compute?.stores ?? [];
  if (wanted.length === 0) return [];
  const before = await findStores(client, wanted);
  const state = storeOf(before, "state");
  if (state) {
    refuseOtherOwner(await client.stores.listConfigItems(state.id), { serviceId, store: state.name });
  }
  const missing = wanted.filter(({ name }) => !before.some((store) => store.name === name));
  const made: FoundStore[] = [];
  for (const store of missing) {
    made.push(await ensureStore(client, store));
    progress(`${store.kind === "config" ? "Config" : "Secret"} Store "${store.name}" made`);
  }
  return [...before, ...made];
}

/**
 * The archive of a plan.
 * @throws SitefleetError `deploy/invalid-plan` when another one is installed
 */
export function packageBytes({ package: file }: ComputeParts, wanted: PackageContent): Uint8Array {
  assertDefined(file, "the package of a Compute service");
  if (file.filesHash === wanted.filesHash) return file.bytes;
  throw new SitefleetError("deploy/invalid-plan", `the plan is for another package than ${file.path}`, {
    hint: "make a new one with `sitefleet deploy plan --out FILE`",
  });
}

export function linkToWrite(
  { name, store }: LinkContent,
  stores: readonly FoundStore[],
): { readonly name: string; readonly storeId: string } {
  const found = stores.find((one) => one.name === store);
  assertDefined(found, `store ${store}`);
  return { name, storeId: found.id };
}

/** Versions whose settings are kept: nobody goes back behind so many, and a Config Store has 500 items. */
const KEPT_VERSIONS = 50;

/** Writes the app's settings for one version, and drops those of versions that are long gone. */
export async function writeAppSettings(
  client: FastlyClient,
  what: {
    readonly stores: readonly FoundStore[];
    readonly text: string;
    readonly version: number;
    /** Version that is live; its settings stay, however old. */
    readonly base: number | null;
  },
): Promise<void> {
  const store = storeOf(what.stores, "settings");
  assertDefined(store, "the store of the app's settings");
  const items = await client.stores.listConfigItems(store.id);
  const found = items.flatMap(({ item_key: key }) => {
    const number = Number(/^settings-([1-9][0-9]{0,8})$/.exec(key)?.[1]);
    return Number.isNaN(number) ? [] : [number];
  });
  const kept = new Set([what.version, what.base]);
  const others = found.filter((number) => !kept.has(number)).sort((a, b) => b - a);
  await client.stores.changeConfigItems(store.id, {
    put: [{ key: edgeSettingsItem(what.version), value: what.text }],
    remove: others.slice(KEPT_VERSIONS - kept.size).map(edgeSettingsItem),
  });
}

/** Makes the settings of a verified version those of versions that have none of their own. */
export async function settleAppSettings(
  client: FastlyClient,
  stores: readonly FoundStore[],
  text: string,
): Promise<void> {
  const store = storeOf(stores, "settings");
  if (!store) return;
  const item = { key: EDGE_SETTINGS_ITEM, value: text };
  if ((await client.stores.readConfigItem(store.id, item.key)) === text) return;
  await client.stores.changeConfigItems(store.id, { put: [item], remove: [] });
}
