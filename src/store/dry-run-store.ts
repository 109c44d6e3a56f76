import { createHash } from "node:crypto";

import { SitefleetError } from "../lib/errors.ts";
import { isFileBody, readFileBody } from "./file-body.ts";
import type {
  CopyInput,
  CopyOutcome,
  DeleteFailure,
  DeleteInput,
  DeleteManyInput,
  DeleteOutcome,
  GetOutcome,
  HeadOutcome,
  KeyInput,
  ListInput,
  ListedEntry,
  ObjectStore,
  PutInput,
  StoredObject,
  WriteOutcome,
} from "./object-store.ts";

interface Kept {
  readonly object: StoredObject;
  /** A file's or a copy's body is read only if someone asks for it. */
  readonly read: (signal: AbortSignal) => Promise<Uint8Array>;
}

/** A write that a dry run did not make. */
export interface SkippedWrite {
  readonly operation: "put" | "copy" | "delete";
  readonly key: string;
}

/** A bucket that is read but not written: writes stay in memory, where later reads of the same run find them. */
export class DryRunStore implements ObjectStore {
  readonly skipped: SkippedWrite[] = [];
  readonly #store: ObjectStore;
  /** `undefined` = deleted. */
  readonly #kept = new Map<string, Kept | undefined>();

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  async put(input: PutInput): Promise<WriteOutcome> {
    const { key, condition } = input;
    if (condition) {
      const found = await this.head({ key, signal: input.signal });
      const etag = found.kind === "ok" ? found.object.etag : undefined;
      const holds = condition.kind === "absent" ? etag === undefined : etag === condition.etag;
      if (!holds) return { kind: "precondition-failed" };
    }
    const { body, headers = {}, metadata = {} } = input;
    const object = { etag: `"${hashOf(body)}"`, metadata, headers, size: sizeOf(body) };
    this.#keep("put", key, { object, read: () => readBody(body) });
    return { kind: "ok", etag: object.etag };
  }

  async get(input: KeyInput): Promise<GetOutcome> {
    if (!this.#kept.has(input.key)) return this.#store.get(input);
    const kept = this.#kept.get(input.key);
    if (!kept) return { kind: "not-found" };
    return { kind: "ok", object: kept.object, body: await kept.read(input.signal) };
  }

  async head(input: KeyInput): Promise<HeadOutcome> {
    if (!this.#kept.has(input.key)) return this.#store.head(input);
    const kept = this.#kept.get(input.key);
    return kept ? { kind: "ok", object: kept.object } : { kind: "not-found" };
  }

  async copy(input: CopyInput): Promise<CopyOutcome> {
    const { from, to, replace, signal } = input;
    const source = this.#kept.get(from);
    const found = await this.head({ key: from, signal });
    if (found.kind === "not-found") return found;
    const read = source?.read ?? ((current: AbortSignal) => this.#readStored(from, current));
    this.#keep("copy", to, { object: { ...found.object, ...replace }, read });
    return { kind: "ok", etag: found.object.etag };
  }

  async delete(input: DeleteInput): Promise<DeleteOutcome> {
    const found = await this.head(input);
    if (found.kind === "ok" && input.etag !== undefined && found.object.etag !== input.etag) {
      return { kind: "precondition-failed" };
    }
    this.#keep("delete", input.key, undefined);
    return { kind: "ok" };
  }

  deleteMany({ keys, signal }: DeleteManyInput): Promise<readonly DeleteFailure[]> {
    signal.throwIfAborted();
    for (const key of keys) this.#keep("delete", key, undefined);
    return Promise.resolve([]);
  }

  /** What the bucket itself holds, without what this run deleted; what it would have added is not listed. */
  async *list(input: ListInput): AsyncGenerator<ListedEntry> {
    for await (const entry of this.#store.list(input)) {
      if (!this.#kept.has(entry.key) || this.#kept.get(entry.key) !== undefined) yield entry;
    }
  }

  #keep(operation: SkippedWrite["operation"], key: string, kept: Kept | undefined): void {
    this.#kept.set(key, kept);
    this.skipped.push({ operation, key });
  }

  /** The body of a copy of an object that this run left alone; another may have deleted it since. */
  async #readStored(key: string, signal: AbortSignal): Promise<Uint8Array> {
    const found = await this.#store.get({ key, signal });
    if (found.kind === "ok") return found.body;
    throw new SitefleetError("store/refused", `"${key}" is gone from the store`);
  }
}

function hashOf(body: PutInput["body"]): string {
  return isFileBody(body) ? body.sha256 : createHash("sha256").update(body).digest("hex");
}

function sizeOf(body: PutInput["body"]): number {
  return isFileBody(body) ? body.size : Buffer.byteLength(body);
}

async function readBody(body: PutInput["body"]): Promise<Uint8Array> {
  return isFileBody(body) ? readFileBody(body) : Buffer.from(body);
}
