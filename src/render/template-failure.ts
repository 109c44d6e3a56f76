import { messageOf } from "../lib/caught.ts";
import { SitefleetError } from "../lib/errors.ts";
import { compileTemplate } from "./engine.ts";
import type { TemplateLookup } from "./engine.ts";
import type { TeamFolder } from "./team-folder.ts";
import { teamError } from "./team-problem.ts";
import { refuseImports } from "./team-template.ts";
import { STAND_IN, withoutMarks } from "./template-marks.ts";
import { TemplateTrace } from "./template-trace.ts";

const HINT = "every value must exist; sitefleet's own templates show what there is";

/**
 * Compiles the team's templates one by one, because nunjucks gives the lines of a template that another one imports
 * with that other one's name.
 * @throws SitefleetError `render/override` for what is not valid or imports what is not there
 */
export function refuseBroken({ templates, snippets }: TeamFolder, lookup: TemplateLookup): void {
  const files = [
    ...templates,
    ...snippets.filter(({ isTemplate }) => isTemplate).map((one) => ({ ...one, file: "" })),
  ];
  for (const file of files) {
    try {
      compileTemplate(file);
    } catch (error) {
      throw teamError({ file: file.label, ...failureIn(error), hint: "correct the template" }, error);
    }
    refuseImports(file, (name) => lookup(name) !== undefined);
  }
}

interface BlamedWork<T> {
  readonly team: TeamFolder;
  readonly renders: (team: TeamFolder) => T;
  /** Renders everything with the trace. */
  readonly traces: (trace: TemplateTrace) => void;
}

/**
 * Renders, and where that fails finds the team's file that is to blame: the one in which it failed, else the one without
 * which it does not fail.
 * @throws SitefleetError `render/override` naming the file, or `render/template` where it is none of the team's
 */
export function blaming<T>(work: BlamedWork<T>): T {
  try {
    return work.renders(work.team);
  } catch (error) {
    if (error instanceof SitefleetError) throw error;
    const failed = placeIn(work, error);
    if (failed) throw teamError({ ...failed, hint: HINT }, error);
    const culprit = candidates(work.team).find(({ rest }) => succeeds(() => work.renders(rest)));
    const failure = failureIn(error);
    if (culprit) throw teamError({ file: culprit.label, ...failure, hint: HINT }, error);
    throw new SitefleetError("render/template", `a template failed: ${reasonOf(error)}`, {
      cause: error,
      hint: "the message names the template; every value must exist and every import must resolve",
    });
  }
}

/** Where in the team's files it failed, when it fails again in the same way. */
function placeIn<T>(
  { team, traces }: BlamedWork<T>,
  error: unknown,
): { readonly file: string; readonly line: number; readonly message: string } | undefined {
  const trace = new TemplateTrace();
  const { message } = failureIn(error);
  try {
    traces(trace);
    return undefined;
  } catch (again) {
    if (failureIn(again).message !== message) return undefined;
  }
  const labels = new Set([...team.templates, ...team.snippets].map(({ label }) => label));
  const [place, ...callers] = trace.places();
  if (!place || !labels.has(place.template)) return undefined;
  const caller = callers.find(({ template }) => labels.has(template) && template !== place.template);
  const from = caller ? `; called from ${caller.template}:${caller.line}` : "";
  return { file: place.template, line: place.line, message: `${message}${from}` };
}

function candidates({
  templates,
  snippets,
}: TeamFolder): readonly { readonly label: string; readonly rest: TeamFolder }[] {
  return [
    ...templates.map((one) => ({
      label: one.label,
      rest: { templates: templates.filter((other) => other !== one), snippets },
    })),
    ...snippets.map((one) => ({
      label: one.label,
      rest: { templates, snippets: snippets.filter((other) => other !== one) },
    })),
  ];
}

function succeeds(attempt: () => unknown): boolean {
  try {
    attempt();
    return true;
  } catch {
    // Whatever goes wrong without a file, that file is not the one thing to blame.
    return false;
  }
}

/** The innermost line that nunjucks names, and its words without the templates it went through. */
function failureIn(error: unknown): { readonly line: number | undefined; readonly message: string } {
  const reason = reasonOf(error);
  const line = [...reason.matchAll(/\[Line (\d+)(?:, Column \d+)?\]/g)].at(-1)?.[1];
  const words = reason
    .split("\n")
    .map((text) => text.trim().replace(/^(?:Template render error: )?\([^()]*\)(?: \[Line[^\]]*\])?\s*/, ""))
    .filter((text) => text !== "")
    .map((text) => text.replace(/^Error: /, ""));
  return { line: line === undefined ? undefined : Number(line), message: words.join("; ") || reason };
}

function reasonOf(error: unknown): string {
  return withoutMarks(messageOf(error)).replaceAll(STAND_IN, "");
}
