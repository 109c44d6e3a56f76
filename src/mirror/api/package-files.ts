import { mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { syncFolder, writeFileAtomic } from "../../lib/atomic-write.ts";
import { isErrno } from "../../lib/caught.ts";
import { textOf } from "./state.ts";
import type { ServiceStore } from "./store.ts";

const FILE_NAME = /^[0-9a-f]{128}\.tar\.gz$/;
/** The queue of everything that adds package files, or removes those that nothing refers to. */
const QUEUE = "packages";

/**
 * The archives of packages, each once, under its SHA-512. A file is there before a version refers to it, and goes when
 * no version does any more; what a crash left over goes at the next start.
 */
export class PackageFiles {
  readonly #dir: string;
  readonly #store: ServiceStore;

  private constructor(dir: string, store: ServiceStore) {
    this.#dir = dir;
    this.#store = store;
  }

  static async open(dir: string, store: ServiceStore): Promise<PackageFiles> {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const files = new PackageFiles(dir, store);
    await files.sweep();
    return files;
  }

  /** Stores an archive and runs `refer`, which makes a version refer to it; then removes what that left unused. */
  async put<T>(hashsum: string, archive: Uint8Array, refer: () => Promise<T>): Promise<T> {
    return this.#store.exclusive(QUEUE, async () => {
      try {
        if (!(await this.#has(hashsum))) await writeFileAtomic(this.#path(hashsum), archive, 0o600);
        return await refer();
      } finally {
        await this.#removeUnused();
      }
    });
  }

  /** The archive of a version's package. */
  read(hashsum: string): Promise<Buffer> {
    return readFile(this.#path(hashsum));
  }

  /** Removes every archive that no version refers to. */
  async sweep(): Promise<void> {
    await this.#store.exclusive(QUEUE, () => this.#removeUnused());
  }

  async #removeUnused(): Promise<void> {
    const names = await readdir(this.#dir);
    if (names.length === 0) return;
    const used = await this.#used();
    const strays = names.filter((name) => !FILE_NAME.test(name) || !used.has(name.slice(0, 128)));
    for (const name of strays) await rm(join(this.#dir, name), { force: true });
    if (strays.length > 0) await syncFolder(this.#dir);
  }

  /** Hashes of the packages of all versions. */
  async #used(): Promise<ReadonlySet<string>> {
    const used = new Set<string>();
    for (const service of this.#store.list()) {
      if (service.type !== "wasm") continue;
      for (const { number } of service.versions) {
        const { resources } = await this.#store.objects(service.id, number);
        for (const record of resources.package) used.add(textOf(record, "hashsum"));
      }
    }
    return used;
  }

  async #has(hashsum: string): Promise<boolean> {
    try {
      return (await stat(this.#path(hashsum))).isFile();
    } catch (error) {
      if (isErrno(error, "ENOENT")) return false;
      throw error;
    }
  }

  #path(hashsum: string): string {
    return join(this.#dir, `${hashsum}.tar.gz`);
  }
}
