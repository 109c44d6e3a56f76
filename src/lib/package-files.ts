import { createHash } from "node:crypto";

/** Bytes of the largest archive that Fastly takes (products/compute-resource-limits); its CLI refuses larger ones too. */
export const MAX_PACKAGE_BYTES = 100_000_000;
/** Bytes of the files of an archive together: three programs of the largest size, which no toolchain makes. */
export const MAX_UNPACKED_BYTES = 300_000_000;

const WASM_MAGIC = Buffer.from([0x00, 0x61, 0x73, 0x6d]);
/** Magic and version. */
const WASM_HEAD_BYTES = 8;

/** Whether a file begins as WebAssembly does. */
export function isWasm(file: Buffer): boolean {
  return file.length >= WASM_HEAD_BYTES && file.subarray(0, WASM_MAGIC.length).equals(WASM_MAGIC);
}

/**
 * SHA-512 of what is in a Compute package's files, by path, in the order of the paths' bytes as Go sorts them, hexadecimal:
 * `files_hash` of Fastly's answers (github.com/fastly/cli, pkg/commands/compute/hashfiles.go).
 */
export function filesHashOf(files: ReadonlyMap<string, Buffer>): string {
  const hash = createHash("sha512");
  const sorted = [...files].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  for (const [, content] of sorted) hash.update(content);
  return hash.digest("hex");
}
