import { closeSync, fdatasync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { crc32 } from "node:zlib";
import { syncFolder } from "../../lib/atomic-write.ts";
import { SitefleetError } from "../../lib/errors.ts";

const SCAN_BYTES = 4 * 1024 * 1024;
const LINE_FEED = 10;
const TAB = 9;

/** Where a line is in the journal file; the line feed is not counted. */
export interface JournalPlace {
  readonly offset: number;
  readonly length: number;
}

/** One line: `head` is read at every start, `detail` and `body` only when asked for. */
export interface JournalEntry {
  readonly head: unknown;
  readonly detail?: unknown;
  readonly body?: Buffer;
}

/** Called for each sound line, oldest first, with its head as JSON text. */
export type JournalReplay = (head: string, place: JournalPlace) => void;

export interface JournalOptions {
  readonly path: string;
  /** Whether `sync()` waits for the disk. */
  readonly fsync: boolean;
  readonly replay: JournalReplay;
}

/**
 * An append-only file of lines `crc32 TAB head TAB detail TAB body`, JSON, JSON and base64. Appending is one synchronous
 * write, so whatever a process acknowledged survives its SIGKILL; a line torn by the kill is cut off at the next start.
 */
export class Journal {
  readonly #fd: number;
  readonly #fsync: boolean;
  #size: number;
  #broken: Error | undefined;
  #syncing: Promise<void> | undefined;
  #nextSync: Promise<void> | undefined;

  private constructor(fd: number, size: number, fsync: boolean) {
    this.#fd = fd;
    this.#size = size;
    this.#fsync = fsync;
  }

  /** Opens or creates the file and replays it. Throws `mirror/s3-damaged` when a line in the middle is not sound. */
  static open({ path, fsync, replay }: JournalOptions): Journal {
    const fd = openSync(path, "a+", 0o600);
    try {
      const sound = scan(fd, { path, replay });
      if (sound < fstatSync(fd).size) ftruncateSync(fd, sound);
      return new Journal(fd, sound, fsync);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  /** Bytes in the file. */
  get size(): number {
    return this.#size;
  }

  /** Appends a line and says where it is. After a failed write the file is as it was before. */
  append(entry: JournalEntry): JournalPlace {
    if (this.#broken !== undefined) throw this.#broken;
    const line = encodeLine(entry);
    try {
      for (let done = 0; done < line.length;) done += writeSync(this.#fd, line, done);
    } catch (error) {
      this.#undo(error);
      throw error;
    }
    const place = { offset: this.#size, length: line.length - 1 };
    this.#size += line.length;
    return place;
  }

  /** The detail and body of a line. A synchronous read, because a few KB out of the page cache cost less than a trip to the thread pool. */
  read(place: JournalPlace): { readonly detail: unknown; readonly body: Buffer } {
    const line = readExactly(this.#fd, place);
    const head = line.indexOf(TAB, 9);
    const detail = line.indexOf(TAB, head + 1);
    return {
      detail: JSON.parse(line.toString("utf8", head + 1, detail)),
      body: Buffer.from(line.toString("latin1", detail + 1), "base64"),
    };
  }

  /** Resolves when every line appended so far is on the disk; at once where fsync is off. Callers at the same time share a sync. */
  sync(): Promise<void> {
    if (!this.#fsync) return Promise.resolve();
    this.#nextSync ??= (this.#syncing ?? Promise.resolve()).then(() => {
      this.#syncing = this.#nextSync;
      this.#nextSync = undefined;
      return this.#datasync();
    });
    return this.#nextSync;
  }

  close(): void {
    closeSync(this.#fd);
  }

  /** Takes half a line back; if even that fails, nothing may be appended behind it. */
  #undo(cause: unknown): void {
    try {
      ftruncateSync(this.#fd, this.#size);
    } catch {
      this.#broken = new SitefleetError("mirror/s3-damaged", "the S3 journal could not be written", {
        cause,
      });
    }
  }

  #datasync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fdatasync(this.#fd, (error) => {
        if (error === null) return resolve();
        // After a failed sync the kernel may have dropped the pages: what is on disk is unknown until the next start.
        this.#broken = error;
        reject(error);
      });
    });
  }
}

