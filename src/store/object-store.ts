/** User metadata by name, without `x-amz-meta-`. */
export type ObjectMetadata = Readonly<Record<string, string>>;

/** Headers that an object is stored and served with. */
export interface ObjectHeaders {
  readonly contentType?: string;
  readonly cacheControl?: string;
  readonly contentEncoding?: string;
  readonly contentDisposition?: string;
  readonly contentLanguage?: string;
}

/**
 * A file on this machine as a body: read only when it is sent, and never whole when it is large. Bytes that are not
 * those of `size` and `sha256` are not stored: `publish/file-changed`.
 */
export interface FileBody {
  /** Absolute. */
  readonly path: string;
  readonly size: number;
  /** Hex. */
  readonly sha256: string;
}

/** What must be true of the key for a write to happen: nothing is there, or the ETag is this one. */
export type WriteCondition = { readonly kind: "absent" } | { readonly kind: "etag"; readonly etag: string };

export interface PutInput {
  readonly key: string;
  readonly body: Uint8Array | string | FileBody;
  /** Hex SHA-256 of a body in memory, where the caller knows it; what else would be computed. */
  readonly sha256?: string;
  readonly headers?: ObjectHeaders;
  readonly metadata?: ObjectMetadata;
  readonly condition?: WriteCondition;
  readonly signal: AbortSignal;
}

export interface CopyInput {
  /** Key in the same bucket; headers and metadata come along unless they are replaced. */
  readonly from: string;
  readonly to: string;
  /** The copy gets exactly these; with it a key may be copied to itself. */
  readonly replace?: { readonly headers: ObjectHeaders; readonly metadata: ObjectMetadata };
  readonly signal: AbortSignal;
}

export interface KeyInput {
  readonly key: string;
  readonly signal: AbortSignal;
}

export interface DeleteInput extends KeyInput {
  /** Only if the object still has this ETag. */
  readonly etag?: string;
}

export interface DeleteManyInput {
  /** Any number; a key that does not exist is deleted already. */
  readonly keys: Iterable<string>;
  readonly signal: AbortSignal;
}

/** A key that was not deleted, and what S3 said of it. */
export interface DeleteFailure {
  readonly key: string;
  readonly code: string;
  readonly message: string;
}

export interface ListInput {
  readonly prefix: string;
  /** Without it the listing goes down through all keys; with `/` it stays at the level of the prefix. */
  readonly delimiter?: "/";
  readonly signal: AbortSignal;
}

export interface StoredObject {
  readonly etag: string;
  readonly metadata: ObjectMetadata;
  readonly headers: ObjectHeaders;
  /** Bytes of the body. */
  readonly size: number;
}

export type WriteOutcome =
  | { readonly kind: "ok"; readonly etag: string }
  /** The condition did not hold: someone else wrote, or the key is gone. */
  | { readonly kind: "precondition-failed" };

export type CopyOutcome = { readonly kind: "ok"; readonly etag: string } | { readonly kind: "not-found" };

export type DeleteOutcome = { readonly kind: "ok" } | { readonly kind: "precondition-failed" };

export type HeadOutcome =
  { readonly kind: "ok"; readonly object: StoredObject } | { readonly kind: "not-found" };

export type GetOutcome =
  | { readonly kind: "ok"; readonly object: StoredObject; readonly body: Uint8Array }
  | { readonly kind: "not-found" };

export type ListedEntry =
  | {
      readonly kind: "object";
      readonly key: string;
      readonly size: number;
      readonly etag: string;
      /** When it was written by the store's clock, epoch milliseconds. */
      readonly modifiedAt: number;
    }
  /** With a delimiter: a level below, its key ending in the delimiter. */
  | { readonly kind: "prefix"; readonly key: string };

/**
 * One bucket. What a caller has to decide upon is a value; everything else (refused, unreachable, no bucket) is a
 * `SitefleetError` of `store/…`.
 */
export interface ObjectStore {
  put(input: PutInput): Promise<WriteOutcome>;
  /** The body is read into memory whole. */
  get(input: KeyInput): Promise<GetOutcome>;
  head(input: KeyInput): Promise<HeadOutcome>;
  copy(input: CopyInput): Promise<CopyOutcome>;
  /** A key that does not exist is deleted already. */
  delete(input: DeleteInput): Promise<DeleteOutcome>;
  /** Deletes without conditions, a thousand keys a request; resolves with those that remain. */
  deleteMany(input: DeleteManyInput): Promise<readonly DeleteFailure[]>;
  /** In order of the keys' UTF-8 bytes. */
  list(input: ListInput): AsyncIterable<ListedEntry>;
}

/** The two buckets of an environment. */
export interface SiteStore {
  readonly config: ObjectStore;
  readonly hosting: ObjectStore;
  /** The store's clock less ours in milliseconds, by its last answer; `undefined` until one told. */
  readonly clockOffset?: () => number | undefined;
}

/** The same store with each bucket seen through something else; what is known of the store itself stays. */
export function wrapBuckets<T extends ObjectStore>(
  store: SiteStore,
  wrap: (bucket: ObjectStore) => T,
): SiteStore & { readonly config: T; readonly hosting: T } {
  const { config, hosting, clockOffset } = store;
  return {
    config: wrap(config),
    hosting: wrap(hosting),
    ...(clockOffset === undefined ? {} : { clockOffset }),
  };
}
