import { lstatSync, readFileSync, readdirSync, realpathSync, statSync } from "node:fs";
import type { BigIntStats } from "node:fs";
import { sep } from "node:path";
import { setImmediate } from "node:timers/promises";

import { errnoOf, messageOf } from "../../lib/caught.ts";
import { SitefleetError } from "../../lib/errors.ts";
import { printable } from "../../site/names.ts";
import { pathProblem } from "../../site/page-key.ts";
import { IGNORE_FILES, IGNORE_NOTHING, ignoreProblem, ignoreRule } from "./ignore-rules.ts";
import type { IgnoreRule } from "./ignore-rules.ts";

/** Files of the root folder that tell publishers what to do; visitors never get them. */
export const CONTROL_FILES = ["_redirects", "_headers", "netlify.toml", "vercel.json"] as const;
const CONTROL_LIMIT = 5_000_000;
/** More is no website's folder but a link that leads round and round. */
const ENTRY_LIMIT = 2_000_000;
/** Entries between two looks at what else the process has to do. */
const SLICE = 512;

/**
 * A file of the folder, not yet read. A class for its getter: of a hundred thousand files the path in the folder is kept
 * and nothing that follows from it.
 */
export class FoundFile {
  /** Path in the folder, in NFC, with `/`. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Real path of the folder. */
  readonly root: string;
  /** Where it is read from, if its name is not the one in the path. */
  readonly #otherSource: string | undefined;

  constructor(file: {
    readonly path: string;
    readonly size: number;
    readonly root: string;
    readonly source: string;
  }) {
    this.path = file.path;
    this.size = file.size;
    this.root = file.root;
    this.#otherSource = file.source === file.root + sep + file.path ? undefined : file.source;
  }

  /** Where it is read from. */
  get source(): string {
    return this.#otherSource ?? this.root + sep + this.path;
  }
}

export interface FolderWalk {
  /** Texts of the control files that are there, by name. */
  readonly control: ReadonlyMap<string, string>;
  /** `path: what is wrong`, for each file that cannot be published. */
  readonly problems: string[];
}

/** Takes each file as it is found; its stat is not worth keeping, which has a kilobyte. */
export type FileVisit = (file: FoundFile, stat: BigIntStats) => void;

export const FOLDER_HINT = "name the folder your build writes to";

interface Walk extends FolderWalk {
  readonly root: string;
  readonly visit: FileVisit;
  readonly control: Map<string, string>;
  readonly signal: AbortSignal;
  ignored: IgnoreRule;
  entries: number;
}

interface Level {
  /** Path of the folder in the root, ending in `/` unless it is the root. */
  readonly path: string;
  readonly source: string;
  /** Real paths of this folder and those above it: a link to one of them would never end. */
  readonly above: readonly string[];
}

/**
 * Finds what a folder, given by its real path, holds, in order of names. Dotfiles are left out except below `.well-known`; links are followed
 * inside the folder only. The calls are those that wait: a tenth of the time of as many trips to Node's thread pool,
 * with a pause after every few hundred.
 */
export async function walkFolder(
  root: string,
  { visit, signal }: { readonly visit: FileVisit; readonly signal: AbortSignal },
): Promise<FolderWalk> {
  const walk: Walk = {
    root,
    visit,
    control: new Map(),
    problems: [],
    signal,
    ignored: IGNORE_NOTHING,
    entries: 0,
  };
  await readIgnoreFiles(walk);
  for (const name of CONTROL_FILES) {
    const text = readText(walk, name);
    if (text !== undefined) walk.control.set(name, text);
  }
  await walkLevel(walk, { path: "", source: root, above: [root] });
  return walk;
}

/**
 * Real path of a folder.
 * @throws SitefleetError `publish/invalid-folder` when it cannot be read or is none
 */
export function rootOf(dir: string): string {
  try {
    const root = realpathSync(dir);
    if (statSync(root).isDirectory()) return root;
  } catch (error) {
    const reason = errnoOf(error) === "ENOENT" ? "does not exist" : `cannot be read: ${reasonOf(error)}`;
    throw new SitefleetError("publish/invalid-folder", `"${dir}" ${reason}`, {
      cause: error,
      hint: FOLDER_HINT,
    });
  }
  throw new SitefleetError("publish/invalid-folder", `"${dir}" is not a folder`, { hint: FOLDER_HINT });
}

async function readIgnoreFiles(walk: Walk): Promise<void> {
  const texts: string[] = [];
  for (const name of IGNORE_FILES) {
    const text = readText(walk, name);
    const problem = text === undefined ? undefined : ignoreProblem(text);
    if (problem !== undefined) walk.problems.push(`${name}: ${problem}`);
    else if (text !== undefined) texts.push(text);
  }
  walk.ignored = await ignoreRule(texts);
}

