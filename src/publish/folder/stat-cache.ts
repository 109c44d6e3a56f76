import { createHash } from "node:crypto";
import type { BigIntStats } from "node:fs";
import { mkdir, open, stat, statfs } from "node:fs/promises";
import { join } from "node:path";

import { writeFileAtomic } from "../../lib/atomic-write.ts";
import { errnoOf } from "../../lib/caught.ts";
import type { FileContent } from "./file-content.ts";

/**
 * What the files of a folder held when they were read last, so that one that did not change is not read again. An entry
 * is believed only where it cannot lie: size, both times in nanoseconds, inode and device are as they were, and both
 * times were at least two seconds past when the file was read (git's rule for its index, Documentation/technical/
 * racy-git: a later write within one tick of the clock would not show). The change time cannot be set by programs.
 */
export class StatCache {
  readonly #path: string;
  /** Device of the folder, whose file system is one that can be believed; files below another mount are read. */
  readonly #device: bigint | undefined;
  readonly #known: ReadonlyMap<string, Buffer>;
  readonly #next = new Map<string, Buffer>();
  #changed = false;

  private constructor(path: string, device: bigint | undefined, known: ReadonlyMap<string, Buffer>) {
    this.#path = path;
    this.#device = device;
    this.#known = known;
  }

  /** Opens the cache of a folder; one that is missing, damaged or of another version is empty. */
  static async open(options: { readonly dir: string; readonly folder: string }): Promise<StatCache> {
    const name = createHash("sha256").update(options.folder).digest("hex").slice(0, 32);
    const path = join(options.dir, `${name}.cache`);
    const device = await believedDevice(options.folder);
    const data = device === undefined ? undefined : await readBounded(path);
    return new StatCache(path, device, (data && decode(data)) ?? new Map<string, Buffer>());
  }

  /** What the file holds, if it is as it was. */
  find(path: string, stat: BigIntStats): FileContent | undefined {
    const entry = this.#known.get(path);
    if (entry === undefined || !hasStat(entry, stat)) return undefined;
    this.#next.set(path, entry);
    return contentOf(entry);
  }

