import { leadOf, markOf, markTemplate, marksIn, withoutMarks } from "./template-marks.ts";

/** The line of a template that a rendered line came from. */
export interface LineOrigin {
  /** File in its folder: `force-tls.vcl.njk` for the project's own, with the folder before it for a team's (`edge/force-tls.vcl.njk`). */
  readonly template: string;
  /** Counted from 1. */
  readonly line: number;
}

/** One entry per line of a rendered text; `null` where the line is blank. */
export type LineMap = readonly (LineOrigin | null)[];

/** Where a line of a rendered file (counted from 1) came from; `undefined` for a line that is blank or not there. */
export function originOf(file: { readonly lines: LineMap }, line: number): LineOrigin | undefined {
  return file.lines[line - 1] ?? undefined;
}

/** Marks templates as they are loaded, and reads in what was rendered from them where each line came from. */
export class LineMarker {
  readonly #origins: LineOrigin[] = [];

  /** The source of a template with its marks. */
  mark(source: string, template: string): string {
    return markTemplate(source, (line) => markOf(this.#origins.push({ template, line }) - 1));
  }

  /**
   * The origins of the lines of `content`, which was rendered from the templates as they are, found in the text that
   * was rendered from them with marks. Where the two differ (a template that counts characters, say), a line has the
   * origin of the nearest line before it that both have.
   */
  mapOf(content: string, marked: string): LineMap {
    const known = this.#originsIn(marked);
    let next = 0;
    let last: LineOrigin | undefined;
    return content.split("\n").map((line) => {
      const text = line.trim();
      if (text === "") return null;
      const found = indexWithin(known, { text, from: next });
      if (found !== undefined) {
        next = found + 1;
        last = known[found]?.origin ?? last;
      }
      return last ?? known[0]?.origin ?? null;
    });
  }

  #originsIn(marked: string): readonly KnownLine[] {
    let current: LineOrigin | undefined;
    const lines: KnownLine[] = [];
    for (const line of marked.split("\n")) {
      const leading = marksIn(leadOf(line)).at(-1);
      if (leading !== undefined) current = this.#origins[leading];
      const text = withoutMarks(line).trim();
      if (text !== "") lines.push({ text, origin: current });
      const last = marksIn(line).at(-1);
      if (last !== undefined) current = this.#origins[last];
    }
    return lines;
  }
}

interface KnownLine {
  readonly text: string;
  readonly origin: LineOrigin | undefined;
}

/** How many lines the two texts may drift apart. */
const FARTHEST = 400;

function indexWithin(
  lines: readonly KnownLine[],
  { text, from }: { readonly text: string; readonly from: number },
): number | undefined {
  const end = Math.min(lines.length, from + FARTHEST);
  for (let index = from; index < end; index += 1) if (lines[index]?.text === text) return index;
  return undefined;
}
