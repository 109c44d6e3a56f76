import { z } from "zod";
import type { Secret } from "../lib/secret.ts";
import { dictionaryPath, entriesPath, versionCall, versionPath } from "./api-paths.ts";
import type { AclRef, DictionaryRef, VersionRef } from "./api-paths.ts";
import { ComputeClient } from "./compute-client.ts";
import type { ObjectKind } from "./objects.ts";
import { RemoteError, isNotFound, orUndefined } from "./remote-error.ts";
import { StoreClient } from "./store-client.ts";
import { FastlyTransport } from "./transport.ts";
import type { TransportOptions, WriteBudget } from "./transport.ts";
import * as wire from "./wire.ts";

/** One change of an ACL's entries (reference/api/acls/acl-entry). */
export type AclChange =
  | ({ readonly op: "create" } & Omit<wire.AclEntry, "id" | "negated"> & { readonly negated: 0 | 1 })
  | { readonly op: "delete"; readonly id: string };

/** An item to create or replace. */
export interface DictionaryEntry {
  readonly key: string;
  readonly value: Secret | string;
}

/** Most keys in one purge call (reference/api/purging). */
export const PURGE_BATCH = 256;
/** Most items in one batch call (reference/api/dictionaries/dictionary-item). */
const ITEM_BATCH = 1_000;
/** Items of a page that are asked for; fewer may come (go-fastly asks for 100), and the `Link` header says if there are more. */
const ITEM_PAGE = 1_000;

/** The Fastly API, typed; every method throws `RemoteError` (`fastly/…`) when it is refused or not reached. */
export class FastlyClient {
  readonly #transport: FastlyTransport;
  readonly stores: StoreClient;
  readonly compute: ComputeClient;

  constructor(options: TransportOptions) {
    this.#transport = new FastlyTransport(options);
    this.stores = new StoreClient(this.#transport);
    this.compute = new ComputeClient(this.#transport);
  }

  close(): Promise<void> {
    return this.#transport.close();
  }

  /** Runs work whose calls Ctrl-C does not break off: what is live is changed by several that belong together. */
  sheltered<T>(work: () => Promise<T>): Promise<T> {
    return this.#transport.sheltered(work);
  }

  /** What is left of the hour's writes, as far as Fastly told. */
  get writeBudget(): WriteBudget | undefined {
    return this.#transport.writeBudget;
  }

  /** The service of that name in the token's account. */
  findService(name: string): Promise<wire.ServiceInfo | undefined> {
    return orUndefined(
      this.#transport.send({
        method: "GET",
        path: ["service", "search"],
        query: { name },
        answer: wire.serviceInfo,
      }),
    );
  }

  readService(id: string): Promise<wire.ServiceInfo | undefined> {
    return orUndefined(
      this.#transport.send({ method: "GET", path: ["service", id], answer: wire.serviceInfo }),
    );
  }

