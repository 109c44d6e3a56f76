import { createHash } from "node:crypto";
import type { FastlyClient } from "../../fastly/client.ts";
import { RemoteError } from "../../fastly/remote-error.ts";
import type { NamedStore } from "../../fastly/store-client.ts";
import { SitefleetError } from "../../lib/errors.ts";
import { EDGE_STORES } from "../../site/edge-settings.ts";
import type { LinkContent, StoreContent } from "../service/compute-content.ts";

/** Characters that the name of a Secret Store may have (reference/api/services/resources/secret-store). */
const PLAIN = /^[A-Za-z0-9._-]{1,100}$/;

/**
 * The stores of a service, by name. Names are account-wide, so each has the service's in it.
 * @param service name of the service in the settings, else of the environment
 */
export function ownStores(service: string): readonly StoreContent[] {
  const name = PLAIN.test(service) ? service : plainName(service);
  return [
    { kind: "secret", role: "private", name: `sitefleet_${name}_private` },
    { kind: "config", role: "settings", name: `sitefleet_${name}_settings` },
    { kind: "config", role: "state", name: `sitefleet_${name}_state` },
  ];
}

/** With a digest, because two names may be the same once their odd characters are gone. */
function plainName(name: string): string {
  const digest = createHash("sha256").update(name).digest("hex").slice(0, 8);
  return `${name.replace(/[^A-Za-z0-9._-]+/g, "_").slice(0, 80)}_${digest}`;
}

/** What the app opens: a link for each store but the deployer's own. */
export function linksTo(stores: readonly StoreContent[]): readonly LinkContent[] {
  const names = { private: EDGE_STORES.secrets, settings: EDGE_STORES.settings } as const;
  return stores.flatMap(({ role, name }) => (role === "state" ? [] : [{ name: names[role], store: name }]));
}

/** Whether a link is one that every Compute service of sitefleet's has. */
export function isOwnLink(name: string): boolean {
  return name === EDGE_STORES.settings || name === EDGE_STORES.secrets;
}

/** A store that is there. */
export interface FoundStore extends StoreContent {
  readonly id: string;
}

/** The store of a role. */
export function storeOf<T extends StoreContent>(
  stores: readonly T[],
  role: StoreContent["role"],
): T | undefined {
  return stores.find((store) => store.role === role);
}

/** Those of the wanted stores that are there: one call for each kind. */
export async function findStores(
  client: Pick<FastlyClient, "stores">,
  wanted: readonly StoreContent[],
): Promise<readonly FoundStore[]> {
  const names = (kind: StoreContent["kind"]): readonly string[] =>
    wanted.filter((one) => one.kind === kind).map(({ name }) => name);
  const [configs, ...secrets] = await Promise.all([
    names("config").length > 0 ? client.stores.listConfigStores() : [],
    ...names("secret").map((name) => client.stores.findSecretStore(name)),
  ]);
  const found = { config: configs, secret: secrets.filter((store) => store !== undefined) };
  return wanted.flatMap((store) => {
    const id = found[store.kind].find(({ name }) => name === store.name)?.id;
    return id === undefined ? [] : [{ ...store, id }];
  });
}

/** Makes a store, unless a run whose answer got lost has made it. */
export async function ensureStore(
  client: Pick<FastlyClient, "stores">,
  wanted: StoreContent,
): Promise<FoundStore> {
  const [known] = await findStores(client, [wanted]);
  if (known) return known;
  try {
    return { ...wanted, id: (await createStore(client, wanted)).id };
  } catch (error) {
    if (!(error instanceof RemoteError) || (error.landed === "no" && error.status !== 409)) throw error;
    const [made] = await findStores(client, [wanted]);
    return made ?? { ...wanted, id: (await createStore(client, wanted)).id };
  }
}

function createStore(
  { stores }: Pick<FastlyClient, "stores">,
  { kind, name }: StoreContent,
): Promise<NamedStore> {
  return kind === "config" ? stores.createConfigStore(name) : stores.createSecretStore(name);
}

/** Item of the state store that says which service it is of. */
export const OWNER_KEY = "service";

/**
 * Stores are found by their names, and every service of an account finds the same ones.
 * @throws SitefleetError `compute/store-taken`
 */
export function refuseOtherOwner(
  items: readonly { readonly item_key: string; readonly item_value: string }[],
  by: { readonly serviceId: string; readonly store: string },
): void {
  const owner = items.find(({ item_key }) => item_key === OWNER_KEY)?.item_value;
  if (owner === undefined || owner === "" || owner === by.serviceId) return;
  throw new SitefleetError(
    "compute/store-taken",
    `the store "${by.store}" is that of service ${owner}, not of ${by.serviceId}`,
    { hint: "give this service a name of its own with `fastly.serviceName` in the settings" },
  );
}
