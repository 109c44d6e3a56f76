import { setImmediate } from "node:timers/promises";

import type { Clock } from "../../lib/clock.ts";
import { SitefleetError } from "../../lib/errors.ts";
import { forEachLimit } from "../../lib/for-each-limit.ts";
import { printable } from "../../site/names.ts";
import { canonicalPath, encodePath, pageKey } from "../../site/page-key.ts";
import { contentTypeBy } from "./content-headers.ts";
import { PIECE_BYTES, readInPieces, readPiece } from "./file-content.ts";
import type { FileContent, ReadFile } from "./file-content.ts";
import { FOLDER_HINT, FoundFile, reasonOf, rootOf, sizeProblem, walkFolder } from "./folder-walk.ts";
import type { FileVisit } from "./folder-walk.ts";
import { StatCache } from "./stat-cache.ts";

/** A file as it will be published. */
export class ScannedFile extends FoundFile {
  /** Page key, decoded. */
  readonly key: string;
  /** Hex SHA-256 of the content. */
  readonly hash: string;
  readonly contentType: string;

  constructor(file: FoundFile, content: FileContent) {
    const { path, root, source } = file;
    super({ path, root, source, size: content.size });
    const key = pageKey(`/${path}`);
    // Nearly all keys are paths: one text for both.
    this.key = key === path ? path : key;
    this.hash = content.hash;
    this.contentType = contentTypeBy(path, content);
  }
}

export interface Scan {
  /** In order of their keys. */
  readonly files: readonly ScannedFile[];
  /** Texts of the folder's control files that are there: `_redirects`, `_headers`, `netlify.toml`, `vercel.json`. */
  readonly control: ReadonlyMap<string, string>;
  /** Text of the folder's `_redirects`, if it has one. */
  readonly redirects: string | undefined;
  readonly warnings: readonly string[];
}

export interface ScanOptions {
  /** Folder for what is remembered of files that did not change; absent = every file is read. */
  readonly cacheDir?: string;
  /** Tells when a file was read, and how long reading takes. Needed for a cache. */
  readonly clock?: Clock;
  /** Extensions (without dot, lower case) that the edge caches in segments: their files may be far larger. */
  readonly segmented?: readonly string[];
}

/** Fastly's limit for an object without segmented caching (/products/network-services-resource-limits). */
export const FILE_LIMIT = 20_000_000;
/** S3's limit for one PutObject (S3 user guide, "Uploading objects"). */
export const SEGMENTED_LIMIT = 5 * 1024 ** 3;
/** What may be in memory at a time while files are sent. */
export const READ_BUDGET = 64 * 1024 * 1024;
/** Large files that are read at a time; each has one piece in memory. */
const PARALLEL_READS = 8;
/** Problems listed in full; a folder full of them needs no longer list. */
const PROBLEM_LIMIT = 100;

/**
 * Reads a folder. Dotfiles are left out except below `.well-known`, and what `.sitefleetignore` or `.assetsignore` name;
 * links are followed inside the folder only.
 * @throws SitefleetError `publish/invalid-folder` with everything that is wrong, file by file
 */
export async function scanFolder(dir: string, signal: AbortSignal, options: ScanOptions = {}): Promise<Scan> {
  const root = rootOf(dir);
  const { clock } = options;
  const cache = await openCache(root, options);
  const sizeReason = sizeReasons(options.segmented ?? []);
  const files: ScannedFile[] = [];
  const pending: FoundFile[] = [];
  const unread: string[] = [];
  const visit: FileVisit = (file, stat) => {
    const known = cache?.find(file.path, stat);
    const problem = sizeReason(file.path, file.size);
    if (problem !== undefined) unread.push(`${printable(file.path)}: ${problem}`);
    else if (known !== undefined) files.push(new ScannedFile(file, known));
    else pending.push(file);
  };
  const { control, problems } = await walkFolder(root, { visit, signal });
  await readAll(pending, { clock, signal, withStat: cache !== undefined }, (file, read, readAtMs) => {
    const problem = typeof read === "string" ? read : sizeReason(file.path, read.content.size);
    if (problem !== undefined) unread.push(`${printable(file.path)}: ${problem}`);
    if (typeof read === "string" || problem !== undefined) return;
    files.push(new ScannedFile(file, read.content));
    if (read.stat) cache?.keep(file.path, read.content, { stat: read.stat, readAtMs });
  });
  problems.push(...unread);
  files.sort(byKey);
  problems.push(...keyClashes(files));
  if (problems.length > 0) throw invalidFolder(dir, problems);
  if (files.length === 0 && control.size === 0) {
    throw new SitefleetError("publish/invalid-folder", `"${dir}" has nothing to publish`, {
      hint: `${FOLDER_HINT} (dotfiles are left out)`,
    });
  }
  const warnings = cache === undefined ? [] : await saveCache(cache);
  return { files, control, redirects: control.get("_redirects"), warnings };
}

