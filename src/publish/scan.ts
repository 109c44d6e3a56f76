import { lstat, readFile, readdir, realpath, stat } from "node:fs/promises";
import { join, sep } from "node:path";

import { errnoOf, messageOf } from "../lib/caught.ts";
import { SitefleetError } from "../lib/errors.ts";
import { forEachLimit } from "../lib/for-each-limit.ts";
import { printable } from "../site/names.ts";
import { canonicalPath, encodePath, pageKey, pathProblem } from "../site/page-key.ts";
import { cacheControlOf, contentTypeOf } from "./content-headers.ts";
import type { ReleaseFile } from "./manifest.ts";
import { sha256Hex } from "./publish-deps.ts";

/** A file as it will be published. */
export interface ScannedFile extends Omit<ReleaseFile, "hidden"> {
  /** Path in the folder, in NFC, with `/`. */
  readonly path: string;
  /** Where it is read from. */
  readonly source: string;
}

export interface Scan {
  /** In order of their keys. */
  readonly files: readonly ScannedFile[];
  /** Text of the folder's `_redirects`, if it has one. */
  readonly redirects: string | undefined;
  readonly warnings: readonly string[];
}

/** Fastly's limit for an object without segmented caching (/products/network-services-resource-limits). */
export const FILE_LIMIT = 20_000_000;
/** What may be in memory at a time while files are read. */
export const READ_BUDGET = 64 * 1024 * 1024;
const PARALLEL_READS = 16;
const REDIRECTS_FILE = "_redirects";
const REDIRECTS_LIMIT = 5_000_000;
/** Files of the root folder that tell other publishers what to do; visitors never get them. */
const CONTROL_FILES: Readonly<Record<string, string>> = {
  [REDIRECTS_FILE]: "",
  _headers: "its headers are not applied: `_headers` is not supported yet",
  "netlify.toml": "what it says is not applied: `netlify.toml` is not supported yet",
  "vercel.json": "what it says is not applied: `vercel.json` is not supported yet",
};
/** Problems listed in full; a folder full of them needs no longer list. */
const PROBLEM_LIMIT = 100;

interface FoundFile {
  readonly path: string;
  readonly source: string;
  readonly size: number;
}

interface Walk {
  readonly root: string;
  readonly files: FoundFile[];
  readonly problems: string[];
  readonly warnings: string[];
  redirects: string | undefined;
}

/**
 * Reads a folder. Dotfiles are left out except below `.well-known`; links are followed inside the folder only.
 * @throws SitefleetError `publish/invalid-folder` with everything that is wrong, file by file
 */
export async function scanFolder(dir: string, signal: AbortSignal): Promise<Scan> {
  const root = await rootOf(dir);
  const walk: Walk = { root, files: [], problems: [], warnings: [], redirects: undefined };
  await walkFolder(walk, { path: "", source: root, above: [root] });
  const files: ScannedFile[] = [];
  const options = {
    limit: PARALLEL_READS,
    budget: READ_BUDGET,
    weightOf: (file: FoundFile) => file.size,
    signal,
  };
  await forEachLimit(walk.files, options, async (file) => {
    const scanned = await scanFile(file);
    if (typeof scanned === "string") walk.problems.push(`${printable(file.path)}: ${scanned}`);
    else files.push(scanned);
  });
  files.sort(byKey);
  walk.problems.push(...keyClashes(files));
  if (walk.problems.length > 0) throw invalidFolder(dir, walk.problems);
  if (files.length === 0 && walk.redirects === undefined) {
    throw new SitefleetError("publish/invalid-folder", `"${dir}" has nothing to publish`, {
      hint: `${FOLDER_HINT} (dotfiles are left out)`,
    });
  }
  return { files, redirects: walk.redirects, warnings: walk.warnings };
}

function byKey(a: { readonly key: string; readonly path: string }, b: typeof a): number {
  if (a.key !== b.key) return a.key < b.key ? -1 : 1;
  return a.path < b.path ? -1 : 1;
}

const FOLDER_HINT = "name the folder your build writes to";

async function rootOf(dir: string): Promise<string> {
  try {
    const root = await realpath(dir);
    if ((await stat(root)).isDirectory()) return root;
  } catch (error) {
    throw new SitefleetError("publish/invalid-folder", `"${dir}" cannot be read: ${reasonOf(error)}`, {
      cause: error,
      hint: FOLDER_HINT,
    });
  }
  throw new SitefleetError("publish/invalid-folder", `"${dir}" is not a folder`, { hint: FOLDER_HINT });
}

interface Level {
  /** Path of the folder in the root, ending in `/` unless it is the root. */
  readonly path: string;
  readonly source: string;
  /** Real paths of this folder and those above it: a link to one of them would never end. */
  readonly above: readonly string[];
}