/** Text of a file of the root folder; `undefined` when there is none or it is a problem. */
function readText(walk: Walk, name: string): string | undefined {
  const source = walk.root + sep + name;
  if (lstatSync(source, { throwIfNoEntry: false }) === undefined) return undefined;
  const entry = resolveEntry(walk.root, source);
  // A folder of that name is a folder like any other.
  if (entry.kind === "folder") return undefined;
  const problem =
    entry.kind === "problem" ? entry.reason : sizeProblem(Number(entry.stat.size), CONTROL_LIMIT);
  if (problem === undefined) {
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(source));
    } catch (error) {
      const isText = error instanceof TypeError && errnoOf(error) === "ERR_ENCODING_INVALID_ENCODED_DATA";
      walk.problems.push(`${name}: ${isText ? "is not UTF-8" : `cannot be read: ${reasonOf(error)}`}`);
      return undefined;
    }
  }
  walk.problems.push(`${name}: ${problem}`);
  return undefined;
}

async function walkLevel(walk: Walk, level: Level): Promise<void> {
  let names: string[];
  try {
    names = readdirSync(level.source);
  } catch (error) {
    walk.problems.push(`${printable(level.path)}: cannot be read: ${reasonOf(error)}`);
    return;
  }
  for (const name of names.sort()) {
    walk.entries += 1;
    if (walk.entries % SLICE === 0) await setImmediate();
    walk.signal.throwIfAborted();
    if (walk.entries > ENTRY_LIMIT) throw tooMany(walk.root);
    const isHidden = name.startsWith(".") && !(level.path === "" && name === ".well-known");
    const inner = isHidden ? undefined : visitEntry(walk, level, name);
    if (inner) await walkLevel(walk, inner);
  }
}

/** Looks at an entry; the folder that it is, if it is to be walked. */
function visitEntry(walk: Walk, level: Level, name: string): Level | undefined {
  const path = level.path + (ASCII.test(name) ? name : name.normalize("NFC"));
  const source = level.source + sep + name;
  const entry = resolveEntry(walk.root, source);
  if (entry.kind !== "folder" && level.path === "" && isControl(path)) return undefined;
  if (walk.ignored(path, entry.kind === "folder" ? "folder" : "file")) return undefined;
  const problem = nameProblem(name) ?? (entry.kind === "problem" ? entry.reason : undefined);
  if (problem !== undefined) walk.problems.push(`${printable(path)}: ${problem}`);
  else if (entry.kind === "folder") {
    const real = entry.isLink ? realpathSync(source) : `${level.above.at(-1) ?? ""}${sep}${name}`;
    if (level.above.includes(real)) {
      walk.problems.push(`${printable(path)}: is a link to a folder that holds it`);
    } else return { path: `${path}/`, source, above: [...level.above, real] };
  } else if (entry.kind === "file") {
    const size = Number(entry.stat.size);
    walk.visit(new FoundFile({ path, source, size, root: walk.root }), entry.stat);
  }
  return undefined;
}

const ASCII = /^[\u0000-\u007f]*$/;

function isControl(path: string): boolean {
  return CONTROL_FILES.some((name) => name === path);
}

function nameProblem(name: string): string | undefined {
  if (name.includes("\ufffd")) return "has a name that is not UTF-8";
  const problem = pathProblem(name);
  return problem === undefined ? undefined : `has a name that ${problem}`;
}

type Entry =
  | { readonly kind: "file"; readonly stat: BigIntStats }
  | { readonly kind: "folder"; readonly isLink: boolean }
  | { readonly kind: "problem"; readonly reason: string };

function resolveEntry(root: string, source: string): Entry {
  try {
    let info = lstatSync(source, { bigint: true });
    const isLink = info.isSymbolicLink();
    if (isLink) {
      const real = realpathSync(source);
      if (real !== root && !real.startsWith(root + sep)) {
        return { kind: "problem", reason: "is a link that leaves the folder" };
      }
      info = statSync(real, { bigint: true });
    }
    if (info.isDirectory()) return { kind: "folder", isLink };
    if (info.isFile()) return { kind: "file", stat: info };
    return { kind: "problem", reason: "is neither a file nor a folder" };
  } catch (error) {
    return { kind: "problem", reason: `cannot be read: ${reasonOf(error)}` };
  }
}

/** What is wrong with a file's size, for a person. */
export function sizeProblem(size: number, limit: number): string | undefined {
  return size > limit ? `has ${size} bytes, the limit is ${limit}` : undefined;
}

function tooMany(root: string): SitefleetError {
  return new SitefleetError("publish/invalid-folder", `"${root}" has more than ${ENTRY_LIMIT} entries`, {
    hint: FOLDER_HINT,
  });
}

/** The system's own word for what went wrong (`EACCES`), without paths. */
export function reasonOf(error: unknown): string {
  return errnoOf(error) ?? messageOf(error);
}
