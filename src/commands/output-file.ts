import { access, constants, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { writeFileAtomic } from "../lib/atomic-write.ts";
import { errnoOf, isErrno, messageOf } from "../lib/caught.ts";
import { SitefleetError } from "../lib/errors.ts";

/** A file that a command writes, as it was named: relative names are of the working folder. */
export interface OutputFile {
  readonly cwd: string;
  readonly name: string;
}

/**
 * Sees before long work that a file can be written at its end.
 * @throws SitefleetError `output/not-writable`
 */
export async function checkOutputFile({ cwd, name }: OutputFile): Promise<void> {
  const path = resolve(cwd, name);
  const isFolder = await whileWriting(name, async () => {
    await access(dirname(path), constants.W_OK);
    return isFolderAt(path);
  });
  if (isFolder) throw notWritable(name, "it is a folder");
}

/**
 * Writes it whole or not at all.
 * @param mode permissions of a new file, default all may read it
 * @throws SitefleetError `output/not-writable`
 */
export async function writeOutputFile(
  { cwd, name }: OutputFile,
  content: { readonly text: string; readonly mode?: number },
): Promise<void> {
  await whileWriting(name, () => writeFileAtomic(resolve(cwd, name), content.text, content.mode));
}

/** Runs work that writes a file; what the system refuses is told with the file's name. */
export async function whileWriting<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    // Whatever is no answer of the system's is a fault of ours, and stays one.
    if (errnoOf(error) === undefined || error instanceof SitefleetError) throw error;
    throw notWritable(name, reasonOf(error), error);
  }
}

async function isFolderAt(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (isErrno(error, "ENOENT")) return false;
    throw error;
  }
}

function notWritable(name: string, reason: string, cause?: unknown): SitefleetError {
  return new SitefleetError("output/not-writable", `"${name}" cannot be written: ${reason}`, {
    hint: "name a file in a folder that is there and may be written to",
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Why the system refused a file, in words. */
export function reasonOf(error: unknown): string {
  switch (errnoOf(error)) {
    case "ENOENT":
      return "there is no such file or folder";
    case "ENOTDIR":
      return "a part of its path is no folder";
    case "EISDIR":
    case "ENOTEMPTY":
    case "EEXIST":
      return "it is a folder";
    case "EACCES":
    case "EPERM":
      return "this user may not";
    case "EROFS":
      return "the file system is read-only";
    case "ENOSPC":
    case "EDQUOT":
      return "there is no space left";
    default:
      return messageOf(error);
  }
}
