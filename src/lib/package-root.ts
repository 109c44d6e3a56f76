import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Built modules lie in `dist/` or one folder below it, sources one below `src/`, those of a bench one below `build/src/`. */
const PACKAGE = ["../", "../../", "../../../"]
  .map((up) => new URL(up, import.meta.url))
  .find((folder) => existsSync(new URL("package.json", folder)));

/** Path of a file that comes with the package (`templates`, `package.json`…), of this project and as installed alike. */
export function packagePath(name: string): string {
  if (PACKAGE === undefined) throw new Error(`no package.json above ${import.meta.url}`);
  return fileURLToPath(new URL(name, PACKAGE));
}