  /** Makes a service (`wasm` is Compute); it has version 1, unlocked and empty. */
  createService(name: string, type: wire.ServiceType = "vcl"): Promise<wire.ServiceInfo> {
    return this.#transport.send({
      method: "POST",
      path: ["service"],
      form: { name, type },
      answer: wire.serviceInfo,
    });
  }

  /** The service with all that lies in its active version, else in its newest one, or in the version named. */
  readDetails(serviceId: string, version?: number): Promise<wire.ServiceDetails> {
    return this.#transport.send({
      method: "GET",
      path: ["service", serviceId, "details"],
      ...(version === undefined ? {} : { query: { version: String(version) } }),
      answer: wire.serviceDetails,
    });
  }

  listVersions(serviceId: string): Promise<readonly wire.VersionInfo[]> {
    return this.#transport.send({
      method: "GET",
      path: ["service", serviceId, "version"],
      answer: z.array(wire.versionInfo),
    });
  }

  /** Resolves to the new version: its number is in the answer, never "the latest". */
  cloneVersion(ref: VersionRef): Promise<wire.VersionInfo> {
    return this.#transport.send({
      ...versionCall(ref, "clone"),
      effect: "once",
      answer: wire.versionInfo,
    });
  }

  /** Resolves to the version with the compiler's warnings in `msg`. */
  activateVersion(ref: VersionRef): Promise<wire.ActivatedVersion> {
    return this.#transport.send({ ...versionCall(ref, "activate"), answer: wire.activatedVersion });
  }

  deactivateVersion(ref: VersionRef): Promise<wire.VersionInfo> {
    return this.#transport.send({ ...versionCall(ref, "deactivate"), answer: wire.versionInfo });
  }

  commentVersion(ref: VersionRef, comment: string): Promise<wire.VersionInfo> {
    return this.#transport.send({ ...versionCall(ref), form: { comment }, answer: wire.versionInfo });
  }

  validateVersion(ref: VersionRef): Promise<wire.Validation> {
    return this.#transport.send({
      method: "GET",
      path: versionPath(ref, "validate"),
      answer: wire.validation,
    });
  }

  readGeneratedVcl(ref: VersionRef): Promise<wire.VclFile> {
    return this.#transport.send({
      method: "GET",
      path: versionPath(ref, "generated_vcl"),
      answer: wire.vclFile,
    });
  }

  /** Both versions as one text: lines that start with `+` or `-` differ, those that start with a blank are in both. */
  async diffVersions(range: {
    readonly serviceId: string;
    readonly from: number;
    readonly to: number;
  }): Promise<string> {
    const { serviceId, from, to } = range;
    const { diff } = await this.#transport.send({
      method: "GET",
      path: ["service", serviceId, "diff", "from", String(from), "to", String(to)],
      query: { format: "text" },
      answer: wire.versionDiff,
    });
    return diff;
  }

  readSettings(ref: VersionRef): Promise<wire.ServiceSettings> {
    return this.#transport.send({
      method: "GET",
      path: versionPath(ref, "settings"),
      answer: wire.settings,
    });
  }

  writeSettings(ref: VersionRef, settings: wire.ServiceSettings): Promise<wire.ServiceSettings> {
    return this.#transport.send({
      ...versionCall(ref, "settings"),
      // The one call in which official clients spell a boolean out (go-fastly, `UpdateSettings`).
      form: { ...settings, "general.stale_if_error": String(settings["general.stale_if_error"]) },
      answer: wire.settings,
    });
  }

  /** Every object of a kind in a version. */
  list<Read extends Named>(kind: ObjectKind<Read, never>, ref: VersionRef): Promise<readonly Read[]> {
    return this.#transport.send({
      method: "GET",
      path: versionPath(ref, ...kind.path.split("/")),
      answer: z.array(kind.answer),
    });
  }

  /**
   * Makes an object that is not there. Where the answer got lost or the name turns out to be taken, the object is
   * replaced instead, so that the version ends with exactly this object however often the call is repeated.
   */
  async create<Read extends Named, Write extends Named>(
    kind: ObjectKind<Read, Write>,
    ref: VersionRef,
    object: Write,
  ): Promise<Read> {
    try {
      return await this.#post(kind, ref, object);
    } catch (error) {
      if (!(error instanceof RemoteError) || (error.landed === "no" && error.status !== 409)) throw error;
    }
    try {
      return await this.replace(kind, ref, object);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    return this.#post(kind, ref, object); // the lost call had not landed
  }

  /** Replaces an object of the same name. */
  replace<Read extends Named, Write extends Named>(
    kind: ObjectKind<Read, Write>,
    ref: VersionRef,
    object: Write,
  ): Promise<Read> {
    return this.#transport.send({
      method: "PUT",
      path: versionPath(ref, ...kind.path.split("/"), object.name),
      form: kind.toForm(object),
      secrets: kind.secretsOf?.(object) ?? [],
      queue: ref.serviceId,
      answer: kind.answer,
    });
  }

  async drop(kind: { readonly path: string }, ref: VersionRef, name: string): Promise<void> {
    await this.#transport.send({
      method: "DELETE",
      path: versionPath(ref, ...kind.path.split("/"), name),
      queue: ref.serviceId,
      answer: wire.statusAnswer,
    });
  }

  /** Makes one VCL file the version's main one; the former main one becomes an include. */
  setMainVcl(ref: VersionRef, name: string): Promise<wire.VclFile> {
    return this.#transport.send({ ...versionCall(ref, "vcl", name, "main"), answer: wire.vclFile });
  }

  readDictionaryInfo(ref: VersionRef, dictionaryId: string): Promise<wire.DictionaryInfo> {
    return this.#transport.send({
      method: "GET",
      path: versionPath(ref, "dictionary", dictionaryId, "info"),
      answer: wire.dictionaryInfo,
    });
  }

  /** All items of a readable dictionary. */
  listItems(ref: DictionaryRef): Promise<readonly wire.DictionaryItem[]> {
    return this.#listPages([...dictionaryPath(ref), "items"], wire.dictionaryItem);
  }

  /** Removes items; one that is not there (any more) is no error. */
  async removeItems(ref: DictionaryRef, keys: readonly string[]): Promise<void> {
    for (let start = 0; start < keys.length; start += ITEM_BATCH) {
      const batch = keys.slice(start, start + ITEM_BATCH);
      try {
        await this.#deleteItems(ref, batch);
      } catch (error) {
        // One missing key refuses the whole batch, as it does when the answer to the first try got lost.
        if (!(error instanceof RemoteError) || error.landed === "unknown") throw error;
        const present = new Set((await this.listItems(ref)).map((item) => item.item_key));
        const left = batch.filter((key) => present.has(key));
        if (left.length === batch.length) throw error;
        if (left.length > 0) await this.#deleteItems(ref, left);
      }
    }
  }

  async #deleteItems(ref: DictionaryRef, keys: readonly string[]): Promise<void> {
    await this.#transport.send({
      method: "PATCH",
      path: [...dictionaryPath(ref), "items"],
      json: { items: keys.map((key) => ({ op: "delete", item_key: key })) },
      queue: ref.serviceId,
      answer: wire.statusAnswer,
    });
  }

  /** What a dynamic snippet says now: like items and entries it has no version. */
  async readDynamicSnippet(ref: { readonly serviceId: string; readonly snippetId: string }): Promise<string> {
    const { content } = await this.#transport.send({
      method: "GET",
      path: ["service", ref.serviceId, "snippet", ref.snippetId],
      answer: wire.snippetText,
    });
    return content;
  }

  /** All entries of an ACL. */
  listEntries(ref: AclRef): Promise<readonly wire.AclEntry[]> {
    return this.#listPages(entriesPath(ref), wire.aclEntry);
  }

  /**
   * Creates and deletes entries; they are unversioned. Not repeated when the answer got lost (`landed` is `unknown`):
   * a second try would make the same entries twice, so the caller looks what is there first.
   */
  async changeEntries(ref: AclRef, changes: readonly AclChange[]): Promise<void> {
    for (let start = 0; start < changes.length; start += ITEM_BATCH) {
      await this.#transport.send({
        method: "PATCH",
        path: entriesPath(ref),
        json: { entries: changes.slice(start, start + ITEM_BATCH) },
        effect: "once",
        queue: ref.serviceId,
        answer: wire.statusAnswer,
      });
    }
  }

  /** Creates or replaces items: they are unversioned, so what is live sees them within seconds. */
  async putItems(ref: DictionaryRef, entries: readonly DictionaryEntry[]): Promise<void> {
    for (let start = 0; start < entries.length; start += ITEM_BATCH) {
      const batch = entries.slice(start, start + ITEM_BATCH);
      await this.#transport.send({
        method: "PATCH",
        path: [...dictionaryPath(ref), "items"],
        json: {
          items: batch.map(({ key, value }) => ({
            op: "upsert",
            item_key: key,
            item_value: typeof value === "string" ? value : value.reveal(),
          })),
        },
        queue: ref.serviceId,
        answer: wire.statusAnswer,
        secrets: batch.flatMap(({ value }) => (typeof value === "string" ? [] : [value])),
      });
    }
  }

  /**
   * Purges everything that carries one of the keys; more keys than one call takes go in several.
   * A key that nothing carries is no error: Fastly says "ok" to it.
   */
  async purgeKeys(purge: {
    readonly serviceId: string;
    readonly keys: readonly string[];
    readonly soft?: boolean;
  }): Promise<void> {
    const keys = [...new Set(purge.keys)];
    for (let start = 0; start < keys.length; start += PURGE_BATCH) {
      const batch = keys.slice(start, start + PURGE_BATCH);
      await this.#transport.send({
        method: "POST",
        path: ["service", purge.serviceId, "purge"],
        json: { surrogate_keys: batch },
        headers: purge.soft ? { "fastly-soft-purge": "1" } : {},
        effect: "idempotent",
        answer: wire.purgedKeys.refine(
          (purged) => batch.every((key) => purged.has(key)),
          "does not name every key of the purge",
        ),
      });
    }
  }

  /** Purges everything of a service; always hard. */
  async purgeAll(purge: { readonly serviceId: string }): Promise<void> {
    await this.#transport.send({
      method: "POST",
      path: ["service", purge.serviceId, "purge_all"],
      effect: "idempotent",
      answer: wire.statusAnswer,
    });
  }

  async #listPages<T>(path: readonly string[], item: z.ZodType<T>): Promise<readonly T[]> {
    const items: T[] = [];
    for (let page = 1; ; page += 1) {
      const { answer, hasNext } = await this.#transport.sendForPage({
        method: "GET",
        path,
        query: { page: String(page), per_page: String(ITEM_PAGE) },
        answer: z.array(item),
      });
      items.push(...answer);
      if (!hasNext) return items;
    }
  }

  #post<Read extends Named, Write extends Named>(
    kind: ObjectKind<Read, Write>,
    ref: VersionRef,
    object: Write,
  ): Promise<Read> {
    return this.#transport.send({
      method: "POST",
      path: versionPath(ref, ...kind.path.split("/")),
      form: kind.toForm(object),
      secrets: kind.secretsOf?.(object) ?? [],
      queue: ref.serviceId,
      answer: kind.answer,
    });
  }
}

interface Named {
  readonly name: string;
}
