import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cachedDataVersionTag } from "node:v8";

import { ChunkLoader } from "./chunk-loader.ts";
import { codeCacheFolder, readCodeCache, writeCodeCache } from "./code-cache.ts";

/** Names this build; written in by the bundler. */
declare const BUILD_ID: string;

/** The program, a file beside this one. */
const MAIN = "cli.cjs";

/** Starts the program, with the code that an earlier run of the same command compiled: docs/decisions/0014-bundled-build.md. */
function start(folder: string): void {
  const command = process.argv[2] ?? "";
  // Node maps lines to the sources only of what it loads itself.
  const caches = process.sourceMapsEnabled ? undefined : codeCacheFolder(process.env, process.platform);
  if (caches === undefined || !/^[a-z]{1,20}$/.test(command)) {
    createRequire(import.meta.url)(join(folder, MAIN));
    return;
  }
  const path = join(caches, `${command}-${process.version}-${process.arch}`);
  const stamp = `${BUILD_ID} ${process.version} ${process.arch} ${cachedDataVersionTag()}`;
  const loader = new ChunkLoader(folder, readCodeCache(path, stamp));
  process.on("exit", (code) => {
    const compiled = code === 0 ? loader.compiled() : undefined;
    if (compiled) writeCodeCache(path, stamp, compiled);
  });
  loader.load(MAIN);
}

start(fileURLToPath(new URL(".", import.meta.url)));
