import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Script } from "node:vm";

import type { CompiledChunks } from "./code-cache.ts";

type Require = (id: string) => unknown;

/** A chunk as CommonJS wraps it (Node, /api/modules.html, "The module wrapper"). */
type ChunkFunction = (
  exports: unknown,
  require: Require,
  module: { readonly exports: unknown },
  filename: string,
  dirname: string,
) => void;

const WRAPPER = ["(function (exports, require, module, __filename, __dirname) { ", "\n})"] as const;

/**
 * Loads the CommonJS chunks of one folder with the code that V8 compiled of them earlier; V8 itself refuses what it
 * cannot use (other version, other flags). Everything that is no chunk is loaded as Node does; chunks have no `import()`.
 */
export class ChunkLoader {
  readonly #folder: string;
  readonly #compiled: CompiledChunks;
  readonly #modules = new Map<string, { readonly exports: unknown }>();
  readonly #scripts = new Map<string, Script>();
  readonly #require: Require;
  #hasCompiled = false;

  constructor(folder: string, compiled: CompiledChunks) {
    this.#folder = folder;
    this.#compiled = compiled;
    this.#require = createRequire(join(folder, "index.cjs"));
  }

  /** Loads a chunk by its file name. In a circle a chunk sees what the other exports so far, as in CommonJS. */
  load(name: string): unknown {
    const loaded = this.#modules.get(name);
    if (loaded) return loaded.exports;
    const module = { exports: {} };
    this.#modules.set(name, module);
    const filename = join(this.#folder, name);
    const script = this.#scriptOf(name, filename);
    const run: ChunkFunction = script.runInThisContext();
    const require: Require = (id) => (id.startsWith("./") ? this.load(id.slice(2)) : this.#require(id));
    Reflect.apply(run, module.exports, [module.exports, require, module, filename, this.#folder]);
    return module.exports;
  }

  /** What the next process can spare compiling; `undefined` when it is all known. */
  compiled(): CompiledChunks | undefined {
    if (!this.#hasCompiled) return undefined;
    // Only now, since functions are compiled when they are called first.
    const own = [...this.#scripts].map(([name, script]) => [name, script.createCachedData()] as const);
    return new Map([...this.#compiled, ...own]);
  }

  #scriptOf(name: string, filename: string): Script {
    const cachedData = this.#compiled.get(name);
    const script = new Script(WRAPPER[0] + readFileSync(filename, "utf8") + WRAPPER[1], {
      filename,
      columnOffset: -WRAPPER[0].length,
      ...(cachedData === undefined ? {} : { cachedData }),
    });
    this.#hasCompiled ||= script.cachedDataRejected !== false;
    this.#scripts.set(name, script);
    return script;
  }
}
