import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { unpackTar } from "modern-tar";
import { parse as parseToml } from "smol-toml";
import { z } from "zod";
import { isErrno, messageOf } from "../../lib/caught.ts";
import { SitefleetError } from "../../lib/errors.ts";
import { packagePath } from "../../lib/package-root.ts";
import { filesHashOf, isWasm, MAX_PACKAGE_BYTES, MAX_UNPACKED_BYTES } from "../../lib/package-files.ts";

/** A package as Fastly takes it: a gzipped tar with a manifest and a program. */
export interface PackageFile {
  readonly path: string;
  readonly bytes: Buffer;
  /** Bytes of the archive. */
  readonly size: number;
  /** SHA-512 of the archive, hexadecimal: `hashsum` of Fastly's answers. */
  readonly hashsum: string;
  /**
   * SHA-512 of what is in its files, in the order of their names, hexadecimal: `files_hash` of Fastly's answers, and what
   * `fastly compute hash-files` prints (github.com/fastly/cli, pkg/commands/compute/hashfiles.go). It stays the same when
   * only the archive is made anew.
   */
  readonly filesHash: string;
  /** `name` of its `fastly.toml`. */
  readonly manifestName: string;
}

/** The package that comes with the program, and is built by `npm run build:compute` in a checkout. */
export const OWN_PACKAGE = "compute/pkg/sitefleet.tar.gz";

const manifestSchema = z.object({ name: z.string().min(1) });

/**
 * Reads a package and what Fastly will say of it; without a path the product's own.
 * @throws SitefleetError `compute/not-built` where there is none, `deploy/invalid-package` where it is no package
 */
export async function readPackage(path: string = packagePath(OWN_PACKAGE)): Promise<PackageFile> {
  const bytes = await readArchive(path);
  const files = await filesOf(bytes).catch((cause: unknown) => {
    throw invalid(path, `cannot be unpacked: ${messageOf(cause)}`, cause);
  });
  const program = fileNamed(files, "main.wasm");
  if (program === undefined || !isWasm(program)) throw invalid(path, "has no program main.wasm");
  const manifest = fileNamed(files, "fastly.toml");
  if (manifest === undefined) throw invalid(path, "has no fastly.toml");
  return {
    path,
    bytes,
    size: bytes.length,
    hashsum: createHash("sha512").update(bytes).digest("hex"),
    filesHash: filesHashOf(files),
    manifestName: nameIn(manifest, path),
  };
}

async function readArchive(path: string): Promise<Buffer> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    if (!isErrno(cause, "ENOENT")) throw invalid(path, `cannot be read: ${messageOf(cause)}`, cause);
    throw new SitefleetError("compute/not-built", `there is no package of the Compute app at ${path}`, {
      cause,
      hint: "in a checkout build it with `npm run build:compute`; an installed sitefleet comes with it",
    });
  }
  if (bytes.length > MAX_PACKAGE_BYTES)
    throw invalid(path, `has ${bytes.length} bytes, over Fastly's ${MAX_PACKAGE_BYTES}`);
  return bytes;
}

/** Contents by path; folders are left out. The paths are only names here: nothing is written. */
async function filesOf(archive: Buffer): Promise<ReadonlyMap<string, Buffer>> {
  const tar = await promisify(gunzip)(archive, { maxOutputLength: MAX_UNPACKED_BYTES });
  const entries = await unpackTar(tar, { strict: true });
  const files = entries.filter(({ header }) => header.type !== "directory");
  return new Map(files.map(({ header, data }) => [header.name, Buffer.from(data ?? [])]));
}

/** By its last name, as the CLI finds it (validate.go): archives have a folder around their files. */
function fileNamed(files: ReadonlyMap<string, Buffer>, name: string): Buffer | undefined {
  return [...files].find(([path]) => path.split("/").at(-1) === name)?.[1];
}

function nameIn(manifest: Buffer, path: string): string {
  try {
    return manifestSchema.parse(parseToml(manifest.toString("utf8"))).name;
  } catch (cause) {
    throw invalid(path, "has a fastly.toml that is not valid or has no name", cause);
  }
}

function invalid(path: string, problem: string, cause?: unknown): SitefleetError {
  return new SitefleetError("deploy/invalid-package", `the package ${path} ${problem}`, {
    ...(cause === undefined ? {} : { cause }),
    hint: "build it again with `npm run build:compute`, or `fastly compute build`",
  });
}
