import { createHash, randomUUID } from "node:crypto";
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

import { errnoOf } from "../lib/caught.ts";
import { parseJson } from "../lib/json.ts";

/** Compiled code as V8 hands it out, by the name of its chunk. */
export type CompiledChunks = ReadonlyMap<string, Buffer>;

/** What code was compiled from and by: compiled code of anything else is not for this process. */
export type Stamp = string;

/** The variables of the process that say where a user's caches are. */
type Variables = Readonly<Record<string, string | undefined>>;

/**
 * The folder for what this user's programs may forget (XDG Base Directory Specification; Apple, File System Programming
 * Guide); `undefined` where there is none, or where Node's own variable says that no compiled code is to be kept.
 */
export function codeCacheFolder(variables: Variables, platform: NodeJS.Platform): string | undefined {
  if (variables["NODE_DISABLE_COMPILE_CACHE"]) return undefined;
  const home = variables["HOME"];
  const inHome = home ? join(home, platform === "darwin" ? "Library/Caches" : ".cache") : undefined;
  const base = platform === "win32" ? variables["LOCALAPPDATA"] : variables["XDG_CACHE_HOME"] || inHome;
  return base ? join(base, "sitefleet", "code") : undefined;
}

/**
 * Reads compiled code. It is run as it is, so it is taken only from a file that this user alone can write; one that is
 * missing, damaged or of another stamp is empty.
 */
export function readCodeCache(path: string, stamp: Stamp): CompiledChunks {
  return attempt(() => decode(readOwn(path), stamp)) ?? new Map();
}

/** Keeps compiled code for the next process; where that is impossible it compiles again, which is only slower. */
export function writeCodeCache(path: string, stamp: Stamp, chunks: CompiledChunks): void {
  attempt(() => {
    const folder = dirname(path);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // With another user's HOME (`sudo -E`) nothing is left behind that this user's own processes could not replace.
    if (!isOwn(statSync(folder))) return;
    const temporary = `${path}.${randomUUID()}`;
    writeFileSync(temporary, encode(stamp, chunks), { mode: 0o600, flag: "wx" });
    renameSync(temporary, path);
  });
}

function readOwn(path: string): Buffer {
  const descriptor = openSync(path, "r");
  try {
    return isOwn(fstatSync(descriptor)) ? readFileSync(descriptor) : Buffer.alloc(0);
  } finally {
    closeSync(descriptor);
  }
}

function isOwn({ uid, mode }: { readonly uid: number; readonly mode: number }): boolean {
  // Windows keeps a user's folder from others by other means, and has no such bits.
  if (process.geteuid === undefined) return true;
  return uid === process.geteuid() && (mode & 0o022) === 0;
}

/** What the file system refuses is no reason not to run. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  }
}

// A file: SHA-256 of all that follows, length of the head (32 bit, little-endian), head (JSON: stamp, names and lengths),
// the chunks one after the other.
const CHECKSUM_BYTES = 32;
const HEAD_AT = CHECKSUM_BYTES + 4;

function encode(stamp: Stamp, chunks: CompiledChunks): Buffer {
  const sizes = [...chunks].map(([name, data]) => [name, data.length] as const);
  const head = Buffer.from(JSON.stringify({ stamp, sizes }));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(head.length);
  const data = Buffer.concat([length, head, ...chunks.values()]);
  return Buffer.concat([createHash("sha256").update(data).digest(), data]);
}

function decode(file: Buffer, stamp: Stamp): CompiledChunks | undefined {
  if (file.length < HEAD_AT) return undefined;
  const checksum = createHash("sha256").update(file.subarray(CHECKSUM_BYTES)).digest();
  if (checksum.compare(file, 0, CHECKSUM_BYTES) !== 0) return undefined;
  const headEnd = HEAD_AT + file.readUInt32LE(CHECKSUM_BYTES);
  const head = parseJson(file.toString("utf8", HEAD_AT, headEnd));
  if (!isHead(head) || head.stamp !== stamp) return undefined;
  let at = headEnd;
  return new Map(head.sizes.map(([name, size]) => [name, file.subarray(at, (at += size))]));
}

/** Only `encode` makes a file whose checksum is right. */
function isHead(
  value: unknown,
): value is { readonly stamp: Stamp; readonly sizes: readonly (readonly [string, number])[] } {
  return typeof value === "object" && value !== null && "stamp" in value && "sizes" in value;
}
