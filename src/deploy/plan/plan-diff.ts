import { structuredPatch } from "diff";
import type { StructuredPatchHunk } from "diff";
import type { VclFile } from "../../fastly/wire.ts";
import { originOf } from "../../render/line-map.ts";
import type { LineOrigin } from "../../render/line-map.ts";
import type { RenderedFile } from "../../render/render.ts";
import type { DiffHunk, FileDiff } from "./deploy-plan.ts";

/** What is compared: the wanted files, those that are live, and what the live ones are called. */
export interface DiffSides {
  readonly target: readonly VclFile[];
  readonly current: readonly VclFile[];
  /** Version of `current`; `null` when nothing is live. */
  readonly version: number | null;
  /** Rendered files, for the template lines of the wanted ones. */
  readonly files: readonly RenderedFile[];
  /** Takes secrets out of a text. */
  readonly hide: (text: string) => string;
}

/** Lines around a change, as in `diff -u`. */
const CONTEXT = 3;
/** Above so many differing lines the files have little in common, and finding the shortest difference takes long. */
const MOST_EDITS = 4_000;

/** The differences of VCL, one per file that differs, by name. */
export function diffFiles(sides: DiffSides): readonly FileDiff[] {
  const { target, current } = sides;
  const names = [...new Set([...target, ...current].map(({ name }) => name))].sort();
  return names.flatMap((file) => {
    const before = current.find(({ name }) => name === file)?.content;
    const after = target.find(({ name }) => name === file)?.content;
    return before === after ? [] : [diffOne(sides, { file, before, after })];
  });
}

interface Texts {
  readonly file: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

function diffOne(sides: DiffSides, { file, before, after }: Texts): FileDiff {
  const { hide, version } = sides;
  const rendered = sides.files.find(({ name }) => name === file);
  const found = compareLines(before ?? "", after ?? "");
  const hunks = found.map((hunk) => toHunk(hunk, { rendered, hide }));
  const head = [
    before === undefined ? "--- /dev/null" : `--- ${file} (version ${version ?? "none"})`,
    after === undefined ? "+++ /dev/null" : `+++ ${file} (rendered)`,
  ];
  const patch = [...head, ...hunks.flatMap((hunk) => [hunkHeader(hunk), ...hunk.lines])].join("\n");
  return { file, patch: `${patch}\n`, hunks };
}

function compareLines(before: string, after: string): readonly StructuredPatchHunk[] {
  const options = { context: CONTEXT, maxEditLength: MOST_EDITS };
  const found = structuredPatch("", "", before, after, undefined, undefined, options);
  return found?.hunks ?? [wholeHunk(before, after)];
}

/** All lines go, all lines come. */
function wholeHunk(before: string, after: string): StructuredPatchHunk {
  const linesOf = (text: string): readonly string[] => text.replace(/\n$/, "").split("\n");
  const [old, fresh] = [linesOf(before), linesOf(after)];
  const lines = [...old.map((line) => `-${line}`), ...fresh.map((line) => `+${line}`)];
  return { oldStart: 1, oldLines: old.length, newStart: 1, newLines: fresh.length, lines };
}

function toHunk(
  hunk: StructuredPatchHunk,
  context: { readonly rendered: RenderedFile | undefined; readonly hide: (text: string) => string },
): DiffHunk {
  return {
    templates: templatesOf(hunk, context.rendered),
    before: { start: hunk.oldStart, lines: hunk.oldLines },
    after: { start: hunk.newStart, lines: hunk.newLines },
    lines: hunk.lines.map(context.hide),
  };
}

/** Of each template the first line that a new line came from; where lines only go, those of the lines around them. */
function templatesOf(hunk: StructuredPatchHunk, rendered: RenderedFile | undefined): readonly LineOrigin[] {
  if (!rendered) return [];
  const numbered = numberLines(hunk);
  const added = numbered.filter(({ sign }) => sign === "+");
  const chosen = added.length > 0 ? added : numbered.filter(({ sign }) => sign === " ");
  const first = new Map<string, LineOrigin>();
  for (const { number } of chosen) {
    const origin = originOf(rendered, number);
    if (origin && !first.has(origin.template)) first.set(origin.template, origin);
  }
  return [...first.values()];
}

/** The lines of a hunk with their numbers in the new file; a line that goes has that of the next one. */
function numberLines(
  hunk: StructuredPatchHunk,
): readonly { readonly sign: string; readonly number: number }[] {
  let next = hunk.newStart;
  return hunk.lines.map((line) => {
    const number = next;
    const sign = line.charAt(0);
    if (sign === "+" || sign === " ") next += 1;
    return { sign, number };
  });
}

/** `@@ -1,3 +1,2 @@ (recv.vcl.njk:10)` */
export function hunkHeader({ before, after, templates }: DiffHunk): string {
  // A range of no lines is named by the line before it (POSIX diff, unified format).
  const range = ({ start, lines }: DiffHunk["before"]): string =>
    `${lines === 0 ? start - 1 : start},${lines}`;
  const origins = templates.map(({ template, line }) => `${template}:${line}`).join(", ");
  const head = `@@ -${range(before)} +${range(after)} @@`;
  return origins === "" ? head : `${head} (${origins})`;
}
