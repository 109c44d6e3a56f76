import { createHash } from "node:crypto";

import type {
  CopyInput,
  CopyOutcome,
  DeleteInput,
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
  readonly body: Uint8Array;
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
    const body = Buffer.from(input.body);
    const etag = `"${createHash("md5").update(body).digest("hex")}"`;
    const object = { etag, metadata: input.metadata ?? {}, headers: input.headers ?? {}, size: body.length };
    this.#kept.set(key, { object, body });
    this.skipped.push({ operation: "put", key });
    return { kind: "ok", etag };
  }

  async get(input: KeyInput): Promise<GetOutcome> {
    if (!this.#kept.has(input.key)) return this.#store.get(input);
    const kept = this.#kept.get(input.key);
    return kept ? { kind: "ok", ...kept } : { kind: "not-found" };
  }

  async head(input: KeyInput): Promise<HeadOutcome> {
    if (!this.#kept.has(input.key)) return this.#store.head(input);
    const kept = this.#kept.get(input.key);
    return kept ? { kind: "ok", object: kept.object } : { kind: "not-found" };
  }

  async copy(input: CopyInput): Promise<CopyOutcome> {
    const found = await this.head({ key: input.from, signal: input.signal });
    if (found.kind === "not-found") return found;
    // Only the fact is kept: a copied body is of no use to the rest of the run.
    this.#kept.set(input.to, { object: found.object, body: new Uint8Array() });
    this.skipped.push({ operation: "copy", key: input.to });
    return { kind: "ok", etag: found.object.etag };
  }

  async delete(input: DeleteInput): Promise<DeleteOutcome> {
    const found = await this.head(input);
    if (found.kind === "ok" && input.etag !== undefined && found.object.etag !== input.etag) {
      return { kind: "precondition-failed" };
    }
    this.#kept.set(input.key, undefined);
    this.skipped.push({ operation: "delete", key: input.key });
    return { kind: "ok" };
  }

  /** What the bucket itself holds, without what this run deleted; what it would have added is not listed. */
  async *list(input: ListInput): AsyncGenerator<ListedEntry> {
    for await (const entry of this.#store.list(input)) {
      if (!this.#kept.has(entry.key) || this.#kept.get(entry.key) !== undefined) yield entry;
    }
  }
}
