import { readFileSync } from "node:fs";
import { join } from "node:path";
import { TEMPLATES } from "../../../src/render/render.ts";

/** Files of a team's folder, and the rule that must refuse them. */
export interface BrokenContract {
  readonly what: string;
  readonly files: Readonly<Record<string, string>>;
  readonly rule: string;
  /** Template and line that the finding names; where something is missing, that of the subroutine. */
  readonly origin?: RegExp;
}

/** One of the project's templates with a text replaced. */
export function changed(
  feature: string,
  from: string | RegExp,
  to: string,
): Readonly<Record<string, string>> {
  const file = `${feature}.vcl.njk`;
  const source = readFileSync(join(TEMPLATES, file), "utf8");
  const text = source.replace(from, () => to);
  if (text === source) throw new Error(`${file} does not have ${String(from)}`);
  return { [file]: text };
}

/** A feature of the team's with one stage. */
export function added(stage: string, body: string, place = "after: log"): Readonly<Record<string, string>> {
  return { "ours.vcl.njk": `{#- ${place} -#}\n{% macro ${stage}() %}\n${body}\n{% endmacro %}\n` };
}

export function snippet(type: string, body: string): Readonly<Record<string, string>> {
  return { [`snippets/${type}-ours.vcl`]: `# ours\n${body}\n` };
}

export const OURS = /^edge\/(?:ours\.vcl\.njk:3|snippets\/\w+-ours\.vcl:2)$/;
