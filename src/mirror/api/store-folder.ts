import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { syncFolder, writeFileAtomic } from "../../lib/atomic-write.ts";
import { readState, removeTemporaries } from "./state-files.ts";
import { collectionSchema } from "./state.ts";
import type { Collection } from "./state.ts";

const STORE_ID = /^[A-Za-z0-9]{22}$/;

const storeSchema = z.object({
  id: z.string().regex(STORE_ID),
  name: z.string(),
  /** Milliseconds since the epoch. */
  createdAt: z.number(),
  updatedAt: z.number(),
  items: collectionSchema,
});

/** A data store of the account: it belongs to no service, and what is in it to no version. */
export interface DataStore {
  readonly id: string;
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Its items by their key; a KV store's are elsewhere. */
  readonly items: Collection;
}

/** The data stores of one kind: a file each, replaced whole. */
export class StoreFolder {
  readonly #dir: string;
  readonly #stores = new Map<string, DataStore>();

  private constructor(dir: string) {
    this.#dir = dir;
  }

  static async open(dir: string): Promise<StoreFolder> {
    // Owner only: what is in them may be secret.
    await mkdir(dir, { recursive: true, mode: 0o700 });
    await removeTemporaries([dir]);
    const folder = new StoreFolder(dir);
    for (const file of await readdir(dir)) {
      if (!file.endsWith(".json")) continue;
      const store = await readState(join(dir, file), storeSchema);
      if (store !== undefined) folder.#stores.set(store.id, { ...store, items: new Map(store.items) });
    }
    return folder;
  }

  /** Oldest first. */
  list(): readonly DataStore[] {
    return [...this.#stores.values()].sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
  }

  find(id: string): DataStore | undefined {
    return this.#stores.get(id);
  }

  async save(store: DataStore): Promise<void> {
    const state = { ...store, items: [...store.items] };
    await writeFileAtomic(this.#path(store.id), JSON.stringify(state), 0o600);
    this.#stores.set(store.id, store);
  }

  async remove(id: string): Promise<void> {
    await rm(this.#path(id), { force: true });
    await syncFolder(this.#dir);
    this.#stores.delete(id);
  }

  #path(id: string): string {
    return join(this.#dir, `${id}.json`);
  }
}
