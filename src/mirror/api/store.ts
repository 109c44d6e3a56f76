import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { syncFolder, writeFileAtomic } from "../../lib/atomic-write.ts";
import { withNewerFields } from "./older-state.ts";
import { accountSchema, collectionSchema, serviceSchema, textOf, versionObjectsSchema } from "./state.ts";
import type { Account, Collection, ServiceRecord, VersionObjects } from "./state.ts";
import { readState, removeTemporaries, unreadable } from "./state-files.ts";
import { WorkQueues } from "./work-queues.ts";

/** Owner only: backends may carry client keys, dictionaries may be write-only. */
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;
/** Versions whose objects are kept in memory; the others are read again when somebody asks. */
const CACHED_VERSIONS = 64;
const SERVICE_ID = /^[A-Za-z0-9]{22}$/;
const DOMAINS_FILE = "domains.json";
const EMPTY: Collection = new Map();

/**
 * The control plane's state: one folder per service with `service.json` (the commit point), `versions/<n>.json` and
 * `collections/<id>.json`. Every file is replaced whole, and written before what refers to it, so a crash leaves
 * either the old or the new state. Records are immutable: writers replace them under `exclusive`.
 */
export class ServiceStore {
  readonly #dir: string;
  readonly #services = new Map<string, ServiceRecord>();
  readonly #objects = new Map<string, VersionObjects>();
  /** Rate limiters are asked for by their id alone: the version of each, by its key. */
  readonly #limiters = new Map<string, string>();
  readonly #collections = new Map<string, Collection>();
  readonly #queues = new WorkQueues();
  #domains: Collection;
  readonly account: Account;

  private constructor(dir: string, account: Account, domains: Collection) {
    this.#dir = dir;
    this.account = account;
    this.#domains = domains;
  }

  /** Reads the folder, making it and the account when they are not there yet. */
  static async open(dir: string, newAccount: () => Account): Promise<ServiceStore> {
    await mkdir(join(dir, "services"), { recursive: true, mode: FOLDER_MODE });
    const accountPath = join(dir, "account.json");
    let account = await readState(accountPath, accountSchema);
    if (account === undefined) {
      account = newAccount();
      await writeFileAtomic(accountPath, JSON.stringify(account), FILE_MODE);
    }
    const domains = new Map(await readState(join(dir, DOMAINS_FILE), collectionSchema));
    const store = new ServiceStore(dir, account, domains);
    for (const id of await readdir(join(dir, "services"))) await store.#load(id);
    return store;
  }

