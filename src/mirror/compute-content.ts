import type { BackendSpec } from "../vcl/runtime.ts";

/** What a version's package says of itself, and where its bytes are. */
export interface ComputePackage {
  readonly name: string;
  readonly language: string;
  /** Bytes of the archive. */
  readonly size: number;
  /** SHA-512 of the archive, hexadecimal. */
  readonly hashsum: string;
  /** SHA-512 of the archive's files in the order of their names, hexadecimal: what `fastly compute hash-files` prints. */
  readonly filesHash: string;
  /** A package of the product's own that has no `bin/main.wasm`: only a mirror takes it. */
  readonly mirrorOnly: boolean;
  /** The archive itself (tar, gzip); read from the state folder when asked for. */
  read(): Promise<Uint8Array>;
}

/** A config store (or a dictionary of the version) as it is at each moment. */
export interface ConfigStoreView {
  get(key: string): string | undefined;
}

/** A secret store as it is at each moment. */
export interface SecretStoreView {
  get(name: string): Uint8Array | undefined;
}

export interface KvEntry {
  readonly value: Uint8Array;
  /** What the writer stored beside the value; `null` when nothing. */
  readonly metadata: string | null;
  /** Decimal number of the write that this value is from. */
  readonly generation: string;
}

/** How a key of a KV store is written; a plain write replaces what is there. */
export interface KvWrite {
  readonly mode?: "overwrite" | "add" | "append" | "prepend";
  /** Kept beside the value; none where it is missing, also where the value is added to (recorded). */
  readonly metadata?: string;
  /** The key is gone after so many seconds. */
  readonly ttlSeconds?: number;
  /** Written only while the key is of this generation. */
  readonly ifGenerationMatch?: string;
}

/**
 * What became of a write: `conflict` where the key was there (`add`) or is of another generation, `invalid` where the key
 * is none, the value or the metadata too large, or the store gone.
 */
export type KvOutcome = "stored" | "conflict" | "invalid";

export interface KvListing {
  readonly keys: readonly string[];
  /** Where the next page begins; `null` on the last one. */
  readonly cursor: string | null;
}

/** A KV store as it is at each moment; writes are there for the API's clients at once. */
export interface KvStoreView {
  get(key: string): Promise<KvEntry | undefined>;
  put(key: string, value: Uint8Array, write?: KvWrite): Promise<KvOutcome>;
  /** Whether there was such a key. */
  delete(key: string): Promise<boolean>;
  /** Keys in the order of their bytes, 1,000 or fewer a page. */
  list(page?: {
    readonly prefix?: string;
    readonly limit?: number;
    readonly cursor?: string;
  }): Promise<KvListing>;
}

/**
 * What the program of a Compute service can reach. Which stores it has, and under which names, is the version's to say;
 * what is in them is read anew each time.
 */
export interface ComputeContent {
  readonly package: ComputePackage;
  /** By the name of the resource link, which is what the program opens; dictionaries of the version by their own. */
  readonly configStores: ReadonlyMap<string, ConfigStoreView>;
  readonly secretStores: ReadonlyMap<string, SecretStoreView>;
  readonly kvStores: ReadonlyMap<string, KvStoreView>;
  /** By the name that the program fetches from. */
  readonly backends: ReadonlyMap<string, BackendSpec>;
  /** Secrets of the linked stores as they are now, as text; whoever shows a request covers them. */
  secrets(): readonly string[];
}
