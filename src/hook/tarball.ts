import { createReadStream } from "node:fs";
import { createGunzip } from "node:zlib";
import { createTarDecoder } from "modern-tar";
import type { ParsedTarEntry } from "modern-tar";
import { messageOf } from "../lib/caught.ts";
import { SitefleetError } from "../lib/errors.ts";
import { printable } from "../site/names.ts";
import { guardArchive, invalidArchive } from "./archive-guard.ts";
import type { ArchiveLimits } from "./archive-guard.ts";
import { readEntryPath } from "./entry-path.ts";
import { newFolder } from "./new-folder.ts";
import type { NewFolder } from "./new-folder.ts";

export interface UnpackInput {
  /** The tarball. */
  readonly path: string;
  readonly gzip: boolean;
  /** An empty folder that nobody else can reach. */
  readonly to: string;
  /** Take off the one folder that everything in the archive is in. */
  readonly strip: boolean;
  readonly limits: ArchiveLimits;
  readonly signal: AbortSignal;
}

/**
 * Unpacks an archive of files and folders.
 * @returns how many files there are
 * @throws SitefleetError `hook/invalid-archive`
 */
export async function unpackTarball(input: UnpackInput): Promise<number> {
  const decoder = createTarDecoder({ strict: true });
  const folder = newFolder(input.to, { ...input.limits, invalid: invalidArchive });
  const target: Target = { strip: input.strip, folder, top: undefined };
  let files = 0;
  const unpack = async (): Promise<void> => {
    for await (const entry of readEntries(decoder.readable)) files += await unpackEntry(target, entry);
  };
  const ends = await Promise.allSettled([unpack(), feedDecoder(input, decoder.writable)]);
  input.signal.throwIfAborted();
  const failures: unknown[] = ends.flatMap((end) => (end.status === "rejected" ? [end.reason] : []));
  // When one side fails, what the other one says is only that it was cut short.
  const failure = failures.find((error) => error instanceof SitefleetError) ?? failures[0];
  if (failure !== undefined) throw archiveError(failure);
  return files;
}

async function feedDecoder(input: UnpackInput, decoder: WritableStream<Uint8Array>): Promise<void> {
  const raw = createReadStream(input.path);
  const plain = input.gzip ? raw.pipe(createGunzip()) : raw;
  // `pipe` does not hand errors on.
  if (plain !== raw) raw.on("error", (error) => plain.destroy(error));
  const writer = decoder.getWriter();
  try {
    for await (const chunk of guardArchive(plain, input.limits)) {
      input.signal.throwIfAborted();
      await writer.write(chunk);
    }
    await writer.close();
  } catch (error) {
    await writer.abort(error);
    throw error;
  } finally {
    raw.destroy();
  }
}

async function* readEntries(entries: ReadableStream<ParsedTarEntry>): AsyncGenerator<ParsedTarEntry> {
  const reader = entries.getReader();
  let finished = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      yield value;
    }
    finished = true;
  } finally {
    if (!finished) await reader.cancel(new Error("the archive is not read to its end"));
  }
}

interface Target {
  readonly strip: boolean;
  readonly folder: NewFolder;
  /** The folder that everything is in. */
  top: string | undefined;
}

/** Unpacks one entry; 1 if it was a file. */
async function unpackEntry(target: Target, { header, body }: ParsedTarEntry): Promise<0 | 1> {
  const { name, type = "file", pax = {} } = header;
  if (type !== "file" && type !== "directory") throw invalidArchive(`"${printable(name)}" is a ${type}`);
  if (Object.keys(pax).some((key) => key.startsWith("GNU.sparse."))) {
    throw invalidArchive(`"${printable(name)}" is a sparse file`);
  }
  // The guard counts by the plain header's size; a second one could make it look at other bytes than the decoder.
  if (Object.hasOwn(pax, "size"))
    throw invalidArchive(`"${printable(name)}" has its size in an extended header`);
  const segments = segmentsOf(target, name, type === "directory");
  if (type === "directory") {
    if (segments.length > 0) await target.folder.makeFolder(segments);
    await body.cancel();
    return 0;
  }
  await target.folder.writeFile(segments, { body, name });
  return 1;
}

/** Where an entry goes; nothing for the folder itself. */
function segmentsOf(target: Target, name: string, isFolder: boolean): readonly string[] {
  const read = readEntryPath(name);
  if (read.kind === "refused") throw invalidArchive(read.reason);
  const segments = target.strip ? read.segments.slice(1) : read.segments;
  if (target.strip && read.segments.length > 0) {
    const [top] = read.segments;
    target.top ??= top;
    const isInside = top === target.top && (segments.length > 0 || isFolder);
    if (!isInside)
      throw invalidArchive(`"${printable(name)}" is not in the one folder that strip=1 takes off`);
  }
  if (segments.length === 0 && !isFolder) throw invalidArchive(`"${printable(name)}" names no file`);
  return segments;
}

/** Faults of the disk stay faults; what the decoder or zlib says is about the archive. */
function archiveError(error: unknown): unknown {
  if (error instanceof SitefleetError) return error;
  const isOfSystem = error instanceof Error && "syscall" in error;
  return isOfSystem ? error : invalidArchive(messageOf(error));
}
