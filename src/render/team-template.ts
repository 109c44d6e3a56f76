import { FEATURES, STAGES } from "./features.ts";
import { nearestName, teamError } from "./team-problem.ts";
import { holdsMarks } from "./template-marks.ts";

/** What stands before the name of one of the project's own templates, for a team's template that uses it. */
export const OWN_PREFIX = "sitefleet:";

/** A template of the team's. */
export interface TeamTemplate {
  /** The feature; templates that begin with `_` are none, they are for others to import. */
  readonly name: string;
  /** In the team's folder. */
  readonly file: string;
  readonly label: string;
  readonly source: string;
  readonly directive: Directive | undefined;
}

/** The first comment of a template: `{#- extends -#}`, or the place of a new feature. */
export type Directive =
  { readonly kind: "extends" } | { readonly kind: "after" | "before"; readonly feature: string };

const DIRECTIVE = /^\s*\{#-?\s*(?:(extends)|(after|before):\s*([\w-]+))\s*-?#\}/;

/**
 * Reads the head of a template and checks what would otherwise be ignored in silence.
 * @throws SitefleetError `render/override`
 */
export function readTeamTemplate(
  file: string,
  at: { readonly label: string; readonly source: string },
): TeamTemplate {
  const name = file.replace(/\.vcl\.njk$/, "");
  const template = { name, file, ...at, directive: directiveIn(at.source) };
  if (holdsMarks(at.source)) {
    throw teamError({
      file: at.label,
      message: "has a character that Unicode reserves (U+FDD0 or U+FDD1)",
      hint: "take the character out; VCL is ASCII anyway",
    });
  }
  if (!name.startsWith("_")) {
    refuseMisplaced(template);
    refuseStages(template);
  }
  return template;
}

function directiveIn(source: string): Directive | undefined {
  const [found, isExtends, place, feature] = DIRECTIVE.exec(source) ?? [];
  if (found === undefined) return undefined;
  if (isExtends !== undefined) return { kind: "extends" };
  return { kind: place === "before" ? "before" : "after", feature: feature ?? "" };
}

/** Whether the project has a feature of this name. */
export function isOwnFeature(name: string): boolean {
  return FEATURES.some((known) => known === name);
}

function refuseMisplaced({ name, label, directive }: TeamTemplate): void {
  if (isOwnFeature(name)) {
    if (directive === undefined || directive.kind === "extends") return;
    throw teamError({
      file: label,
      line: 1,
      message: `"${name}" is one of sitefleet's features, whose place is fixed`,
      hint: `leave out \`${directive.kind}: ${directive.feature}\`, or give the feature a name of its own`,
    });
  }
  if (directive && directive.kind !== "extends") return;
  const nearest = nearestName(name, FEATURES);
  const meant = nearest === undefined ? "" : `; did you mean "${nearest}"?`;
  throw teamError({
    file: label,
    line: 1,
    message: `sitefleet has no feature "${name}"${meant}`,
    hint: "a feature of your own begins with its place, such as `{#- after: force-tls -#}`",
  });
}

/** A macro whose name is no stage would never be called. */
function refuseStages({ source, label }: TeamTemplate): void {
  for (const match of source.matchAll(/\{%-?\s*macro\s+(\w+)\s*\(([^)]*)\)/g)) {
    const [, name = "", parameters = ""] = match;
    if (name.startsWith("_") || STAGES.some((stage) => stage === name)) continue;
    // With parameters it can only be meant to be called by the template itself.
    if (parameters.trim() !== "") continue;
    const nearest = nearestName(name, STAGES);
    throw teamError({
      file: label,
      line: lineOf(source, match.index),
      message: `there is no stage "${name}"${nearest === undefined ? "" : `; did you mean "${nearest}"?`}`,
      hint: "docs/edge.md lists the stages; macros for the template's own use begin with `_`",
    });
  }
}

/**
 * Nunjucks names the template that it rendered and not the one that asks for a file that is not there.
 * @param isThere whether the engine finds a template of this name
 * @throws SitefleetError `render/override`
 */
export function refuseImports(
  { file, source, label }: Pick<TeamTemplate, "file" | "source" | "label">,
  isThere: (name: string) => boolean,
): void {
  for (const match of source.matchAll(/\{%-?\s*(?:import|from|include|extends)\s+["']([^"'\n]*)["']/g)) {
    const [, name = ""] = match;
    if (name !== file && isThere(name)) continue;
    throw teamError({
      file: label,
      line: lineOf(source, match.index),
      message: name === file ? "imports itself" : `there is no template "${name}"`,
      hint:
        name === file
          ? `sitefleet's own is "${OWN_PREFIX}${file}"`
          : `templates of the folder go by their names, sitefleet's by "${OWN_PREFIX}force-tls.vcl.njk"`,
    });
  }
}

function lineOf(source: string, offset: number): number {
  return source.slice(0, offset).split("\n").length;
}
