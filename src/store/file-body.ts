import { createHash, hash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import type { Writable } from "node:stream";

import { SitefleetError } from "../lib/errors.ts";
import type { FileBody, PutInput } from "./object-store.ts";

/** Whether a body is a file on this machine. */
export function isFileBody(body: PutInput["body"]): body is FileBody {
  return typeof body !== "string" && !(body instanceof Uint8Array);
}

/** Larger files are read and sent piece by piece; of smaller ones one for each connection is in memory. */
export const CHUNK_BYTES = 256 * 1024;

/**
 * Reads a file body whole.
 * @throws SitefleetError `publish/file-changed` when the file is gone or is not what was scanned
 */
export async function readFileBody(file: FileBody): Promise<Uint8Array> {
  if (file.size <= CHUNK_BYTES)
    return checked(file, () => readSmall(file, Buffer.allocUnsafe(file.size + 1)));
  let read: Uint8Array;
  try {
    read = await readLarge(file);
  } catch (error) {
    throw fileChanged(file.path, error);
  }
  return checked(file, () => read);
}

/** Capacities of the buffers that small bodies are read into; one byte more than a file tells whether it has grown. */
const CAPACITIES = [16 * 1024 + 1, 64 * 1024 + 1, CHUNK_BYTES + 1] as const;
const KEPT_OF_EACH = 64;

/** Buffers used again and again: ten thousand new ones would be freed too late to keep the memory flat. */
export class BodyBuffers {
  readonly #free = new Map<number, Buffer[]>();

  /**
   * Reads a small file like `readFileBody`. `giveBack` is called once nobody looks at the bytes any more, or never.
   * @throws SitefleetError `publish/file-changed`
   */
  read(file: FileBody): { readonly bytes: Uint8Array; readonly giveBack: () => void } {
    const capacity = CAPACITIES.find((some) => some > file.size) ?? file.size + 1;
    const free = this.#free.get(capacity) ?? [];
    this.#free.set(capacity, free);
    const buffer = free.pop() ?? Buffer.allocUnsafeSlow(capacity);
    const giveBack = (): void => {
      if (free.length < KEPT_OF_EACH) free.push(buffer);
    };
    return { bytes: checked(file, () => readSmall(file, buffer)), giveBack };
  }
}

function checked(file: FileBody, read: () => Uint8Array): Uint8Array {
  let body: Uint8Array;
  try {
    body = read();
  } catch (error) {
    throw fileChanged(file.path, error);
  }
  if (body.length !== file.size || hash("sha256", body) !== file.sha256)
    throw fileChanged(file.path, undefined);
  return body;
}

/**
 * Small files were read a moment ago and come out of the system's cache: three calls take a tenth of the time that as
 * many trips to Node's thread pool take.
 */
function readSmall({ path, size }: FileBody, bytes: Buffer): Uint8Array {
  const descriptor = openSync(path, "r");
  try {
    // No more is read than one byte over the size, however much the file has grown.
    let length = 0;
    for (let read = 1; read > 0 && length <= size; length += read) {
      read = readSync(descriptor, bytes, length, size + 1 - length, null);
    }
    return bytes.subarray(0, length);
  } finally {
    closeSync(descriptor);
  }
}

async function readLarge({ path, size }: FileBody): Promise<Uint8Array> {
  const handle = await open(path, "r");
  try {
    const bytes = Buffer.allocUnsafe(size + 1);
    let length = 0;
    for (let read = 1; read > 0 && length <= size; length += read) {
      read = (await handle.read(bytes, length, size + 1 - length, null)).bytesRead;
    }
    return bytes.subarray(0, length);
  } finally {
    await handle.close();
  }
}

/** The error of a file that is not what was scanned. */
export function fileChanged(path: string, cause: unknown): SitefleetError {
  return new SitefleetError("publish/file-changed", `"${path}" changed while it was being published`, {
    cause,
    hint: "nothing was published; wait until the build has ended and run the command again",
  });
}

/**
 * Writes a file to a stream without ending it. The last chunk is kept back until the hash of the whole is known: bytes
 * that are not those that were scanned never make a whole request.
 * @throws SitefleetError `publish/file-changed`
 */
export async function writeFileBody(file: FileBody, target: Writable): Promise<void> {
  let handle: FileHandle;
  try {
    handle = await open(file.path, "r");
  } catch (error) {
    throw fileChanged(file.path, error);
  }
  try {
    const hasher = createHash("sha256");
    for (let sent = 0; sent < file.size;) {
      const chunk = await readChunk(handle, file, sent);
      hasher.update(chunk);
      sent += chunk.length;
      const isLast = sent === file.size;
      if (isLast && (hasher.digest("hex") !== file.sha256 || (await handle.stat()).size !== file.size)) {
        throw fileChanged(file.path, undefined);
      }
      await write(target, chunk);
    }
  } finally {
    await handle.close();
  }
}

async function readChunk(handle: FileHandle, file: FileBody, from: number): Promise<Uint8Array> {
  const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, file.size - from));
  let bytesRead = 0;
  try {
    ({ bytesRead } = await handle.read(chunk, 0, chunk.length, from));
  } catch (error) {
    throw fileChanged(file.path, error);
  }
  if (bytesRead === 0) throw fileChanged(file.path, undefined);
  return chunk.subarray(0, bytesRead);
}

/** Waits until the chunk is on its way. A request that ends without a connection calls nothing back. */
function write(target: Writable, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const onClose = (): void => reject(new Error("the request ended before its body"));
    target.once("close", onClose);
    target.write(chunk, (error) => {
      target.off("close", onClose);
      if (error) reject(error);
      else resolve();
    });
  });
}
