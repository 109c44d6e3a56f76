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
  readonly #known: KnownEntries;
  readonly #next = new EntryWriter();
  #changed = false;

  private constructor(path: string, device: bigint | undefined, known: KnownEntries) {
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
    return new StatCache(path, device, (data && decode(data)) ?? NOTHING_KNOWN);
  }

  /** What the file holds, if it is as it was. */
  find(path: string, stat: BigIntStats): FileContent | undefined {
    const { data, offsets } = this.#known;
    const at = offsets.get(path);
    if (at === undefined || !hasStat(data, at, stat)) return undefined;
    this.#next.add(path).set(data.subarray(at, at + ENTRY_BYTES));
    return contentOf(data, at);
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
    encodeEntry(this.#next.add(path), content, stat);
  }

  /**
   * Writes what was found and kept since `open`; what was not asked for is forgotten.
   * @throws the system's own error
   */
  async save(): Promise<void> {
    if (this.#device === undefined || this.#next.count > ENTRY_LIMIT) return;
    if (!this.#changed && this.#next.count === this.#known.offsets.size) return;
    await mkdir(join(this.#path, ".."), { recursive: true });
    await writeFileAtomic(this.#path, this.#next.end(), 0o600);
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

/** A file's entries where they lie: an object for each would take more than they do. */
interface KnownEntries {
  readonly data: Buffer;
  /** Where the entry of a path is after the path itself. */
  readonly offsets: ReadonlyMap<string, number>;
}

const NOTHING_KNOWN: KnownEntries = { data: Buffer.alloc(0), offsets: new Map() };

const BLOCK_BYTES = 256 * 1024;

/** Writes entries one after the other. */
class EntryWriter {
  readonly #full: Buffer[] = [];
  #block = Buffer.alloc(0);
  #used = 0;
  count = 0;

  /** Writes the path; the entry is to be written into what is returned. */
  add(path: string): Buffer {
    const length = Buffer.byteLength(path);
    const bytes = 2 + length + ENTRY_BYTES;
    if (this.#used + bytes > this.#block.length) {
      this.#full.push(this.#block.subarray(0, this.#used));
      this.#block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
      this.#used = 0;
    }
    this.#block.writeUInt16LE(length, this.#used);
    this.#block.write(path, this.#used + 2, "utf8");
    this.#used += bytes;
    this.count += 1;
    return this.#block.subarray(this.#used - ENTRY_BYTES, this.#used);
  }

  /** The whole file. */
  end(): Buffer {
    const count = Buffer.alloc(4);
    count.writeUInt32LE(this.count);
    const parts = [MAGIC, count, ...this.#full, this.#block.subarray(0, this.#used)];
    const hasher = createHash("sha256");
    for (const part of parts) hasher.update(part);
    return Buffer.concat([...parts, hasher.digest()]);
  }
}

function encodeEntry(entry: Buffer, content: FileContent, stat: BigIntStats): void {
  entry.set(packedStat(stat));
  entry.write(content.hash, STAT_BYTES, "hex");
  entry[ENTRY_BYTES - 1] = (content.isUtf8 ? UTF8_FLAG : 0) | (content.hasNul ? NUL_FLAG : 0);
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

function hasStat(data: Buffer, at: number, stat: BigIntStats): boolean {
  return data.compare(packedStat(stat), 0, STAT_BYTES, at, at + STAT_BYTES) === 0;
}

function contentOf(data: Buffer, at: number): FileContent {
  const flags = data[at + ENTRY_BYTES - 1] ?? 0;
  return {
    hash: data.toString("hex", at + STAT_BYTES, at + STAT_BYTES + 32),
    size: Number(data.readBigUInt64LE(at)),
    isUtf8: (flags & UTF8_FLAG) !== 0,
    hasNul: (flags & NUL_FLAG) !== 0,
  };
}

/** Entries by path; `undefined` for data that is not wholly what `EntryWriter` writes. */
function decode(data: Buffer): KnownEntries | undefined {
  const end = data.length - CHECKSUM_BYTES;
  if (end < MAGIC.length + 4 || data.compare(MAGIC, 0, MAGIC.length, 0, MAGIC.length) !== 0) return undefined;
  const checksum = createHash("sha256").update(data.subarray(0, end)).digest();
  if (checksum.compare(data, end) !== 0) return undefined;
  const offsets = new Map<string, number>();
  const count = data.readUInt32LE(MAGIC.length);
  let offset = MAGIC.length + 4;
  for (let index = 0; index < count; index += 1) {
    if (offset + 2 > end) return undefined;
    const entryAt = offset + 2 + data.readUInt16LE(offset);
    if (entryAt + ENTRY_BYTES > end) return undefined;
    offsets.set(data.toString("utf8", offset + 2, entryAt), entryAt);
    offset = entryAt + ENTRY_BYTES;
  }
  return offset === end ? { data, offsets } : undefined;
}
