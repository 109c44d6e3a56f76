import { join } from "node:path";
import type { Clock } from "../../lib/clock.ts";
import { ClientKeys } from "./client-keys.ts";
import { KvStores } from "./kv-stores.ts";
import { StoreFolder } from "./store-folder.ts";
import { WorkQueues } from "./work-queues.ts";

/** Kinds of stores, as resource links call them (reference/api/services/resource). */
export type StoreKind = "config" | "secret-store" | "kv-store";

/** The account's stores. Records are immutable: writers replace them under `exclusive`. */
export class DataStores {
  readonly config: StoreFolder;
  readonly secret: StoreFolder;
  readonly kv: KvStores;
  /** What secrets are sealed with on their way. */
  readonly clientKeys: ClientKeys;
  readonly #queues: WorkQueues;

  private constructor(parts: {
    config: StoreFolder;
    secret: StoreFolder;
    kv: KvStores;
    queues: WorkQueues;
    clientKeys: ClientKeys;
  }) {
    this.config = parts.config;
    this.secret = parts.secret;
    this.kv = parts.kv;
    this.clientKeys = parts.clientKeys;
    this.#queues = parts.queues;
  }

  static async open(dir: string, clock: Clock): Promise<DataStores> {
    const queues = new WorkQueues();
    return new DataStores({
      config: await StoreFolder.open(join(dir, "config")),
      secret: await StoreFolder.open(join(dir, "secret")),
      kv: await KvStores.open({ dir: join(dir, "kv"), clock, queues }),
      queues,
      clientKeys: new ClientKeys(clock),
    });
  }

  /** What kind of store an id is of; `null` when there is no such store. */
  kindOf(id: string): StoreKind | null {
    if (this.config.find(id) !== undefined) return "config";
    if (this.secret.find(id) !== undefined) return "secret-store";
    return this.kv.folder.find(id) === undefined ? null : "kv-store";
  }

  /** Runs `work` after everything queued before it under the same key. */
  exclusive<T>(key: string, work: () => Promise<T>): Promise<T> {
    return this.#queues.exclusive(key, work);
  }

  /** Resolves when every write under way has ended. */
  idle(): Promise<void> {
    return this.#queues.idle();
  }
}
