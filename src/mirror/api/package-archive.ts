import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { createTarDecoder } from "modern-tar";
import type { ParsedTarEntry } from "modern-tar";
import { parse as parseToml } from "smol-toml";
import { z } from "zod";
import { messageOf } from "../../lib/caught.ts";
import { filesHashOf, isWasm, MAX_UNPACKED_BYTES } from "../../lib/package-files.ts";

/** Bytes that are unpacked at a time. */
const CHUNK_BYTES = 512 * 1024;
const MAX_MANIFEST_BYTES = 1_000_000;
const MAX_PATH_CHARS = 1_024;

/** What an archive may take of this machine. */
export interface PackageLimits {
  /** Once it is unpacked, headers included. */
  readonly unpackedBytes: number;
  readonly entries: number;
}

/** A program, and the sources that may be packed with it. */
const LIMITS: PackageLimits = { unpackedBytes: MAX_UNPACKED_BYTES, entries: 10_000 };

/** What an archive says of its program. */
export interface PackageFacts {
  readonly name: string;
  readonly description: string;
  readonly authors: readonly string[];
  readonly language: string;
  readonly clonedFrom: string;
  /** Bytes of the archive. */
  readonly size: number;
  /** SHA-512 of the archive, hexadecimal. */
  readonly hashsum: string;
  /** SHA-512 of the contents of all files in the order of their names, hexadecimal (CLI: `compute hash-files`). */
  readonly filesHash: string;
  /** Whether it is the product's own package without a program. */
  readonly mirrorOnly: boolean;
}

/** Why an archive is no package. */
export class PackageProblem extends Error {
  override readonly name = "PackageProblem";
}

const manifestSchema = z.object({
  name: z.string().min(1).max(255),
  manifest_version: z.union([z.number(), z.string()]).optional(),
  description: z.string().default(""),
  authors: z.array(z.string()).default([]),
  language: z.string().default(""),
  cloned_from: z.string().default(""),
  sitefleet: z.object({ mirror_only: z.boolean().default(false) }).optional(),
});

/**
 * Reads a package: a gzipped tar of one folder with `fastly.toml` and `bin/main.wasm`. Nothing is written anywhere and no
 * path in it is ever opened. Throws `PackageProblem` for whatever is no such thing.
 */
export async function readPackage(archive: Uint8Array, limits = LIMITS): Promise<PackageFacts> {
  const files = await unpacked(archive, limits);
  const top = topFolder(files);
  const manifestFile = files.get(`${top}/fastly.toml`);
  if (manifestFile === undefined) throw new PackageProblem("there is no fastly.toml in its folder");
  const manifest = readManifest(manifestFile);
  const program = files.get(`${top}/bin/main.wasm`);
  const mirrorOnly = program === undefined && isForMirrorsOnly(manifest);
  if (program === undefined && !mirrorOnly)
    throw new PackageProblem("there is no bin/main.wasm in its folder");
  if (program !== undefined && !isWasm(program)) throw new PackageProblem("bin/main.wasm is not WebAssembly");
  return {
    name: manifest.name,
    description: manifest.description,
    authors: manifest.authors,
    language: manifest.language,
    clonedFrom: manifest.cloned_from,
    size: archive.length,
    hashsum: createHash("sha512").update(archive).digest("hex"),
    filesHash: filesHashOf(files),
    mirrorOnly,
  };
}

type Manifest = z.infer<typeof manifestSchema>;

/** The product's own package for checkouts without a toolchain; Fastly takes none without a program. */
function isForMirrorsOnly({ name, sitefleet }: Manifest): boolean {
  return name === "sitefleet" && sitefleet?.mirror_only === true;
}

function readManifest(file: Buffer): Manifest {
  if (file.length > MAX_MANIFEST_BYTES) throw new PackageProblem("fastly.toml is too large");
  let value: unknown;
  try {
    value = parseToml(file.toString("utf8"));
  } catch (error) {
    throw new PackageProblem(`fastly.toml is not valid TOML: ${messageOf(error).split("\n", 1)[0] ?? ""}`);
  }
  const manifest = manifestSchema.safeParse(value);
  if (manifest.success) return manifest.data;
  const issue = manifest.error.issues[0];
  throw new PackageProblem(`fastly.toml: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`);
}

