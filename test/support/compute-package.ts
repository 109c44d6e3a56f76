import { gzipSync } from "node:zlib";
import { packTar } from "modern-tar";
import type { TarHeader } from "modern-tar";

/** The smallest program that is WebAssembly: magic and version. */
export const SMALLEST_WASM = Buffer.from([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]);

export const MANIFEST = `manifest_version = 3
name = "test-package"
description = "A program for tests."
authors = ["<oss@example.com>"]
language = "javascript"
cloned_from = "https://example.com/starter"
`;

export interface ArchiveFile {
  readonly name: string;
  readonly body?: string | Uint8Array;
  readonly type?: TarHeader["type"];
  readonly linkname?: string;
}

/** A gzipped tar of these entries, in this order. */
export async function archiveOf(files: readonly ArchiveFile[]): Promise<Buffer> {
  const entries = files.map(({ name, body = "", type = "file", linkname }) => {
    const bytes = typeof body === "string" ? Buffer.from(body) : body;
    const size = type === "file" ? bytes.length : 0;
    const header: TarHeader = { name, type, size, ...(linkname === undefined ? {} : { linkname }) };
    return type === "file" ? { header, body: bytes } : { header };
  });
  return gzipSync(await packTar(entries));
}

/** A package as the CLI builds it. */
export async function packageArchive({
  manifest = MANIFEST,
  wasm = SMALLEST_WASM,
}: { readonly manifest?: string; readonly wasm?: Uint8Array } = {}): Promise<Buffer> {
  return archiveOf([
    { name: "test-package/", type: "directory" },
    { name: "test-package/bin/", type: "directory" },
    { name: "test-package/bin/main.wasm", body: wasm },
    { name: "test-package/fastly.toml", body: manifest },
  ]);
}

/** A form with one file, as go-fastly sends packages. */
export function formOf(
  file: Uint8Array,
  field = "package",
): { bytes: Buffer; headers: { "content-type": string } } {
  const boundary = "3f1c9e4b8d";
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="${field}"; filename="package.tar.gz"\r\nContent-Type: application/octet-stream\r\n\r\n`;
  const bytes = Buffer.concat([Buffer.from(head), file, Buffer.from(`\r\n--${boundary}--\r\n`)]);
  return { bytes, headers: { "content-type": `multipart/form-data; boundary=${boundary}` } };
}
