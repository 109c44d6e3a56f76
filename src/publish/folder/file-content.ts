import { isUtf8 } from "node:buffer";
import { createHash, hash } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { BigIntStats } from "node:fs";
import { open } from "node:fs/promises";

import type { TextFacts } from "./content-headers.ts";

/** What is known of a file's bytes without having them. */
export interface FileContent extends TextFacts {
  /** Hex SHA-256. */
  readonly hash: string;
  readonly size: number;
}

/** A file as it was read. */
export interface ReadFile {
  readonly content: FileContent;
  /** What it was both before and after; `undefined` when it changed meanwhile, or was not asked for. */
  readonly stat: BigIntStats | undefined;
}

/** Files up to this size are read in one piece. */
export const PIECE_BYTES = 256 * 1024;

/** One buffer for all files that are read in one piece: nothing of a body is kept. */
const scratch = Buffer.allocUnsafeSlow(PIECE_BYTES + 1);

/** Reads a small file with calls that wait; `undefined` when it has grown over `PIECE_BYTES`. */
export function readPiece(source: string, withStat: boolean): ReadFile | undefined {
  const descriptor = openSync(source, "r");
  try {
    const before = withStat ? fstatSync(descriptor, { bigint: true }) : undefined;
    let length = 0;
    for (let read = 1; read > 0 && length < scratch.length; length += read) {
      read = readSync(descriptor, scratch, length, scratch.length - length, null);
    }
    if (length > PIECE_BYTES) return undefined;
    const after = withStat ? fstatSync(descriptor, { bigint: true }) : undefined;
    return { content: contentOf(scratch.subarray(0, length)), stat: unchanged(before, after) };
  } finally {
    closeSync(descriptor);
  }
}

function contentOf(body: Uint8Array): FileContent {
  return { hash: hash("sha256", body), size: body.length, isUtf8: isUtf8(body), hasNul: body.includes(0) };
}

/** Reads a file of any size piece by piece in Node's thread pool. */
export async function readInPieces(source: string, signal: AbortSignal): Promise<ReadFile> {
  const handle = await open(source, "r");
  try {
    const buffer = Buffer.allocUnsafe(PIECE_BYTES);
    const before = await handle.stat({ bigint: true });
    const hasher = createHash("sha256");
    const text = new TextCheck();
    let size = 0;
    for (;;) {
      signal.throwIfAborted();
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, null);
      if (bytesRead === 0) break;
      const piece = buffer.subarray(0, bytesRead);
      hasher.update(piece);
      text.push(piece);
      size += bytesRead;
    }
    const after = await handle.stat({ bigint: true });
    const content = { hash: hasher.digest("hex"), size, ...text.end() };
    return { content, stat: unchanged(before, after) };
  } finally {
    await handle.close();
  }
}

function unchanged(before: BigIntStats | undefined, after: BigIntStats | undefined): BigIntStats | undefined {
  const isSame =
    before?.size === after?.size && before?.mtimeNs === after?.mtimeNs && before?.ctimeNs === after?.ctimeNs;
  return isSame ? after : undefined;
}

/** Whether bytes that come in pieces are UTF-8, and whether one of them is 0. */
export class TextCheck {
  #isUtf8 = true;
  #hasNul = false;
  /** The beginning of a character whose rest is in the next piece. */
  #rest: Uint8Array = new Uint8Array();

  push(piece: Uint8Array): void {
    this.#hasNul ||= piece.includes(0);
    if (!this.#isUtf8) return;
    const bytes = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    const whole = bytes.length - unfinishedBytes(bytes);
    this.#isUtf8 = isUtf8(bytes.subarray(0, whole));
    this.#rest = Uint8Array.from(bytes.subarray(whole));
  }

  end(): TextFacts {
    return { isUtf8: this.#isUtf8 && this.#rest.length === 0, hasNul: this.#hasNul };
  }
}

/** How many bytes at the end begin a character that needs more (RFC 3629, section 3). */
function unfinishedBytes(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte >= 0x80 && byte < 0xc0) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}