/** The one folder that everything is in. */
function topFolder(files: ReadonlyMap<string, Buffer>): string {
  const tops = new Set([...files.keys()].map((name) => name.split("/", 1)[0] ?? ""));
  const [top] = tops;
  const isOne = tops.size === 1 && top !== undefined && ![...files.keys()].includes(top);
  if (!isOne) throw new PackageProblem("its files are not all in one folder");
  return top;
}

/** The files of an archive by their names. */
async function unpacked(archive: Uint8Array, limits: PackageLimits): Promise<ReadonlyMap<string, Buffer>> {
  const decoder = createTarDecoder({ strict: true });
  const files = new Map<string, Buffer>();
  const reading = readFiles(decoder.readable, files, limits.entries);
  const ends = await Promise.allSettled([reading, feed(archive, decoder.writable, limits.unpackedBytes)]);
  const failures: unknown[] = ends.flatMap((end) => (end.status === "rejected" ? [end.reason] : []));
  if (failures.length === 0) return files;
  // When one side fails, what the other one says is only that it was cut short.
  const own = failures.find((failure) => failure instanceof PackageProblem);
  throw own ?? archiveProblem(failures[0]);
}

/** What the decoder (a plain `Error`) and zlib (one with a code) say is about the archive; anything else is a fault. */
function archiveProblem(error: unknown): unknown {
  const isOfDecoder = error instanceof Error && error.constructor === Error;
  return isOfDecoder ? new PackageProblem(messageOf(error)) : error;
}

async function feed(
  archive: Uint8Array,
  decoder: WritableStream<Uint8Array>,
  maxBytes: number,
): Promise<void> {
  const plain = Readable.from([archive]).pipe(createGunzip({ chunkSize: CHUNK_BYTES }));
  const writer = decoder.getWriter();
  let size = 0;
  try {
    for await (const chunk of plain) {
      const bytes = Buffer.from(chunk);
      size += bytes.length;
      if (size > maxBytes) throw new PackageProblem(`it has more than ${maxBytes} bytes when it is unpacked`);
      await writer.write(bytes);
    }
    await writer.close();
  } catch (error) {
    await writer.abort(error);
    throw error;
  } finally {
    plain.destroy();
  }
}

async function readFiles(
  entries: ReadableStream<ParsedTarEntry>,
  files: Map<string, Buffer>,
  maxEntries: number,
): Promise<void> {
  const reader = entries.getReader();
  let count = 0;
  let finished = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      count += 1;
      if (count > maxEntries) throw new PackageProblem(`it has more than ${maxEntries} entries`);
      await readEntry(value, files);
    }
    finished = true;
  } finally {
    if (!finished) await reader.cancel(new Error("the archive is not read to its end"));
  }
}

async function readEntry({ header, body }: ParsedTarEntry, files: Map<string, Buffer>): Promise<void> {
  const { name, type = "file" } = header;
  const path = type === "directory" ? name.replace(/\/+$/, "") : name;
  const problem = pathProblem(path);
  if (problem !== null) throw new PackageProblem(problem);
  if (type === "directory") return body.cancel();
  if (type !== "file") throw new PackageProblem(`${shown(name)} is a ${type}`);
  if (files.has(name)) throw new PackageProblem(`${shown(name)} is there twice`);
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  files.set(name, Buffer.concat(chunks));
}

/** What is wrong with the path of an entry: it could mean another file than it says. */
function pathProblem(path: string): string | null {
  if (path.length > MAX_PATH_CHARS) return "a path in it is too long";
  // eslint-disable-next-line no-control-regex -- control characters are what this is about
  if (/[\u0000-\u001f\u007f\\]/.test(path)) return `${shown(path)} has characters that no path may have`;
  const segments = path.split("/");
  const leads = segments.some((segment) => segment === "" || segment === "." || segment === "..");
  return leads ? `${shown(path)} is not a plain relative path` : null;
}

function shown(path: string): string {
  return JSON.stringify(path.slice(0, 200));
}
