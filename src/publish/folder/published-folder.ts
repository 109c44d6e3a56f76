import { readFile, realpath, stat } from "node:fs/promises";
import { join, sep } from "node:path";

import { errnoOf } from "../../lib/caught.ts";
import { SitefleetError } from "../../lib/errors.ts";
import { printable } from "../../site/names.ts";
import { scanFolder } from "./scan.ts";
import type { Scan, ScanOptions } from "./scan.ts";
import { readSiteFiles } from "../site-files/site-files.ts";

/** Files that may name the folder to publish, and are then beside it. */
const NAMING_FILES = ["netlify.toml", "vercel.json"];
const TEXT_LIMIT = 1_000_000;

/**
 * Reads the folder that is to be published: the one that is named, or, where its `netlify.toml` or `vercel.json` names a
 * folder inside it, that one. What these files say besides holds for it, after its own control files.
 * @throws SitefleetError `publish/invalid-folder`
 */
export async function scanPublished(dir: string, signal: AbortSignal, options: ScanOptions): Promise<Scan> {
  const control = await readNaming(dir);
  const { publishDir } = readSiteFiles(control);
  if (publishDir === undefined || publishDir === "") return scanFolder(dir, signal, options);
  const scan = await scanFolder(await innerFolder(dir, publishDir), signal, options);
  return { ...scan, control: new Map([...control, ...scan.control]) };
}

async function readNaming(dir: string): Promise<ReadonlyMap<string, string>> {
  const control = new Map<string, string>();
  for (const name of NAMING_FILES) {
    const path = join(dir, name);
    try {
      const [root, real] = await Promise.all([realpath(dir), realpath(path)]);
      const info = await stat(real);
      // A larger one, a link that leaves the folder, and a pipe, are refused when the folder is read.
      const isReadable = info.isFile() && info.size <= TEXT_LIMIT && isBelow(root, real);
      if (isReadable) control.set(name, await readFile(real, "utf8"));
    } catch (error) {
      // No such file, or no such folder: reading the folder says what is wrong with it.
      if (errnoOf(error) === undefined) throw error;
    }
  }
  return control;
}

/** A link must not lead out of the folder that was named. */
async function innerFolder(dir: string, publishDir: string): Promise<string> {
  const inner = join(dir, publishDir);
  const what = `"${dir}" names the folder "${printable(publishDir)}" to publish, which`;
  try {
    const [root, real] = await Promise.all([realpath(dir), realpath(inner)]);
    if (isBelow(root, real)) return real;
  } catch (error) {
    throw new SitefleetError(
      "publish/invalid-folder",
      `${what} cannot be read: ${errnoOf(error) ?? "unknown"}`,
      {
        cause: error,
        hint: "build the site first, or name the built folder itself",
      },
    );
  }
  throw new SitefleetError("publish/invalid-folder", `${what} is a link that leaves it`);
}

/** Of two real paths. */
function isBelow(root: string, real: string): boolean {
  return real.startsWith(root.endsWith(sep) ? root : root + sep);
}
