import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Environment } from "../../src/settings/environment.ts";
import { tempDir } from "./temp-dir.ts";

/** The environment with a team's folder `edge` of these files. */
export async function withTeamFolder(
  environment: Environment,
  files: Readonly<Record<string, string>>,
): Promise<Environment> {
  const path = join(await tempDir(), "edge");
  await mkdir(path, { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), text);
  }
  return { ...environment, edge: { path, label: "edge" } };
}
