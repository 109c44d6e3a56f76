import { createHash } from "node:crypto";
import { packagePath } from "../lib/package-root.ts";
import type { Environment } from "../settings/environment.ts";
import { createEngine } from "./engine.ts";
import type { TemplateLookup, TemplateMarker, TemplateSource } from "./engine.ts";
import { orderFeatures } from "./feature-order.ts";
import type { FeatureName } from "./features.ts";
import { LineMarker } from "./line-map.ts";
import type { LineMap } from "./line-map.ts";
import { readRenderSources } from "./render-sources.ts";
import type { RenderSources } from "./render-sources.ts";
import type { SnippetPlace } from "../lib/fastly-names.ts";
import type { TeamFolder, TeamSnippet } from "./team-folder.ts";
import { OWN_PREFIX } from "./team-template.ts";
import { blaming, refuseBroken } from "./template-failure.ts";
import { STAND_IN } from "./template-marks.ts";
import { templateValues } from "./template-values.ts";

/** Rendered VCL of one environment; the same settings and templates give the same bytes. */
export interface RenderedService {
  readonly files: readonly RenderedFile[];
  /** The team's own. */
  readonly snippets: readonly RenderedSnippet[];
  /** SHA-256 (first 16 hex) over the files before the revision was put in; the edge tells it to who asks rightly. */
  readonly revision: string;
}

export interface RenderedFile {
  readonly name: string;
  readonly content: string;
  readonly main: boolean;
  /** Where each line of `content` came from; see `originOf`. */
  readonly lines: LineMap;
}

/** A VCL snippet of the team's, for Fastly to put into a macro. */
export interface RenderedSnippet {
  readonly name: string;
  readonly type: SnippetPlace;
  /** Lower ones come first. */
  readonly priority: number;
  readonly content: string;
  readonly lines: LineMap;
}

export interface RenderOptions {
  /** Folder of templates; default: the project's own. */
  readonly templates?: string;
  /** Features to leave out: for tests that show each one is needed. */
  readonly without?: readonly FeatureName[];
  /** What was read already, for several environments from the same sources; then no folder is read. */
  readonly sources?: RenderSources;
}

/** The project's templates: beside `src/` and `dist/` alike. */
export const TEMPLATES = packagePath("templates");

/**
 * Renders the service of one environment, with the team's own templates and snippets where it has them.
 * @throws SitefleetError `render/template` when a template fails (unknown name, syntax), with the template's own message;
 * `render/override` when something in the team's folder is wrong, with its file and line
 */
export function renderService(environment: Environment, options: RenderOptions = {}): RenderedService {
  const { templates = TEMPLATES, sources = readRenderSources(environment.edge, templates) } = options;
  const { team, own } = sources;
  refuseBroken(team, lookupIn(own, team));
  const workWith = (some: TeamFolder): RenderWork => {
    const features = orderFeatures(some.templates, options.without ?? []);
    return workOf({ lookup: lookupIn(own, some), values: templateValues(environment, features), team: some });
  };
  const blamed = <T>(renders: (work: RenderWork) => T): T =>
    blaming({
      team,
      renders: (some) => renders(workWith(some)),
      traces: (marker) => traceWork(workWith(team), marker),
    });
  return blamed((work) => renderWork(work, blamed));
}

function traceWork(work: RenderWork, marker: TemplateMarker): void {
  const snippets = work.team.snippets.filter(({ isTemplate }) => isTemplate);
  for (const name of [MAIN, ...snippets.map((one) => snippetTemplate(one.name))]) {
    work.renderMarked(name, { revision: STAND_IN, marker });
  }
}

/** Runs what renders a text with marks; where that fails it names whose fault it is. */
type Marking = (markedText: (work: RenderWork) => LineMap) => LineMap;

