import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type nunjucks from "nunjucks";
import { isErrno, messageOf } from "../lib/caught.ts";
import { SitefleetError } from "../lib/errors.ts";
import { packagePath } from "../lib/package-root.ts";
import type { Environment } from "../settings/environment.ts";
import { createEngine } from "./engine.ts";
import type { TemplateLookup } from "./engine.ts";
import { FEATURES } from "./features.ts";
import type { FeatureName } from "./features.ts";
import { LineMarker } from "./line-map.ts";
import type { LineMap } from "./line-map.ts";
import { STAND_IN, withoutMarks } from "./template-marks.ts";
import { templateValues } from "./template-values.ts";

/** Rendered VCL of one environment; the same settings and templates give the same bytes. */
export interface RenderedService {
  readonly files: readonly RenderedFile[];
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

export interface RenderOptions {
  /** Folder of templates; default: the project's own. */
  readonly templates?: string;
  /** Features to leave out: for tests that show each one is needed. */
  readonly without?: readonly FeatureName[];
}

/** The project's templates: beside `src/` and `dist/` alike. */
export const TEMPLATES = packagePath("templates");

/**
 * Renders the service of one environment.
 * @throws SitefleetError `render/template` when a template fails (unknown name, syntax), with the template's own message
 */
export function renderService(environment: Environment, options: RenderOptions = {}): RenderedService {
  const lookup = lookupIn(options.templates ?? TEMPLATES);
  const without = options.without ?? [];
  const features = FEATURES.filter((name) => !without.includes(name)).map((name) => ({
    name,
    file: `${name}.vcl.njk`,
  }));
  const values = templateValues(environment, features);
  const marker = new LineMarker();
  const marked = renderMain(createEngine(lookup, marker), { ...values, revision: STAND_IN });
  const revision = createHash("sha256")
    .update(tidy(withoutMarks(marked.replaceAll(STAND_IN, ""))))
    .digest("hex")
    .slice(0, 16);
  const content = tidy(renderMain(createEngine(lookup), { ...values, revision }));
  const lines = marker.mapOf(content, marked.replaceAll(STAND_IN, revision));
  return { files: [{ name: "main.vcl", content, main: true, lines }], revision };
}

function lookupIn(folder: string): TemplateLookup {
  return (name) => {
    if (!/^[a-z0-9-]+\.vcl\.njk$/.test(name)) return undefined;
    try {
      return { source: readFileSync(join(folder, name), "utf8"), label: name };
    } catch (error) {
      if (isErrno(error, "ENOENT")) return undefined;
      throw error;
    }
  };
}

function renderMain(engine: nunjucks.Environment, values: object): string {
  try {
    return engine.render("main.vcl.njk", values);
  } catch (error) {
    const reason = withoutMarks(messageOf(error));
    throw new SitefleetError("render/template", `a template failed: ${reason}`, {
      cause: error,
      hint: "the message names the template; every value must exist and every import must resolve",
    });
  }
}

/** No trailing blanks, no runs of empty lines, one newline at the end. */
function tidy(text: string): string {
  return `${text
    .replace(/[ \t]+$/gm, "")
    .replace(/\n{3,}/g, "\n\n")
    .replace(/\{\n\n+/g, "{\n")
    .trim()}\n`;
}
