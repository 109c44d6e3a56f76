import { endOfCode } from "./template-marks.ts";
import type { LineOrigin } from "./line-map.ts";

/**
 * Knows at each moment of a rendering which tag of which template is at work. Nunjucks tells of a failure in a macro that
 * another file has the line alone, or not even that, with the name of the template that was rendered. Slow: for a second
 * rendering, after one that failed.
 */
export class TemplateTrace {
  readonly #places: LineOrigin[] = [];
  /** What is at work: the outermost template, then each macro that was called and has not ended. */
  readonly #stack: (LineOrigin | undefined)[] = [undefined];

  /** What the marked templates call; each renders as nothing. */
  readonly globals: Readonly<Record<string, (number: number) => string>> = {
    sf_trace_at: (number) => {
      this.#stack[this.#stack.length - 1] = this.#places[number];
      return "";
    },
    sf_trace_enter: () => {
      this.#stack.push(undefined);
      return "";
    },
    sf_trace_leave: () => {
      this.#stack.pop();
      return "";
    },
  };

  /** The source with a call before each tag, and one at both ends of each macro. */
  mark(source: string, template: string): string {
    return traceTemplate(source, (line) => this.#places.push({ template, line }) - 1);
  }

  /** Where the rendering was when it ended: the innermost place first. */
  places(): readonly LineOrigin[] {
    return this.#stack.flatMap((place) => place ?? []).toReversed();
  }
}

/** @param placeOf number of the place on a line, counted from 1 */
function traceTemplate(source: string, placeOf: (line: number) => number): string {
  const out: string[] = [];
  let at = 0;
  let line = 1;
  const copy = (end: number): void => {
    const text = source.slice(at, end);
    out.push(text);
    line += text.split("\n").length - 1;
    at = end;
  };
  const start = /\{[%{#]/g;
  for (let tag = start.exec(source); tag; tag = start.exec(source)) {
    copy(tag.index);
    const end = tag[0] === "{#" ? endOfComment(source, at) : endOfCode(source, at + 2);
    const word = tag[0] === "{%" ? /^\{%-?\s*(\w+)/.exec(source.slice(at, end))?.[1] : undefined;
    if (tag[0] !== "{#") out.push(`{{ sf_trace_at(${placeOf(line)}) }}`);
    if (word === "endmacro") out.push("{{ sf_trace_leave() }}");
    copy(end);
    if (word === "macro") out.push("{{ sf_trace_enter() }}");
    if (word === "raw" || word === "verbatim") copy(endOfRaw(source, { at, word }));
    start.lastIndex = at;
  }
  copy(source.length);
  return out.join("");
}

function endOfComment(source: string, at: number): number {
  const end = source.indexOf("#}", at + 2);
  return end === -1 ? source.length : end + 2;
}

/** Behind the tag that ends raw text, in which nothing is a tag. */
function endOfRaw(source: string, from: { readonly at: number; readonly word: string }): number {
  const end = new RegExp(`\\{%-?\\s*end${from.word}\\s*-?%\\}`, "g");
  end.lastIndex = from.at;
  return end.exec(source) ? end.lastIndex : source.length;
}