  /** Remembers what a file held that was read from `readAtMs` on and was as `stat` says before and after. */
  keep(
    path: string,
    content: FileContent,
    at: { readonly stat: BigIntStats; readonly readAtMs: number },
  ): void {
    const { stat, readAtMs } = at;
    const newest = stat.mtimeNs > stat.ctimeNs ? stat.mtimeNs : stat.ctimeNs;
    if (stat.dev !== this.#device || stat.ctimeNs <= 0n) return;
    if (BigInt(readAtMs - MARGIN_MS) * 1_000_000n <= newest) return;
    if (Buffer.byteLength(path) > PATH_LIMIT || BigInt(content.size) !== stat.size) return;
    this.#changed = true;
    this.#next.set(path, encodeEntry(content, stat));
  }

  /**
   * Writes what was found and kept since `open`; what was not asked for is forgotten.
   * @throws the system's own error
   */
  async save(): Promise<void> {
    if (this.#device === undefined || this.#next.size > ENTRY_LIMIT) return;
    if (!this.#changed && this.#next.size === this.#known.size) return;
    await mkdir(join(this.#path, ".."), { recursive: true });
    await writeFileAtomic(this.#path, encode(this.#next), 0o600);
  }
}

const MARGIN_MS = 2_000;
const ENTRY_LIMIT = 1_000_000;
const FILE_LIMIT = 256 * 1024 * 1024;
const PATH_LIMIT = 4_096;

/**
 * File systems of Linux that keep a change time of their own and show it at once (statfs(2)): ext2 to 4, XFS, Btrfs,
 * tmpfs, overlayfs, ZFS, F2FS, bcachefs. Network and FAT file systems are read each time.
 */
const CHANGE_TIME_SYSTEMS = new Set([
  0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0x2fc12fc1, 0xf2f52010, 0xca451a4e,
]);

async function believedDevice(folder: string): Promise<bigint | undefined> {
  const { dev } = await stat(folder, { bigint: true });
  if (process.platform !== "linux") return dev;
  return CHANGE_TIME_SYSTEMS.has((await statfs(folder)).type) ? dev : undefined;
}

async function readBounded(path: string): Promise<Buffer | undefined> {
  try {
    const file = await open(path, "r");
    try {
      const { size } = await file.stat();
      return size > FILE_LIMIT ? undefined : await file.readFile();
    } finally {
      await file.close();
    }
  } catch (error) {
    // A cache that cannot be read is no reason not to publish; the files are read instead.
    if (errnoOf(error) !== undefined) return undefined;
    throw error;
  }
}

// A file: magic, number of entries (32 bit), entries, SHA-256 of all before. An entry: length of the path (16 bit), path,
// then 73 bytes: size, mtime, ctime, inode, device (64 bit each), SHA-256 of the content, flags. Little-endian.
const MAGIC = Buffer.from("SFSTAT\x00\x02", "latin1");
const STAT_BYTES = 40;
const ENTRY_BYTES = STAT_BYTES + 32 + 1;
const UTF8_FLAG = 1;
const NUL_FLAG = 2;
const CHECKSUM_BYTES = 32;

function encodeEntry(content: FileContent, stat: BigIntStats): Buffer {
  const entry = Buffer.allocUnsafe(ENTRY_BYTES);
  entry.set(packedStat(stat));
  entry.write(content.hash, STAT_BYTES, "hex");
  entry[ENTRY_BYTES - 1] = (content.isUtf8 ? UTF8_FLAG : 0) | (content.hasNul ? NUL_FLAG : 0);
  return entry;
}

/** One for all: a number of this width that is read from bytes is an object, five of them for each file. */
const packed = new DataView(new ArrayBuffer(STAT_BYTES));
const packedBytes = new Uint8Array(packed.buffer);

/** The fields modulo 2^64, until the next call. */
function packedStat(stat: BigIntStats): Uint8Array {
  packed.setBigUint64(0, stat.size, true);
  packed.setBigUint64(8, stat.mtimeNs, true);
  packed.setBigUint64(16, stat.ctimeNs, true);
  packed.setBigUint64(24, stat.ino, true);
  packed.setBigUint64(32, stat.dev, true);
  return packedBytes;
}

function hasStat(entry: Buffer, stat: BigIntStats): boolean {
  return entry.compare(packedStat(stat), 0, STAT_BYTES, 0, STAT_BYTES) === 0;
}

function contentOf(entry: Buffer): FileContent {
  const flags = entry[ENTRY_BYTES - 1] ?? 0;
  return {
    hash: entry.toString("hex", STAT_BYTES, STAT_BYTES + 32),
    size: Number(entry.readBigUInt64LE(0)),
    isUtf8: (flags & UTF8_FLAG) !== 0,
    hasNul: (flags & NUL_FLAG) !== 0,
  };
}

function encode(entries: ReadonlyMap<string, Buffer>): Buffer {
  const count = Buffer.alloc(4);
  count.writeUInt32LE(entries.size);
  const parts: Buffer[] = [MAGIC, count];
  for (const [path, entry] of entries) {
    const name = Buffer.from(path);
    const length = Buffer.alloc(2);
    length.writeUInt16LE(name.length);
    parts.push(length, name, entry);
  }
  const data = Buffer.concat(parts);
  return Buffer.concat([data, createHash("sha256").update(data).digest()]);
}

/** Entries by path; `undefined` for data that is not wholly what `encode` writes. */
function decode(data: Buffer): Map<string, Buffer> | undefined {
  const end = data.length - CHECKSUM_BYTES;
  if (end < MAGIC.length + 4 || data.compare(MAGIC, 0, MAGIC.length, 0, MAGIC.length) !== 0) return undefined;
  const checksum = createHash("sha256").update(data.subarray(0, end)).digest();
  if (checksum.compare(data, end) !== 0) return undefined;
  const entries = new Map<string, Buffer>();
  const count = data.readUInt32LE(MAGIC.length);
  let offset = MAGIC.length + 4;
  for (let index = 0; index < count; index += 1) {
    if (offset + 2 > end) return undefined;
    const entryAt = offset + 2 + data.readUInt16LE(offset);
    if (entryAt + ENTRY_BYTES > end) return undefined;
    entries.set(data.toString("utf8", offset + 2, entryAt), data.subarray(entryAt, entryAt + ENTRY_BYTES));
    offset = entryAt + ENTRY_BYTES;
  }
  return offset === end ? entries : undefined;
}
