import { z } from "zod";
import { Secret } from "../lib/secret.ts";
import { isNotFound } from "./remote-error.ts";
import type { FastlyTransport } from "./transport.ts";
import * as wire from "./wire.ts";

const namedStore = z.object({ id: z.string().min(1), name: z.string() });
/** A store of the account: services link to it, and none of them owns it. */
export type NamedStore = Readonly<z.output<typeof namedStore>>;

const configItem = z.object({ item_key: z.string(), item_value: z.string() });
const secretEntry = z.object({ name: z.string(), digest: z.string() });
/** What Fastly tells of a secret; the digest is salted, so that it says only whether the secret was written since. */
export type SecretEntry = Readonly<z.output<typeof secretEntry>>;

/** A page of a list of the newer stores. */
const pageOf = <T>(item: z.ZodType<T>) =>
  z.object({
    data: z.array(item).nullish(),
    meta: z.object({ next_cursor: z.string().optional() }).nullish(),
  });

/** Stores and secrets of a page that are asked for (their API's most). */
const PAGE = 200;
/** Most items of one batch (reference/api/services/resources/config-store-item). */
const ITEM_BATCH = 1_000;

const CONFIG = ["resources", "stores", "config"] as const;
const SECRET = ["resources", "stores", "secret"] as const;

/** What is written to a Config Store in one go. */
export interface ConfigChange {
  readonly put: readonly { readonly key: string; readonly value: string }[];
  /** Keys that are there. */
  readonly remove: readonly string[];
}

/** Config Stores and Secret Stores, whose items are live at once. Every method throws `RemoteError`. */
export class StoreClient {
  readonly #transport: FastlyTransport;

  constructor(transport: FastlyTransport) {
    this.#transport = transport;
  }

  /** All of the account: this list has no pages. */
  listConfigStores(): Promise<readonly NamedStore[]> {
    return this.#transport.send({ method: "GET", path: CONFIG, answer: z.array(namedStore) });
  }

  async findConfigStore(name: string): Promise<NamedStore | undefined> {
    return (await this.listConfigStores()).find((store) => store.name === name);
  }

  /** @throws RemoteError with status 409 where the name is taken */
  createConfigStore(name: string): Promise<NamedStore> {
    return this.#transport.send({ method: "POST", path: CONFIG, form: { name }, answer: namedStore });
  }

  /** An item's value; `undefined` where it is not there. */
  async readConfigItem(storeId: string, key: string): Promise<string | undefined> {
    try {
      const { item_value } = await this.#transport.send({
        method: "GET",
        path: [...CONFIG, storeId, "item", key],
        answer: configItem,
      });
      return item_value;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async listConfigItems(storeId: string): Promise<readonly wire.DictionaryItem[]> {
    return this.#transport.send({
      method: "GET",
      path: [...CONFIG, storeId, "items"],
      answer: z.array(configItem),
    });
  }

  /** Creates, replaces and removes items; up to 1,000 changes are done together or not at all. */
  async changeConfigItems(storeId: string, { put, remove }: ConfigChange): Promise<void> {
    const changes = [
      ...put.map(({ key, value }) => ({ op: "upsert", item_key: key, item_value: value })),
      ...remove.map((key) => ({ op: "delete", item_key: key, item_value: null })),
    ];
    for (let start = 0; start < changes.length; start += ITEM_BATCH) {
      await this.#transport.send({
        method: "PATCH",
        path: [...CONFIG, storeId, "items"],
        json: { items: changes.slice(start, start + ITEM_BATCH) },
        queue: storeId,
        answer: wire.statusAnswer,
      });
    }
  }

  async findSecretStore(name: string): Promise<NamedStore | undefined> {
    const stores = await this.#listPages([...SECRET], { item: namedStore, query: { name } });
    return stores.find((store) => store.name === name);
  }

  /** @throws RemoteError with status 409 where the name is taken */
  createSecretStore(name: string): Promise<NamedStore> {
    return this.#transport.send({ method: "POST", path: SECRET, json: { name }, answer: namedStore });
  }

  /** Names and digests; nobody gets a secret out. */
  listSecrets(storeId: string): Promise<readonly SecretEntry[]> {
    return this.#listPages([...SECRET, storeId, "secrets"], { item: secretEntry });
  }

  /** Writes a secret, whether it is there or not (`PUT`, "recreate-or-create"). */
  async putSecret(
    storeId: string,
    entry: { readonly name: string; readonly value: Secret },
  ): Promise<SecretEntry> {
    const encoded = Buffer.from(entry.value.reveal()).toString("base64");
    return this.#transport.send({
      method: "PUT",
      path: [...SECRET, storeId, "secrets"],
      json: { name: entry.name, secret: encoded },
      queue: storeId,
      answer: secretEntry,
      secrets: [entry.value, new Secret(encoded)],
    });
  }

  async removeSecret(storeId: string, name: string): Promise<void> {
    try {
      await this.#transport.send({
        method: "DELETE",
        path: [...SECRET, storeId, "secrets", name],
        queue: storeId,
        // 204: there is no body.
        plain: true,
        answer: z.unknown(),
      });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async #listPages<T>(
    path: readonly string[],
    list: { readonly item: z.ZodType<T>; readonly query?: Readonly<Record<string, string>> },
  ): Promise<readonly T[]> {
    const items: T[] = [];
    for (let cursor: string | undefined; ;) {
      const query = {
        ...list.query,
        limit: String(PAGE),
        ...(cursor === undefined || cursor === "" ? {} : { cursor }),
      };
      const page = await this.#transport.send({ method: "GET", path, query, answer: pageOf(list.item) });
      items.push(...(page.data ?? []));
      const next = page.meta?.next_cursor;
      if (next === undefined || next === "" || next === cursor) return items;
      cursor = next;
    }
  }
}