function encodeLine({ head, detail, body }: JournalEntry): Buffer {
  const text = `${JSON.stringify(head)}\t${JSON.stringify(detail ?? null)}\t${body === undefined ? "" : body.toString("base64")}`;
  const line = Buffer.allocUnsafe(10 + Buffer.byteLength(text));
  line.write(text, 9);
  line.write(`${crc32(line.subarray(9, -1)).toString(16).padStart(8, "0")}\t`, 0, "latin1");
  line[line.length - 1] = LINE_FEED;
  return line;
}

function isSound(line: Buffer): boolean {
  if (line.length < 12 || line[8] !== TAB) return false;
  return parseInt(line.toString("latin1", 0, 8), 16) === crc32(line.subarray(9));
}

function readExactly(fd: number, { offset, length }: JournalPlace): Buffer {
  const buffer = Buffer.allocUnsafe(length);
  let done = 0;
  while (done < length) {
    const count = readSync(fd, buffer, done, length - done, offset + done);
    if (count === 0) throw new SitefleetError("mirror/s3-damaged", "the S3 journal is shorter than it was");
    done += count;
  }
  return buffer;
}

/** Replays the sound lines and returns how many bytes they take. A tail that is not sound is left out. */
function scan(
  fd: number,
  { path, replay }: { readonly path: string; readonly replay: JournalReplay },
): number {
  let bad: number | undefined;
  let sound = 0;
  forEachLine(fd, (line, offset) => {
    if (!isSound(line)) {
      bad ??= offset;
      return;
    }
    // A torn write is the last thing in a file. Sound lines behind a bad one mean the disk or a person changed it.
    if (bad !== undefined) {
      throw new SitefleetError("mirror/s3-damaged", `${path} is damaged at byte ${bad}`, {
        hint: "run `sitefleet mirror reset` to start with an empty mirror, or restore the state folder",
      });
    }
    replay(line.toString("utf8", 9, line.indexOf(TAB, 9)), { offset, length: line.length });
    sound = offset + line.length + 1;
  });
  return sound;
}

/** Calls back for each line that ends in a line feed; the buffer is only good during the call. */
function forEachLine(fd: number, onLine: (line: Buffer, offset: number) => void): void {
  let buffer = Buffer.allocUnsafe(SCAN_BYTES);
  let filled = 0;
  let position = 0;
  for (;;) {
    if (filled === buffer.length) buffer = Buffer.concat([buffer, Buffer.allocUnsafe(buffer.length)]);
    const count = readSync(fd, buffer, filled, buffer.length - filled, position + filled);
    if (count === 0) return;
    filled += count;
    let start = 0;
    for (;;) {
      const end = buffer.subarray(0, filled).indexOf(LINE_FEED, start);
      if (end < 0) break;
      onLine(buffer.subarray(start, end), position + start);
      start = end + 1;
    }
    buffer.copyWithin(0, start, filled);
    filled -= start;
    position += start;
  }
}

/** Replaces the journal by one that has only the given lines, in the order given; a crash leaves the old or the new file whole. */
export async function compactJournal(path: string, places: readonly JournalPlace[]): Promise<void> {
  const temporary = `${path}.compact`;
  await rm(temporary, { force: true });
  const source = openSync(path, "r");
  try {
    const target = await open(temporary, "wx", 0o600);
    try {
      for (let batch: Buffer[] = [], index = 0, size = 0; index <= places.length; index++) {
        const place = places[index];
        if (place !== undefined) {
          const line = readExactly(source, { offset: place.offset, length: place.length + 1 });
          batch.push(line);
          size += line.length;
        }
        if (place === undefined || size > SCAN_BYTES) {
          await target.writeFile(Buffer.concat(batch));
          batch = [];
          size = 0;
        }
      }
      await target.datasync();
    } finally {
      await target.close();
    }
  } finally {
    closeSync(source);
  }
  await rename(temporary, path);
  await syncFolder(dirname(path));
}
