import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { EdgeFolder } from "../settings/schema.ts";
import { readTeamFolder } from "./team-folder.ts";
import type { TeamFolder } from "./team-folder.ts";

/** Everything that rendering reads from disk, read once: what is rendered from it has the same sources for certain. */
export interface RenderSources {
  readonly team: TeamFolder;
  /** Text of the project's own templates, by file name. */
  readonly own: ReadonlyMap<string, string>;
}

/**
 * Reads the team's folder and the project's templates.
 * @throws SitefleetError `render/override` when something in the team's folder is wrong, with its file and line
 */
export function readRenderSources(edge: EdgeFolder | undefined, templates: string): RenderSources {
  const team = readTeamFolder(edge);
  const files = readdirSync(templates).filter((name) => /^[a-z0-9-]+\.vcl\.njk$/.test(name));
  return { team, own: new Map(files.map((name) => [name, readFileSync(join(templates, name), "utf8")])) };
}