  /** Services that are not deleted, oldest first. */
  list(): readonly ServiceRecord[] {
    return [...this.#services.values()]
      .filter((service) => service.deletedAt === null)
      .sort((a, b) => (a.createdAt === b.createdAt ? 0 : a.createdAt < b.createdAt ? -1 : 1));
  }

  /** A service by id; deleted ones are found too (`deletedAt` is set). */
  find(id: string): ServiceRecord | undefined {
    return this.#services.get(id);
  }

  /** The objects of a version that the service lists. */
  async objects(serviceId: string, version: number): Promise<VersionObjects> {
    const key = `${serviceId}/${version}`;
    const cached = this.#objects.get(key);
    if (cached !== undefined) return cached;
    const path = this.#versionPath(serviceId, version);
    const read = await readState(path, versionObjectsSchema);
    if (read === undefined) throw unreadable(path, "the file is missing");
    const objects = withNewerFields(read);
    this.#remember(key, objects);
    return objects;
  }

  /**
   * Where the rate limiter with this id was when its version was last read or written; `undefined` when that has not
   * been since the start. It may be gone from there.
   */
  limiterPlace(id: string): { readonly service: string; readonly version: string } | undefined {
    const [service, version] = this.#limiters.get(id)?.split("/") ?? [];
    return service === undefined || version === undefined ? undefined : { service, version };
  }

  /** Content of a dictionary, ACL or dynamic snippet; empty when nothing was ever stored. */
  collection(serviceId: string, id: string): Collection {
    return this.#collections.get(`${serviceId}/${id}`) ?? EMPTY;
  }

  /** The account's versionless domains by their id, with `fqdn` and `service_id`. */
  get domains(): Collection {
    return this.#domains;
  }

  /** Lower-case names of the versionless domains that lead to a service. */
  domainsOf(serviceId: string): readonly string[] {
    return [...this.#domains.values()]
      .filter((domain) => domain["service_id"] === serviceId)
      .map((domain) => textOf(domain, "fqdn"));
  }

  async saveDomains(domains: Collection): Promise<void> {
    await writeFileAtomic(join(this.#dir, DOMAINS_FILE), JSON.stringify([...domains]), FILE_MODE);
    this.#domains = domains;
  }

  /** Runs `work` after everything queued before it under the same key, whatever became of that. */
  exclusive<T>(key: string, work: () => Promise<T>): Promise<T> {
    return this.#queues.exclusive(key, work);
  }

  /** Makes a service with its first version; it exists once `service.json` is there. */
  async create(service: ServiceRecord, objects: VersionObjects): Promise<void> {
    const folder = this.#folder(service.id);
    await mkdir(join(folder, "versions"), { recursive: true, mode: FOLDER_MODE });
    await mkdir(join(folder, "collections"), { mode: FOLDER_MODE });
    await syncFolder(join(this.#dir, "services"));
    for (const { number } of service.versions) await this.saveObjects(service.id, number, objects);
    await this.saveService(service);
  }

  async saveService(service: ServiceRecord): Promise<void> {
    await writeFileAtomic(join(this.#folder(service.id), "service.json"), JSON.stringify(service), FILE_MODE);
    this.#services.set(service.id, service);
  }

  async saveObjects(serviceId: string, version: number, objects: VersionObjects): Promise<void> {
    await writeFileAtomic(this.#versionPath(serviceId, version), JSON.stringify(objects), FILE_MODE);
    this.#remember(`${serviceId}/${version}`, objects);
  }

  async saveCollection(serviceId: string, id: string, collection: Collection): Promise<void> {
    const path = join(this.#folder(serviceId), "collections", `${id}.json`);
    await writeFileAtomic(path, JSON.stringify([...collection]), FILE_MODE);
    this.#collections.set(`${serviceId}/${id}`, collection);
  }

  /** Leaves only the tombstone of a deleted service. */
  async remove(tombstone: ServiceRecord): Promise<void> {
    await this.saveService(tombstone);
    for (const folder of ["versions", "collections"]) {
      await rm(join(this.#folder(tombstone.id), folder), { recursive: true, force: true });
    }
    for (const map of [this.#objects, this.#collections]) {
      for (const key of map.keys()) if (key.startsWith(`${tombstone.id}/`)) map.delete(key);
    }
    for (const [id, key] of this.#limiters) {
      if (key.startsWith(`${tombstone.id}/`)) this.#limiters.delete(id);
    }
  }

  /** Resolves when every write under way has ended. */
  idle(): Promise<void> {
    return this.#queues.idle();
  }

  async #load(id: string): Promise<void> {
    if (!SERVICE_ID.test(id)) return;
    const folder = this.#folder(id);
    const service = await readState(join(folder, "service.json"), serviceSchema);
    // Without its commit point the service was never created: a crash interrupted that.
    if (service === undefined) return rm(folder, { recursive: true, force: true });
    this.#services.set(id, service);
    if (service.deletedAt !== null) return;
    await removeTemporaries([folder, join(folder, "versions"), join(folder, "collections")]);
    for (const file of await readdir(join(folder, "collections"))) {
      const entries = await readState(join(folder, "collections", file), collectionSchema);
      this.#collections.set(`${id}/${file.replace(/\.json$/, "")}`, new Map(entries));
    }
  }

  #folder(serviceId: string): string {
    return join(this.#dir, "services", serviceId);
  }

  #versionPath(serviceId: string, version: number): string {
    return join(this.#folder(serviceId), "versions", `${version}.json`);
  }

  #remember(key: string, objects: VersionObjects): void {
    for (const limiter of objects.resources.rate_limiter) this.#limiters.set(textOf(limiter, "id"), key);
    this.#objects.delete(key);
    this.#objects.set(key, objects);
    for (const oldest of this.#objects.keys()) {
      if (this.#objects.size <= CACHED_VERSIONS) break;
      this.#objects.delete(oldest);
    }
  }
}
