import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { z } from "zod";
import { isErrno } from "../../lib/caught.ts";
import { SitefleetError } from "../../lib/errors.ts";

/** Removes what writes left over that a crash cut off. */
export async function removeTemporaries(folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    for (const file of await readdir(folder)) {
      if (file.startsWith(".") && file.endsWith(".tmp")) await rm(join(folder, file), { force: true });
    }
  }
}

/** A state file's content; `undefined` when there is none. Throws `mirror/state-unreadable`. */
export async function readState<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    throw unreadable(path, "it cannot be read", error);
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw unreadable(path, "its content is not what this version writes", error);
  }
}

/** What a state file that cannot be used is told with. */
export function unreadable(path: string, why: string, cause?: unknown): SitefleetError {
  return new SitefleetError("mirror/state-unreadable", `state file "${path}": ${why}`, {
    hint: "restore the file, or run `sitefleet mirror reset` to start with an empty mirror",
    cause,
  });
}