async function walkFolder(walk: Walk, level: Level): Promise<void> {
  let names: string[];
  try {
    names = await readdir(level.source);
  } catch (error) {
    walk.problems.push(`${printable(level.path)}: cannot be read: ${reasonOf(error)}`);
    return;
  }
  for (const name of names.sort()) {
    const isHidden = name.startsWith(".") && !(level.path === "" && name === ".well-known");
    if (!isHidden) await walkEntry(walk, level, name);
  }
}

async function walkEntry(walk: Walk, level: Level, name: string): Promise<void> {
  const path = level.path + name.normalize("NFC");
  const source = join(level.source, name);
  const problem = nameProblem(name);
  if (problem !== undefined) {
    walk.problems.push(`${printable(path)}: ${problem}`);
    return;
  }
  const entry = await resolveEntry(walk.root, source);
  if (entry.kind === "problem") walk.problems.push(`${printable(path)}: ${entry.reason}`);
  else if (entry.kind === "folder" && level.above.includes(entry.real)) {
    walk.problems.push(`${printable(path)}: is a link to a folder that holds it`);
  } else if (entry.kind === "folder") {
    await walkFolder(walk, { path: `${path}/`, source, above: [...level.above, entry.real] });
  } else if (Object.hasOwn(CONTROL_FILES, path)) await takeControlFile(walk, path, source);
  else if (entry.size > FILE_LIMIT) {
    walk.problems.push(`${printable(path)}: has ${entry.size} bytes, the limit is ${FILE_LIMIT}`);
  } else walk.files.push({ path, source, size: entry.size });
}

function nameProblem(name: string): string | undefined {
  if (name.includes("\ufffd")) return "has a name that is not UTF-8";
  const problem = pathProblem(name);
  return problem === undefined ? undefined : `has a name that ${problem}`;
}

type Entry =
  | { readonly kind: "file"; readonly size: number }
  | { readonly kind: "folder"; readonly real: string }
  | { readonly kind: "problem"; readonly reason: string };

async function resolveEntry(root: string, source: string): Promise<Entry> {
  try {
    let real = source;
    let info = await lstat(source);
    if (info.isSymbolicLink()) {
      real = await realpath(source);
      if (real !== root && !real.startsWith(root + sep)) {
        return { kind: "problem", reason: "is a link that leaves the folder" };
      }
      info = await stat(real);
    }
    if (info.isDirectory()) return { kind: "folder", real: await realpath(real) };
    if (info.isFile()) return { kind: "file", size: info.size };
    return { kind: "problem", reason: "is neither a file nor a folder" };
  } catch (error) {
    return { kind: "problem", reason: `cannot be read: ${reasonOf(error)}` };
  }
}

async function takeControlFile(walk: Walk, path: string, source: string): Promise<void> {
  const warning = CONTROL_FILES[path] ?? "";
  if (warning !== "") walk.warnings.push(`${path}: ${warning}`);
  if (path !== REDIRECTS_FILE) return;
  try {
    const body = await readFile(source);
    if (body.length > REDIRECTS_LIMIT) {
      walk.problems.push(`${path}: has ${body.length} bytes, the limit is ${REDIRECTS_LIMIT}`);
    } else walk.redirects = new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch (error) {
    walk.problems.push(
      `${path}: ${error instanceof TypeError ? "is not UTF-8" : `cannot be read: ${reasonOf(error)}`}`,
    );
  }
}

async function scanFile(file: FoundFile): Promise<ScannedFile | string> {
  try {
    const body = await readFile(file.source);
    if (body.length > FILE_LIMIT) return `has ${body.length} bytes, the limit is ${FILE_LIMIT}`;
    return {
      ...file,
      size: body.length,
      key: pageKey(`/${file.path}`),
      canonical: encodePath(canonicalPath(file.path)),
      hash: sha256Hex(body),
      contentType: contentTypeOf(file.path, body),
      cacheControl: cacheControlOf(file.path),
    };
  } catch (error) {
    return `cannot be read: ${reasonOf(error)}`;
  }
}

function keyClashes(files: readonly ScannedFile[]): string[] {
  return files.flatMap((file, index) => {
    const before = files[index - 1];
    if (before?.key !== file.key) return [];
    const names =
      before.path === file.path
        ? `${printable(file.path)}: exists in two Unicode normal forms, which`
        : `${printable(before.path)} and ${printable(file.path)}: both`;
    return [`${names} are the page "${printable(file.canonical)}" (key "${printable(file.key)}")`];
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

/** The system's own word for what went wrong (`EACCES`), without paths. */
function reasonOf(error: unknown): string {
  return errnoOf(error) ?? messageOf(error);
}