function renderWork(work: RenderWork, marking: Marking): RenderedService {
  const main = renderText(work, MAIN);
  const snippets = work.team.snippets.map((snippet) => ({ snippet, text: renderSnippet(work, snippet) }));
  const hash = createHash("sha256").update(main.unrevised);
  for (const { snippet, text } of snippets) hash.update(`\0${snippet.name}\0${text.unrevised}`);
  const revision = hash.digest("hex").slice(0, 16);
  return {
    files: [
      withLines({ name: "main.vcl", main: true, content: main.revised(revision) }, () =>
        main.linesOf(revision, marking),
      ),
    ],
    snippets: snippets.map(({ snippet: { name, place, priority }, text }) =>
      withLines({ name, type: place, priority, content: text.revised(revision) }, () =>
        text.linesOf(revision, marking),
      ),
    ),
    revision,
  };
}

/** Adds the origins of the lines, which take as long to find as all else and which only a message asks for. */
function withLines<T extends object>(file: T, find: () => LineMap): T & { readonly lines: LineMap } {
  let found: LineMap | undefined;
  return Object.defineProperty({ ...file, lines: [] }, "lines", {
    enumerable: true,
    get: () => (found ??= find()),
  });
}

const MAIN = "main.vcl.njk";

/** Everything that the texts of one service are rendered from. */
interface RenderWork {
  readonly team: TeamFolder;
  render(name: string, revision: string): string;
  /** The same with the marks of a marker. */
  renderMarked(name: string, what: { readonly revision: string; readonly marker: TemplateMarker }): string;
}

function workOf({
  lookup,
  values,
  team,
}: {
  readonly lookup: TemplateLookup;
  readonly values: object;
  readonly team: TeamFolder;
}): RenderWork {
  // One engine for all that is rendered: it compiles each template once.
  const engine = createEngine(lookup);
  return {
    team,
    render: (name, revision) => engine.render(name, { ...values, revision }),
    renderMarked: (name, { revision, marker }) =>
      createEngine(lookup, marker).render(name, { ...values, revision }),
  };
}

/** A text before it is known what revision it is of. */
interface UnrevisedText {
  readonly unrevised: string;
  revised(revision: string): string;
  linesOf(revision: string, marking: Marking): LineMap;
}

function renderText(work: RenderWork, name: string): UnrevisedText {
  const standing = work.render(name, STAND_IN);
  // The project's own templates only print the revision; a team's may do anything with it.
  const isOwn = work.team.templates.length === 0 && name === MAIN;
  const revised = (revision: string): string =>
    tidy(isOwn ? standing.replaceAll(STAND_IN, revision) : work.render(name, revision));
  return {
    unrevised: tidy(standing.replaceAll(STAND_IN, "")),
    revised,
    linesOf: (revision, marking) => {
      const content = revised(revision);
      return marking((marked) => {
        const marker = new LineMarker();
        return marker.mapOf(content, marked.renderMarked(name, { revision, marker }));
      });
    },
  };
}

function renderSnippet(work: RenderWork, { source, label, isTemplate, name }: TeamSnippet): UnrevisedText {
  if (isTemplate) return renderText(work, snippetTemplate(name));
  const lines = source
    .split("\n")
    .map((text, index) => (text.trim() === "" ? null : { template: label, line: index + 1 }));
  return { unrevised: source, revised: () => source, linesOf: () => lines };
}

/** Under this name the engine finds a snippet; no file can be called so. */
function snippetTemplate(name: string): string {
  return `snippets/${name}`;
}

function lookupIn(own: RenderSources["own"], team: TeamFolder): TemplateLookup {
  const theirs = new Map<string, TemplateSource>([
    ...team.templates.map((template) => [template.file, template] as const),
    ...team.snippets.map((snippet) => [snippetTemplate(snippet.name), snippet] as const),
  ]);
  return (name) => {
    const found = theirs.get(name);
    if (found) return found;
    const file = name.startsWith(OWN_PREFIX) ? name.slice(OWN_PREFIX.length) : name;
    const source = own.get(file);
    return source === undefined ? undefined : { source, label: file };
  };
}

/** No trailing blanks, no runs of empty lines, one newline at the end. */
function tidy(text: string): string {
  return `${text
    .replace(/[ \t]+$/gm, "")
    .replace(/\n{3,}/g, "\n\n")
    .replace(/\{\n\n+/g, "{\n")
    .trim()}\n`;
}
