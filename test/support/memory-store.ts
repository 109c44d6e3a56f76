import { createHash } from "node:crypto";

import { metadataBytes } from "../../src/site/object-metadata.ts";
import { isFileBody, readFileBody } from "../../src/store/file-body.ts";
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
} from "../../src/store/object-store.ts";
import { FaultPoint } from "./fault-point.ts";

export interface MemoryObject extends StoredObject {
  readonly body: Uint8Array;
  /** Epoch milliseconds. */
  readonly modifiedAt: number;
}

/** A bucket in memory with S3's conditions and ETags. Several stores over one map are several processes. */
export class MemoryStore implements ObjectStore {
  readonly objects: Map<string, MemoryObject>;
  readonly #faults: FaultPoint;
  readonly #now: () => number;

  constructor(
    options: {
      readonly objects?: Map<string, MemoryObject>;
      readonly faults?: FaultPoint;
      readonly now?: () => number;
    } = {},
  ) {
    this.objects = options.objects ?? new Map();
    this.#faults = options.faults ?? new FaultPoint();
    this.#now = options.now ?? (() => 0);
  }

  async put(input: PutInput): Promise<WriteOutcome> {
    const body = isFileBody(input.body)
      ? Buffer.from(await readFileBody(input.body))
      : Buffer.from(input.body);
    const declared = isFileBody(input.body) ? undefined : input.sha256;
    if (declared !== undefined && createHash("sha256").update(body).digest("hex") !== declared) {
      throw new Error(`XAmzContentSHA256Mismatch: ${input.key}`);
    }
    return this.#call("put", input, () => {
      const existing = this.objects.get(input.key);
      const { condition, metadata = {} } = input;
      const failed =
        (condition?.kind === "absent" && existing !== undefined) ||
        (condition?.kind === "etag" && existing?.etag !== condition.etag);
      if (failed) return { kind: "precondition-failed" };
      if (metadataBytes(metadata) > 2_048) throw new Error(`MetadataTooLarge: ${input.key}`);
      const etag = `"${createHash("md5").update(body).digest("hex")}"`;
      const { headers = {} } = input;
      const object = { etag, metadata, headers, size: body.length, body, modifiedAt: this.#now() };
      this.objects.set(input.key, object);
      return { kind: "ok", etag };
    });
  }

  get(input: KeyInput): Promise<GetOutcome> {
    return this.#call("get", input, () => {
      const found = this.objects.get(input.key);
      return found ? { kind: "ok", object: found, body: found.body } : { kind: "not-found" };
    });
  }

  head(input: KeyInput): Promise<HeadOutcome> {
    return this.#call("head", input, () => {
      const found = this.objects.get(input.key);
      return found ? { kind: "ok", object: found } : { kind: "not-found" };
    });
  }

  copy(input: CopyInput): Promise<CopyOutcome> {
    return this.#call("copy", { key: input.to, signal: input.signal }, () => {
      const found = this.objects.get(input.from);
      if (!found) return { kind: "not-found" };
      this.objects.set(input.to, { ...found, ...input.replace, modifiedAt: this.#now() });
      return { kind: "ok", etag: found.etag };
    });
  }

  delete(input: DeleteInput): Promise<DeleteOutcome> {
    return this.#call("delete", input, () => {
      const found = this.objects.get(input.key);
      if (found && input.etag !== undefined && found.etag !== input.etag) {
        return { kind: "precondition-failed" };
      }
      this.objects.delete(input.key);
      return { kind: "ok" };
    });
  }

  deleteMany(input: DeleteManyInput): Promise<readonly DeleteFailure[]> {
    const keys = [...input.keys];
    return this.#call("delete-many", { key: keys[0] ?? "", signal: input.signal }, () => {
      for (const key of keys) this.objects.delete(key);
      return [];
    });
  }

  async *list(input: ListInput): AsyncGenerator<ListedEntry> {
    const entries = await this.#call("list", { key: input.prefix, signal: input.signal }, () =>
      this.#entries(input),
    );
    yield* entries;
  }

  #entries(input: ListInput): ListedEntry[] {
    const prefixes = new Set<string>();
    const entries: ListedEntry[] = [];
    const keys = [...this.objects.keys()].filter((key) => key.startsWith(input.prefix));
    for (const key of keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))) {
      const end = input.delimiter === undefined ? -1 : key.indexOf(input.delimiter, input.prefix.length);
      const object = this.objects.get(key);
      if (end !== -1) prefixes.add(key.slice(0, end + 1));
      else if (object) {
        const { size, etag, modifiedAt } = object;
        entries.push({ kind: "object", key, size, etag, modifiedAt });
      }
    }
    return [...[...prefixes].map((key) => ({ kind: "prefix" as const, key })), ...entries];
  }

  #call<T>(operation: string, input: KeyInput, effect: () => T): Promise<T> {
    return this.#faults.run(`${operation} ${input.key}`, () => {
      input.signal.throwIfAborted();
      return effect();
    });
  }
}
