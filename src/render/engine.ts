import nunjucks from "nunjucks";
import type { LineMarker } from "./line-map.ts";
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

/** A template engine over these templates; with a marker, what it renders has marks. */
export function createEngine(lookup: TemplateLookup, marker?: LineMarker): nunjucks.Environment {
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