async function openCache(root: string, { cacheDir, clock }: ScanOptions): Promise<StatCache | undefined> {
  if (cacheDir === undefined || clock === undefined) return undefined;
  return StatCache.open({ dir: cacheDir, folder: root });
}

/** Without a cache the next publish reads every file; that is no reason to fail this one. */
async function saveCache(stats: StatCache): Promise<string[]> {
  try {
    await stats.save();
    return [];
  } catch (error) {
    return [`what was read of the folder could not be remembered: ${reasonOf(error)}`];
  }
}

/** What is wrong with a file's size: the limit depends on its extension. */
function sizeReasons(segmented: readonly string[]): (path: string, size: number) => string | undefined {
  const extensions = new Set(segmented);
  return (path, size) => {
    if (size <= FILE_LIMIT) return undefined;
    const extension = /\.([^./]+)$/.exec(path)?.[1]?.toLowerCase();
    if (extension !== undefined && extensions.has(extension)) return sizeProblem(size, SEGMENTED_LIMIT);
    const reason = sizeProblem(size, FILE_LIMIT);
    const isPossible = reason !== undefined && extension !== undefined && size <= SEGMENTED_LIMIT;
    return isPossible ? `${reason} unless "${extension}" is in segmented.extensions of the settings` : reason;
  };
}

/** Small files read between two looks at what else the process has to do. */
const SLICE = 64;
/** Milliseconds that a slice may take before the storage counts as slow; out of the system's cache it takes two. */
const SLOW_MS = 64;

/**
 * Reads files and hands out each once it is read. Small ones are read with calls that wait, which is by far the
 * fastest where the system has them in memory; large ones, and all while the storage is slow, several at a time.
 */
async function readAll(
  files: readonly FoundFile[],
  options: { readonly clock: Clock | undefined; readonly signal: AbortSignal; readonly withStat: boolean },
  done: (file: FoundFile, read: ReadFile | string, readAtMs: number) => void,
): Promise<void> {
  const { clock, signal, withStat } = options;
  const now = (): number => clock?.now() ?? 0;
  const small = files.filter(({ size }) => size <= PIECE_BYTES);
  const slow = files.filter(({ size }) => size > PIECE_BYTES);
  const readSlowly = (some: readonly FoundFile[]): Promise<void> =>
    forEachLimit(some, { limit: PARALLEL_READS, signal }, async (file) => {
      const readAtMs = now();
      done(file, await attempt(() => readInPieces(file.source, signal), signal), readAtMs);
    });
  let isSlow = false;
  for (let from = 0; from < small.length; from += SLICE) {
    signal.throwIfAborted();
    const slice = small.slice(from, from + SLICE);
    // Each eighth slice finds out whether the storage is quick again.
    if (isSlow && (from / SLICE) % 8 !== 0) {
      await readSlowly(slice);
      continue;
    }
    const startedMs = now();
    for (const file of slice) {
      const read = await attempt(() => readPiece(file.source, withStat), signal);
      if (read === undefined) slow.push(file);
      else done(file, read, startedMs);
    }
    isSlow = now() - startedMs > SLOW_MS;
    await setImmediate();
  }
  await readSlowly(slow);
}

async function attempt<T>(read: () => T | Promise<T>, signal: AbortSignal): Promise<T | string> {
  try {
    return await read();
  } catch (error) {
    signal.throwIfAborted();
    return `cannot be read: ${reasonOf(error)}`;
  }
}

function byKey(a: { readonly key: string; readonly path: string }, b: typeof a): number {
  if (a.key !== b.key) return a.key < b.key ? -1 : 1;
  return a.path < b.path ? -1 : 1;
}

function keyClashes(files: readonly ScannedFile[]): string[] {
  return files.flatMap((file, index) => {
    const before = files[index - 1];
    if (before?.key !== file.key) return [];
    const names =
      before.path === file.path
        ? `${printable(file.path)}: exists in two Unicode normal forms, which`
        : `${printable(before.path)} and ${printable(file.path)}: both`;
    return [
      `${names} are the page "${printable(encodePath(canonicalPath(file.path)))}" (key "${printable(file.key)}")`,
    ];
  });
}

function invalidFolder(dir: string, problems: readonly string[]): SitefleetError {
  const shown = [...problems].sort().slice(0, PROBLEM_LIMIT);
  const more = problems.length - shown.length;
  return new SitefleetError(
    "publish/invalid-folder",
    `"${dir}" cannot be published: ${problems.length === 1 ? shown[0] : `${problems.length} problems`}`,
    {
      details: more > 0 ? [...shown, `and ${more} more`] : shown,
      hint: "nothing was published; correct the folder and run the command again",
    },
  );
}
