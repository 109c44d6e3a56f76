import { createHash } from "node:crypto";
import { mkdir, open, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { syncFolder, writeFileAtomic } from "../../lib/atomic-write.ts";
import { isErrno } from "../../lib/caught.ts";
import { parseJson } from "../../lib/json.ts";
import type { Clock } from "../../lib/clock.ts";
import type { KvEntry, KvListing, KvOutcome, KvWrite } from "../compute-content.ts";
import { removeTemporaries, unreadable } from "./state-files.ts";
import { StoreFolder } from "./store-folder.ts";
import type { WorkQueues } from "./work-queues.ts";

/** Limits (guides/working-with-kv-stores; js-compute's types of `fastly:kv-store`). */
export const KV_LIMITS = {
  keyBytes: 1024,
  valueBytes: 25 * 1024 * 1024,
  metadataBytes: 1000,
  page: 1000,
} as const;
const ACME_PREFIX = ".well-known/acme-challenge/";
const FORBIDDEN = /[#;?^|\n\r]/;
/** The first line of an item's file: key and metadata are far below it. */
const HEAD_BYTES = 16 * 1024;
const LINE_FEED = 10;

/** Why a text is no key, or `null`. */
export function kvKeyProblem(key: string): string | null {
  if (key === "") return "key can't be blank";
  if (Buffer.byteLength(key) > KV_LIMITS.keyBytes) return `key is longer than ${KV_LIMITS.keyBytes} bytes`;
  if (key === "." || key === "..") return `key can't be '${key}'`;
  if (key.startsWith(ACME_PREFIX)) return `key can't begin with '${ACME_PREFIX}'`;
  return FORBIDDEN.test(key) ? "key has one of the characters # ; ? ^ | or a line break" : null;
}

const headSchema = z.object({
  key: z.string(),
  metadata: z.string().nullable(),
  generation: z.string().regex(/^\d+$/),
  /** Milliseconds since the epoch; `null` = never. */
  expiresAt: z.number().nullable(),
  modifiedAt: z.number(),
});
type ItemHead = Readonly<z.infer<typeof headSchema>>;

/** An entry with what the API says of it. */
export interface KvItem extends KvEntry {
  /** Milliseconds since the epoch. */
  readonly modifiedAt: number;
}

/** The keys of one store, in memory; values stay in their files. */
interface KeyIndex {
  readonly heads: Map<string, ItemHead>;
  /** Keys in the order of their bytes; made again after a change. */
  sorted: readonly string[] | null;
}

interface KvStoresInit {
  readonly dir: string;
  readonly clock: Clock;
  readonly queues: WorkQueues;
}

/**
 * The KV stores and their items: a file for each item, named by the hash of its key, with one line of JSON before the
 * value. It is replaced whole, so a reader never sees half of a write. The keys are read when a store is first used.
 */
export class KvStores {
  readonly folder: StoreFolder;
  readonly #dir: string;
  readonly #clock: Clock;
  readonly #queues: WorkQueues;
  readonly #indexes = new Map<string, Promise<KeyIndex>>();
  #lastGeneration = 0;

  private constructor(folder: StoreFolder, { dir, clock, queues }: KvStoresInit) {
    this.folder = folder;
    this.#dir = dir;
    this.#clock = clock;
    this.#queues = queues;
  }

  static async open(init: KvStoresInit): Promise<KvStores> {
    const folder = await StoreFolder.open(init.dir);
    const items = join(init.dir, "items");
    await mkdir(items, { recursive: true, mode: 0o700 });
    // A crash may have come between removing a store and removing what was in it.
    for (const name of await readdir(items)) {
      if (folder.find(name) === undefined) await rm(join(items, name), { recursive: true, force: true });
    }
    return new KvStores(folder, init);
  }

  async get(storeId: string, key: string): Promise<KvItem | undefined> {
    if (this.folder.find(storeId) === undefined) return undefined;
    const index = await this.#index(storeId);
    if (!this.#isThere(index.heads.get(key))) return undefined;
    const bytes = await readIfThere(this.#path(storeId, key));
    if (bytes === undefined) return undefined;
    const end = bytes.indexOf(LINE_FEED);
    const head = this.#parseHead(storeId, key, bytes.subarray(0, end));
    const { metadata, generation, modifiedAt } = head;
    return { value: bytes.subarray(end + 1), metadata, generation, modifiedAt };
  }

  async put(
    storeId: string,
    item: { readonly key: string; readonly value: Uint8Array },
    write: KvWrite = {},
  ): Promise<KvOutcome> {
    const { key, value } = item;
    const tooLong = Buffer.byteLength(write.metadata ?? "") > KV_LIMITS.metadataBytes;
    if (kvKeyProblem(key) !== null || tooLong || value.length > KV_LIMITS.valueBytes) return "invalid";
    return this.#exclusive(storeId, key, async () => {
      if (this.folder.find(storeId) === undefined) return "invalid";
      const before = await this.get(storeId, key);
      if (conflicts(before, write)) return "conflict";
      const whole = combined(before, value, write);
      if (whole.length > KV_LIMITS.valueBytes) return "invalid";
      await this.#write(storeId, whole, this.#newHead(key, write));
      return "stored";
    });
  }

  /** Whether there was such a key, of the generation asked for. */
  async delete(storeId: string, key: string, ifGenerationMatch?: string): Promise<KvOutcome | "missing"> {
    return this.#exclusive(storeId, key, async () => {
      if (this.folder.find(storeId) === undefined) return "missing";
      const index = await this.#index(storeId);
      const head = index.heads.get(key);
      if (head === undefined || !this.#isThere(head)) return "missing";
      if (ifGenerationMatch !== undefined && head.generation !== ifGenerationMatch) return "conflict";
      index.heads.delete(key);
      index.sorted = null;
      await rm(this.#path(storeId, key), { force: true });
      await syncFolder(this.#items(storeId));
      return "stored";
    });
  }

  /** A page of keys in the order of their bytes. An unreadable cursor begins at the beginning. */
  async list(
    storeId: string,
    page: { readonly prefix?: string; readonly limit?: number; readonly cursor?: string } = {},
  ): Promise<KvListing> {
    if (this.folder.find(storeId) === undefined) return { keys: [], cursor: null };
    const index = await this.#index(storeId);
    index.sorted ??= [...index.heads.keys()].sort(byBytes);
    const { prefix = "", cursor, limit = KV_LIMITS.page } = page;
    const after = cursor === undefined ? null : Buffer.from(cursor, "base64url").toString("utf8");
    const found: string[] = [];
    for (const key of index.sorted) {
      if (!key.startsWith(prefix) || (after !== null && byBytes(key, after) <= 0)) continue;
      if (!this.#isThere(index.heads.get(key))) continue;
      found.push(key);
      if (found.length > limit) break;
    }
    const keys = found.slice(0, limit);
    const last = keys.at(-1);
    const isMore = found.length > limit && last !== undefined;
    return { keys, cursor: isMore ? Buffer.from(last).toString("base64url") : null };
  }

  /** Removes a store; whatever is in it goes with it. */
  async remove(storeId: string): Promise<void> {
    await this.folder.remove(storeId);
    // Later writes find no store; those under way must still find its folder.
    await this.#queues.idle(`kv/${storeId}/`);
    await rm(this.#items(storeId), { recursive: true, force: true });
    this.#indexes.delete(storeId);
  }

  #isThere(head: ItemHead | undefined): boolean {
    return head !== undefined && (head.expiresAt === null || head.expiresAt > this.#clock.now());
  }

  /** Microseconds since the epoch, as recorded, and never twice the same. */
  #newHead(key: string, { metadata, ttlSeconds }: KvWrite): ItemHead {
    const now = this.#clock.now();
    this.#lastGeneration = Math.max(this.#lastGeneration + 1, Math.floor(now * 1000));
    return {
      key,
      metadata: metadata ?? null,
      generation: String(this.#lastGeneration),
      expiresAt: ttlSeconds === undefined ? null : now + ttlSeconds * 1000,
      modifiedAt: now,
    };
  }

  async #write(storeId: string, value: Uint8Array, head: ItemHead): Promise<void> {
    const index = await this.#index(storeId);
    const line = Buffer.from(`${JSON.stringify(head)}\n`, "utf8");
    await writeFileAtomic(this.#path(storeId, head.key), Buffer.concat([line, value]), 0o600);
    if (!index.heads.has(head.key)) index.sorted = null;
    index.heads.set(head.key, head);
  }

  #exclusive<T>(storeId: string, key: string, work: () => Promise<T>): Promise<T> {
    return this.#queues.exclusive(`kv/${storeId}/${key}`, work);
  }

  #index(storeId: string): Promise<KeyIndex> {
    const known = this.#indexes.get(storeId);
    if (known !== undefined) return known;
    const reading = this.#readIndex(storeId);
    this.#indexes.set(storeId, reading);
    return reading;
  }

  async #readIndex(storeId: string): Promise<KeyIndex> {
    const dir = this.#items(storeId);
    await mkdir(dir, { recursive: true, mode: 0o700 });
    await removeTemporaries([dir]);
    const heads = new Map<string, ItemHead>();
    for (const name of await readdir(dir)) {
      const path = join(dir, name);
      const head = parseHead(path, await readFirstLine(path));
      // Nobody can ask for it any more.
      if (this.#isThere(head)) heads.set(head.key, head);
      else await rm(path, { force: true });
      this.#lastGeneration = Math.max(this.#lastGeneration, Number(head.generation));
    }
    return { heads, sorted: null };
  }

  #parseHead(storeId: string, key: string, line: Buffer): ItemHead {
    return parseHead(this.#path(storeId, key), line);
  }

  #items(storeId: string): string {
    return join(this.#dir, "items", storeId);
  }

  #path(storeId: string, key: string): string {
    return join(this.#items(storeId), createHash("sha256").update(key).digest("hex"));
  }
}

/** A file's bytes; `undefined` where it was deleted a moment ago. */
async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}

function conflicts(before: KvEntry | undefined, { mode, ifGenerationMatch }: KvWrite): boolean {
  if (mode === "add" && before !== undefined) return true;
  return ifGenerationMatch !== undefined && before?.generation !== ifGenerationMatch;
}

function combined(before: KvEntry | undefined, value: Uint8Array, { mode }: KvWrite): Uint8Array {
  if (before === undefined) return value;
  if (mode === "append") return Buffer.concat([before.value, value]);
  return mode === "prepend" ? Buffer.concat([value, before.value]) : value;
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function parseHead(path: string, line: Buffer): ItemHead {
  const head = headSchema.safeParse(parseJson(line.toString("utf8")));
  if (head.success) return head.data;
  throw unreadable(path, "its content is not what this version writes", head.error);
}

async function readFirstLine(path: string): Promise<Buffer> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    const end = buffer.subarray(0, bytesRead).indexOf(LINE_FEED);
    return buffer.subarray(0, end === -1 ? bytesRead : end);
  } finally {
    await file.close();
  }
}
