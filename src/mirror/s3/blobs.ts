import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { open, readdir, unlink } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { syncFolder } from "../../lib/atomic-write.ts";

/** A body up to this size lives inside the journal line of its object. */
export const INLINE_BYTES = 4096;
/** Bytes gathered before they are written to a blob file. */
const WRITE_BYTES = 256 * 1024;
/** Bytes read from a blob file at a time. */
const READ_BYTES = 256 * 1024;

/** A stretch of an object's body: one whole blob file. */
export type Segment = readonly [blob: string, size: number];

/** A body that has been received: still nobody's until an object refers to its blob. */
export type StoredBody =
  { readonly kind: "inline"; readonly bytes: Buffer } | { readonly kind: "blob"; readonly segment: Segment };

export interface BlobsOptions {
  readonly dir: string;
  readonly fsync: boolean;
}

/**
 * Immutable files of random names. A blob lives as long as somebody holds it: objects and parts that refer to it, and
 * readers in the middle of it, so an overwrite never tears a download. Files that nobody holds at start are swept.
 */
export class Blobs {
  readonly #dir: string;
  readonly #fsync: boolean;
  readonly #holds = new Map<string, number>();
  /** Removals under way, so that `close` can wait for them. */
  readonly #removals = new Set<Promise<void>>();

  constructor({ dir, fsync }: BlobsOptions) {
    this.#dir = dir;
    this.#fsync = fsync;
    mkdirSync(dir, { recursive: true, mode: 0o700 });
  }

  hold(segments: readonly Segment[]): void {
    for (const [blob] of segments) this.#holds.set(blob, (this.#holds.get(blob) ?? 0) + 1);
  }

  /** Gives a hold back; the file goes with the last one. */
  release(segments: readonly Segment[]): void {
    for (const [blob] of segments) {
      const left = (this.#holds.get(blob) ?? 1) - 1;
      if (left > 0) this.#holds.set(blob, left);
      else this.#remove(blob);
    }
  }

  /** Removes every file that nobody holds: uploads that a crash cut off. Call before the first write. */
  async sweep(): Promise<number> {
    const strays = (await readdir(this.#dir)).filter((name) => !this.#holds.has(name));
    for (const name of strays) await unlink(join(this.#dir, name));
    return strays.length;
  }

  /** Starts a body; call `finish` or `discard`. */
  write({ inline }: { readonly inline: boolean }): BlobWriter {
    const name = randomBytes(16).toString("hex");
    return new BlobWriter({
      name,
      inlineBytes: inline ? INLINE_BYTES : -1,
      fsync: this.#fsync,
      open: () => open(join(this.#dir, name), "wx", 0o600),
      settle: () => this.#settle(name),
      discard: () => this.#remove(name),
    });
  }

  /** Reads bytes `start` up to but not including `end` of a body. Hold the segments meanwhile. */
  async *read(
    segments: readonly Segment[],
    range: { readonly start: number; readonly end: number },
  ): AsyncIterable<Buffer> {
    let base = 0;
    for (const [blob, size] of segments) {
      const from = Math.max(0, range.start - base);
      const to = Math.min(size, range.end - base);
      base += size;
      if (from < to) yield* this.#readBlob(blob, { from, to });
    }
  }

  /** Resolves when no removal is under way. */
  async close(): Promise<void> {
    await Promise.all(this.#removals);
  }

  async *#readBlob(
    blob: string,
    { from, to }: { readonly from: number; readonly to: number },
  ): AsyncIterable<Buffer> {
    const file = await open(join(this.#dir, blob), "r");
    try {
      for (let at = from; at < to;) {
        const size = Math.min(READ_BYTES, to - at);
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(size), 0, size, at);
        if (bytesRead === 0) throw new Error(`blob ${blob} ends at ${at} instead of ${to}`);
        at += bytesRead;
        yield bytesRead === size ? buffer : buffer.subarray(0, bytesRead);
      }
    } finally {
      await file.close();
    }
  }

  /** A finished file becomes a held blob; the hold is the writer's until an object takes it over. */
  async #settle(name: string): Promise<void> {
    if (this.#fsync) await syncFolder(this.#dir);
    this.#holds.set(name, 1);
  }

  #remove(blob: string): void {
    this.#holds.delete(blob);
    // A file that cannot be removed is a stray: harmless, and swept at the next start.
    const removal = unlink(join(this.#dir, blob)).then(noop, noop);
    this.#removals.add(removal);
    void removal.then(() => this.#removals.delete(removal));
  }
}

function noop(): void {}

interface BlobWriterInit {
  readonly name: string;
  readonly inlineBytes: number;
  readonly fsync: boolean;
  readonly open: () => Promise<FileHandle>;
  readonly settle: () => Promise<void>;
  readonly discard: () => void;
}

/** Collects one body: in memory while small, then in a file, with at most `WRITE_BYTES` waiting. */
export class BlobWriter {
  readonly #init: BlobWriterInit;
  #pending: Buffer[] = [];
  #pendingSize = 0;
  #size = 0;
  #file: FileHandle | undefined;

  constructor(init: BlobWriterInit) {
    this.#init = init;
  }

  /** Takes bytes; a promise means wait for the disk before the next ones. */
  write(chunk: Buffer): Promise<void> | undefined {
    this.#pending.push(chunk);
    this.#pendingSize += chunk.length;
    this.#size += chunk.length;
    return this.#pendingSize >= WRITE_BYTES ? this.#flush() : undefined;
  }

  /** The body is whole and verified. For a blob the caller now owns one hold. */
  async finish(): Promise<StoredBody> {
    if (this.#file === undefined && this.#size <= this.#init.inlineBytes) {
      return { kind: "inline", bytes: Buffer.concat(this.#pending) };
    }
    await this.#flush();
    if (this.#init.fsync) await this.#file?.datasync();
    await this.#closeFile();
    await this.#init.settle();
    return { kind: "blob", segment: [this.#init.name, this.#size] };
  }

  /** The body came to nothing: leaves no trace. */
  async discard(): Promise<void> {
    if (this.#file === undefined) return;
    await this.#closeFile();
    this.#init.discard();
  }

  async #flush(): Promise<void> {
    const data =
      this.#pending.length === 1 ? (this.#pending[0] ?? Buffer.alloc(0)) : Buffer.concat(this.#pending);
    this.#pending = [];
    this.#pendingSize = 0;
    this.#file ??= await this.#init.open();
    await this.#file.writeFile(data);
  }

  async #closeFile(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }
}
