import { readFileSync, readdirSync, realpathSync, statSync } from "node:fs";
import type { Dirent } from "node:fs";
import { join, sep } from "node:path";
import { isErrno } from "../lib/caught.ts";
import { SNIPPET_PLACES } from "../lib/fastly-names.ts";
import type { SnippetPlace } from "../lib/fastly-names.ts";
import type { EdgeFolder } from "../settings/schema.ts";
import { nearestName, teamError } from "./team-problem.ts";
import { readTeamTemplate } from "./team-template.ts";
import type { TeamTemplate } from "./team-template.ts";

/** A file of `snippets/`, not rendered yet. */
export interface TeamSnippet {
  /** Without its endings: `recv-countries`. */
  readonly name: string;
  readonly place: SnippetPlace;
  readonly priority: number;
  readonly label: string;
  readonly source: string;
  readonly isTemplate: boolean;
}

/** What a team's folder has, every file read and found to be of use. */
export interface TeamFolder {
  readonly templates: readonly TeamTemplate[];
  readonly snippets: readonly TeamSnippet[];
}

const EMPTY: TeamFolder = { templates: [], snippets: [] };

/** Fastly's default; lower ones come first (reference/api/vcl-services/snippet). */
const USUAL_PRIORITY = 100;

/** Fastly's own limit of a snippet and of a VCL file (guides/resource-limits). */
const LARGEST = 1_048_576;

/**
 * Reads the team's folder.
 * @throws SitefleetError `render/override` with the file, and the line where there is one
 */
export function readTeamFolder(folder: EdgeFolder | undefined): TeamFolder {
  if (!folder) return EMPTY;
  const files = filesIn(folder, folder);
  const templates = files.filter(isFile).map((entry) => {
    const label = `${folder.label}/${entry.name}`;
    refuseTemplateName(entry.name, label);
    return readTeamTemplate(entry.name, {
      label,
      source: readText(folder, join(folder.path, entry.name), label),
    });
  });
  const inner = files.find((entry) => !isFile(entry));
  if (!inner) return { templates, snippets: [] };
  const below = { path: join(folder.path, "snippets"), label: `${folder.label}/snippets` };
  return {
    templates,
    snippets: filesIn(below, folder).map((entry) => readSnippet(entry, { below, folder })),
  };
}

function isFile(entry: Dirent): boolean {
  return entry.name !== "snippets";
}

/** Names that begin with a dot, and notes for people, are not for the edge. */
function isNote(name: string): boolean {
  return name.startsWith(".") || /^readme(\.\w+)?$/i.test(name);
}

function filesIn(at: EdgeFolder, folder: EdgeFolder): readonly Dirent[] {
  let entries: readonly Dirent[];
  try {
    entries = readdirSync(at.path, { withFileTypes: true });
  } catch (cause) {
    if (!isErrno(cause, "ENOENT") && !isErrno(cause, "ENOTDIR")) throw cause;
    throw teamError(
      {
        file: at.label,
        message: "is no folder",
        hint: "make it, or take `edge.templates` out of the settings",
      },
      cause,
    );
  }
  const kept = entries.filter(({ name }) => !isNote(name)).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of kept) {
    const isSnippets = at === folder && entry.name === "snippets";
    refuseStray(entry, { label: `${at.label}/${entry.name}`, path: join(at.path, entry.name), isSnippets });
  }
  return kept;
}

function refuseStray(
  entry: Dirent,
  at: { readonly label: string; readonly path: string; readonly isSnippets: boolean },
): void {
  const isFolder = entry.isDirectory() || (entry.isSymbolicLink() && isFolderAt(at.path));
  if (at.isSnippets === isFolder) return;
  throw teamError({
    file: at.label,
    message: isFolder ? "is a folder, and only `snippets` may be one" : "is no folder",
    hint: "templates lie in the folder itself, snippets in its folder `snippets`",
  });
}

function isFolderAt(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** A link may lead elsewhere in the team's folder and nowhere else. */
function readText(folder: EdgeFolder, path: string, label: string): string {
  let real: string;
  try {
    real = realpathSync(path);
  } catch (cause) {
    throw teamError({ file: label, message: "is a link to nowhere", hint: "put the file there" }, cause);
  }
  if (!real.startsWith(`${realpathSync(folder.path)}${sep}`)) {
    throw teamError({
      file: label,
      message: "is a link out of the folder",
      hint: `put the file itself into ${folder.label}`,
    });
  }
  const size = statSync(real).size;
  if (size > LARGEST) {
    throw teamError({
      file: label,
      message: `has ${size} bytes, more than the ${LARGEST} that Fastly takes`,
      hint: "split it up",
    });
  }
  return decode(readFileSync(real), label);
}

function decode(bytes: Uint8Array, label: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw teamError({ file: label, message: "is not UTF-8", hint: "save it as UTF-8" }, cause);
  }
}

function refuseTemplateName(name: string, label: string): void {
  if (name === "main.vcl.njk") {
    throw teamError({
      file: label,
      message: "main.vcl.njk is the order in which features meet and cannot be replaced",
      hint: "add a feature of your own, `{#- after: … -#}` says where",
    });
  }
  if (/^_?[a-z][a-z0-9-]{0,60}\.vcl\.njk$/.test(name)) return;
  throw teamError({
    file: label,
    message: "is no name of a template",
    hint: "templates are named `<feature>.vcl.njk`: lower-case letters, digits and dashes",
  });
}

function readSnippet(
  entry: Dirent,
  at: { readonly below: EdgeFolder; readonly folder: EdgeFolder },
): TeamSnippet {
  const label = `${at.below.label}/${entry.name}`;
  const [, name = "", first = "", number, template] =
    /^(([a-z_]+)(?:-(\d{1,6}))?-[a-z0-9][a-z0-9-]{0,60})\.vcl(\.njk)?$/.exec(entry.name) ?? [];
  if (name === "") {
    throw teamError({
      file: label,
      message: "is no name of a snippet",
      hint: "snippets are named `<subroutine>-<name>.vcl`, with `.njk` behind it for a template",
    });
  }
  const place = SNIPPET_PLACES.find((known) => known === first);
  if (!place) {
    const nearest = nearestName(first, SNIPPET_PLACES);
    throw teamError({
      file: label,
      message: `there is no subroutine "${first}" for snippets${nearest === undefined ? "" : `; did you mean "${nearest}"?`}`,
      hint: `known: ${SNIPPET_PLACES.join(", ")}`,
    });
  }
  return {
    name,
    place,
    priority: number === undefined ? USUAL_PRIORITY : Number(number),
    label,
    source: readText(at.folder, join(at.below.path, entry.name), label),
    isTemplate: template !== undefined,
  };
}
