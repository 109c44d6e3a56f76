// Prints `digest=HEX` of everything that the build is made of: the key under which action.yml keeps a build.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const SOURCES = ["action.yml", "bundle.js", "package-lock.json", "package.json", "src"];

/** Files at or below a path, sorted. @param {string} path @returns {readonly string[]} */
function filesAt(path) {
  if (!statSync(join(ROOT, path)).isDirectory()) return [path];
  return readdirSync(join(ROOT, path))
    .sort()
    .flatMap((name) => filesAt(`${path}/${name}`));
}

const digest = createHash("sha256");
for (const file of SOURCES.flatMap(filesAt)) {
  const bytes = readFileSync(join(ROOT, file));
  digest.update(`${file}\0${bytes.length}\0`).update(bytes);
}
process.stdout.write(`digest=${digest.digest("hex")}\n`);
