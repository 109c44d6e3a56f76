import nunjucks from "nunjucks";
import { STAND_IN, withoutMarks } from "./template-marks.ts";
import { toVclString } from "./vcl-string.ts";

/** The source of a template and what people call it. */
export interface TemplateSource {
  readonly source: string;
  /** As in `LineOrigin.template`. */
  readonly label: string;
}

/** Finds templates by the name under which templates import each other. */
export type TemplateLookup = (name: string) => TemplateSource | undefined;

/** Changes templates as they are loaded. */
export interface TemplateMarker {
  mark(source: string, label: string): string;
  /** Functions that the changed templates call. */
  readonly globals?: Readonly<Record<string, (number: number) => string>>;
}

/** A template engine over these templates, changed by a marker where there is one. */
export function createEngine(lookup: TemplateLookup, marker?: TemplateMarker): nunjucks.Environment {
  const loader: nunjucks.ILoader = {
    getSource(name) {
      const found = lookup(name);
      if (!found) throw new Error(`template not found: ${name}`);
      const src = marker ? marker.mark(found.source, found.label) : found.source;
      return { src, path: found.label, noCache: false };
    },
  };
  const engine = new nunjucks.Environment(loader, {
    autoescape: false,
    throwOnUndefined: true,
    trimBlocks: true,
    lstripBlocks: true,
  });
  engine.addFilter("vcl", (text: string) => toVclString(withoutMarks(text).replaceAll(STAND_IN, "")));
  for (const [name, run] of Object.entries(marker?.globals ?? {})) engine.addGlobal(name, run);
  return engine;
}

/**
 * Compiles a template without rendering it.
 * @throws what is wrong with it, in nunjucks' words
 */
export function compileTemplate({ source, label }: TemplateSource): nunjucks.Template {
  return new nunjucks.Template(
    source,
    createEngine(() => undefined),
    label,
    true,
  );
}
