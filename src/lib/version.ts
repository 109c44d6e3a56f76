import { readFile } from "node:fs/promises";
import { SitefleetError } from "./errors.ts";
import { packagePath } from "./package-root.ts";

/** The program's version, from the package file beside `src/` and `dist/`. */
export async function readVersion(): Promise<string> {
  const file: unknown = JSON.parse(await readFile(packagePath("package.json"), "utf8"));
  const isNamed = typeof file === "object" && file !== null && "version" in file;
  if (isNamed && typeof file.version === "string") return file.version;
  throw new SitefleetError("fault/internal", "package.json has no version");
}
