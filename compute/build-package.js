// The archive that Fastly takes: a gzipped tar of one folder with the manifest and the program, as `fastly compute pack`
// makes it (github.com/fastly/cli, pkg/commands/compute/pack.go). Nothing in it says when, where or by whom it was made.
import { gzipSync } from "node:zlib";
import { packTar } from "modern-tar";

/** Offset of gzip's byte for the system, and what stands for none (RFC 1952 §2.3.1). */
const SYSTEM = 9;
const NO_SYSTEM = 255;

/**
 * @param {string} folder
 * @param {Readonly<Record<string, Uint8Array>>} files By path in the folder.
 * @returns {Promise<Uint8Array>}
 */
export async function packed(folder, files) {
  const owner = { mtime: new Date(0), uid: 0, gid: 0, uname: "", gname: "" };
  const paths = Object.keys(files).sort();
  const folders = new Set(paths.flatMap((path) => foldersAbove(`${folder}/${path}`)));
  const entries = [
    ...[...folders].map((path) => ({
      header: { name: `${path}/`, size: 0, mode: 0o755, type: "directory", ...owner },
    })),
    ...paths.map((path) => ({
      header: { name: `${folder}/${path}`, size: files[path].length, mode: 0o644, type: "file", ...owner },
      body: files[path],
    })),
  ];
  const archive = gzipSync(await packTar(entries), { level: 9 });
  archive[SYSTEM] = NO_SYSTEM;
  return archive;
}

/** @param {string} path @returns {readonly string[]} `a/b/c` → `a`, `a/b`. */
function foldersAbove(path) {
  const names = path.split("/").slice(0, -1);
  return names.map((_, index) => names.slice(0, index + 1).join("/"));
}
