import { createHash } from "node:crypto";
import type { VersionRef } from "../../fastly/api-paths.ts";
import type { DictionaryEntry, FastlyClient } from "../../fastly/client.ts";
import { DICTIONARY } from "../../fastly/objects.ts";
import type { Dictionary, DictionaryItem } from "../../fastly/wire.ts";
import { assertDefined } from "../../lib/errors.ts";
import { Secret } from "../../lib/secret.ts";
import { PRIVATE_DICTIONARY } from "../../render/constants.ts";
import { OWNER_KEY, refuseOtherOwner, storeOf } from "../compute/stores.ts";
import type { FoundStore } from "../compute/stores.ts";
import { STATE_DICTIONARY } from "../service/desired.ts";

/** A table of items that has no version: a dictionary of a VCL service, or a store of a Compute service. */
export interface ItemTable {
  /** Changes when the table is made anew, and where Fastly tells also when somebody else writes to it. */
  identity(): Promise<string>;
  /** Items; of a table that nobody can read their keys at most. */
  list(): Promise<readonly DictionaryItem[]>;
  put(entries: readonly DictionaryEntry[]): Promise<void>;
  /** Removes items; one that is not there is no error. */
  remove(keys: readonly string[]): Promise<void>;
}

/** The tables of a service by the names that they have in dictionaries: those of stores are the same in every service. */
export interface ServiceTables {
  items(name: string): ItemTable | undefined;
}

/** The tables of a VCL service: dictionaries of one of its versions. */
export async function openDictionaries(client: FastlyClient, ref: VersionRef): Promise<ServiceTables> {
  return dictionaryTables(client, {
    serviceId: ref.serviceId,
    dictionaries: await client.list(DICTIONARY, ref),
  });
}

export function dictionaryTables(
  client: FastlyClient,
  of: { readonly serviceId: string; readonly dictionaries: readonly Dictionary[] },
): ServiceTables {
  return {
    items(name) {
      const found = of.dictionaries.find((one) => one.name === name);
      if (!found) return undefined;
      const ref = { serviceId: of.serviceId, dictionaryId: found.id };
      return {
        identity: () => Promise.resolve(found.id),
        list: async () => (found.write_only ? [] : client.listItems(ref)),
        put: (entries) => client.putItems(ref, entries),
        remove: (keys) => client.removeItems(ref, keys),
      };
    },
  };
}

/** The tables of a Compute service: stores of the account, as far as they are there. */
export function storeTables(
  client: FastlyClient,
  of: { readonly serviceId: string; readonly stores: readonly FoundStore[] },
): ServiceTables {
  const [state, secrets] = [storeOf(of.stores, "state"), storeOf(of.stores, "private")];
  return {
    items(name) {
      if (name === STATE_DICTIONARY) return state && stateTable(client, { ...of, store: state });
      return name === PRIVATE_DICTIONARY ? secrets && secretTable(client, secrets) : undefined;
    },
  };
}

/** The state store; every write to it says whose it is. */
function stateTable(
  { stores }: FastlyClient,
  { serviceId, store }: { readonly serviceId: string; readonly store: FoundStore },
): ItemTable {
  return {
    identity: () => Promise.resolve(store.id),
    async list() {
      const items = await stores.listConfigItems(store.id);
      refuseOtherOwner(items, { serviceId, store: store.name });
      return items;
    },
    put(entries) {
      const put = entries.map(({ key, value }) => ({
        key,
        value: typeof value === "string" ? value : value.reveal(),
      }));
      return stores.changeConfigItems(store.id, {
        put: [{ key: OWNER_KEY, value: serviceId }, ...put],
        remove: [],
      });
    },
    async remove(keys) {
      const present = new Set((await stores.listConfigItems(store.id)).map(({ item_key }) => item_key));
      await stores.changeConfigItems(store.id, { put: [], remove: keys.filter((key) => present.has(key)) });
    },
  };
}

/** Secrets are written one by one, and their salted digests tell when somebody else wrote one. */
function secretTable({ stores }: FastlyClient, { id }: FoundStore): ItemTable {
  return {
    async identity() {
      const secrets = await stores.listSecrets(id);
      const lines = secrets.map(({ name, digest }) => JSON.stringify([name, digest])).sort();
      return `${id}.${createHash("sha256").update(lines.join("\n")).digest("hex")}`;
    },
    async list() {
      const secrets = await stores.listSecrets(id);
      return secrets.map(({ name }) => ({ item_key: name, item_value: "" }));
    },
    async put(entries) {
      for (const { key, value } of entries) {
        await stores.putSecret(id, {
          name: key,
          value: typeof value === "string" ? new Secret(value) : value,
        });
      }
    },
    async remove(keys) {
      for (const key of keys) await stores.removeSecret(id, key);
    },
  };
}

/** A table that the deploy itself has seen to. */
export function requireTable(tables: ServiceTables, name: string): ItemTable {
  const found = tables.items(name);
  assertDefined(found, `table ${name}`);
  return found;
}
