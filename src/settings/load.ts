import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, extname, join, normalize, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { messageOf } from "../lib/caught.ts";
import { SitefleetError } from "../lib/errors.ts";
import { parseSettings } from "./schema.ts";
import type { Settings } from "./schema.ts";

/** Names of the settings file, in the order in which they are looked for. */
export const SETTINGS_FILES = [
  "sitefleet.config.ts",
  "sitefleet.config.js",
  "sitefleet.config.mjs",
  "sitefleet.config.json",
];

/** The nearest settings file in `cwd` or above it; `undefined` when there is none. */
export function findSettingsFile(cwd: string): string | undefined {
  for (let folder = cwd; ; folder = dirname(folder)) {
    const found = SETTINGS_FILES.map((name) => join(folder, name)).find((path) => existsSync(path));
    if (found !== undefined || dirname(folder) === folder) return found;
  }
}

/**
 * Reads, runs (`.ts`, `.js`) and checks a settings file.
 * @throws SitefleetError `settings/invalid` with every problem and its path, `settings/not-found`
 */
export async function loadSettings(path: string): Promise<Settings> {
  if (!existsSync(path)) {
    throw new SitefleetError("settings/not-found", `there is no settings file at ${path}`, {
      hint: "name another with --config; docs/settings.md has an example",
    });
  }
  const result = parseSettings(await readInput(path));
  if ("settings" in result) return fromFolder(result.settings, path);
  throw new SitefleetError("settings/invalid", `${path} has ${result.issues.length} problem(s)`, {
    details: result.issues.map(
      (issue) => `${issue.path === "" ? "(top level)" : issue.path}: ${issue.message}`,
    ),
    hint: "correct every line listed; docs/settings.md describes each field",
  });
}

/** Paths in settings are told from where their file is. */
function fromFolder(settings: Settings, path: string): Settings {
  const environments = Object.entries(settings.environments).map(([name, environment]) => {
    const { verify } = environment;
    if (verify?.ca === undefined) return [name, environment] as const;
    return [name, { ...environment, verify: { ...verify, ca: resolve(dirname(path), verify.ca) } }] as const;
  });
  return withEdgeFolder({ ...settings, environments: Object.fromEntries(environments) }, path);
}

function withEdgeFolder(settings: Settings, path: string): Settings {
  const named = settings.edge?.templates;
  if (named === undefined) return settings;
  const label = normalize(named).replace(/\/$/, "");
  return { ...settings, edgeFolder: { path: resolve(dirname(path), named), label } };
}

async function readInput(path: string): Promise<unknown> {
  try {
    if (extname(path) === ".json") return JSON.parse(await readFile(path, "utf8"));
    const { createJiti } = await import("jiti");
    const url = pathToFileURL(path).href;
    const jiti = createJiti(url, { moduleCache: false, fsCache: false });
    return await jiti.import(url, { default: true });
  } catch (error) {
    const reason = messageOf(error);
    throw new SitefleetError("settings/invalid", `${path} cannot be read: ${reason}`, {
      cause: error,
      hint: "it must be JSON, or a module whose default export is the settings",
    });
  }
}
