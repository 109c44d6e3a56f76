import { mkdir, open, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isErrno } from "../lib/caught.ts";
import { printable } from "../site/names.ts";
import type { SitefleetError } from "../lib/errors.ts";
import { archiveTooLarge } from "./archive-guard.ts";
import type { ArchiveLimits } from "./archive-guard.ts";

/**
 * A folder of our own that is filled with what strangers sent. Every file is made anew, so that nothing is followed or
 * written twice, and folders are counted: a few bytes of a path can ask for sixty of them.
 */
export interface NewFolder {
  /**
   * Makes a folder in it; one that is there already stays.
   * @throws SitefleetError `hook/invalid-archive`
   */
  makeFolder(segments: readonly string[]): Promise<void>;
  /**
   * Writes a file and the folders above it.
   * @param name what the sender calls it
   * @throws SitefleetError `hook/invalid-archive` when there is one already
   */
  writeFile(
    segments: readonly string[],
    content: { readonly body: Uint8Array | AsyncIterable<Uint8Array>; readonly name: string },
  ): Promise<void>;
}

/**
 * @param path an empty folder that nobody else can reach
 * @param options.invalid the error for what cannot be written, by its reason
 */
export function newFolder(
  path: string,
  options: Pick<ArchiveLimits, "entries"> & { readonly invalid: (reason: string) => SitefleetError },
): NewFolder {
  const { entries, invalid } = options;
  let made = 0;
  /** Faults of the disk stay faults; what is in the way was sent before. */
  const withoutClash = async <T>(name: string, make: () => Promise<T>): Promise<T> => {
    try {
      return await make();
    } catch (error) {
      const isClash = ["EEXIST", "ENOTDIR", "EISDIR"].some((code) => isErrno(error, code));
      if (isClash) throw invalid(`"${printable(name)}" is there twice, or is both a file and a folder`);
      throw error;
    }
  };
  const makeFolder = async (segments: readonly string[], name = segments.join("/")): Promise<void> => {
    const folder = join(path, ...segments);
    // Resolves with the first folder that had to be made; those below it had to be as well.
    let first = await withoutClash(name, () => mkdir(folder, { recursive: true, mode: 0o700 }));
    for (let at = folder; first !== undefined; at = dirname(at)) {
      made += 1;
      if (made > entries) throw archiveTooLarge(`has more than ${entries} folders`);
      if (at === first) first = undefined;
    }
  };
  return {
    makeFolder: (segments) => makeFolder(segments),
    async writeFile(segments, { body, name }) {
      await makeFolder(segments.slice(0, -1), name);
      const file = await withoutClash(name, () => open(join(path, ...segments), "wx", 0o600));
      try {
        await writeFile(file, body);
      } finally {
        await file.close();
      }
    },
  };
}
