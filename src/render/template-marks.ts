/**
 * Marks in the text of a template that tell, in what is rendered from it, which line each piece came from. They are put
 * where whitespace control (`{%-`, trimBlocks, lstripBlocks) never looks: before what is not blank.
 */

/** Around a mark's number. Noncharacters: Unicode promises that no text in interchange has them (section 23.7). */
const OPEN = "\uFDD0";
const CLOSE = "\uFDD1";
const MARK = new RegExp(`${OPEN}(\\d+)${CLOSE}`, "g");

/** What is rendered in place of a value that is not known yet. */
export const STAND_IN = `${OPEN}${CLOSE}`;

/** Whether a text has what marks are made of, and therefore cannot be marked. */
export function holdsMarks(text: string): boolean {
  return text.includes(OPEN) || text.includes(CLOSE);
}

/** The mark of a number. */
export function markOf(number: number): string {
  return `${OPEN}${number}${CLOSE}`;
}

/** The text without its marks. */
export function withoutMarks(text: string): string {
  return text.replace(MARK, "");
}

/** The numbers of the marks in a text, in order. */
export function marksIn(text: string): readonly number[] {
  return [...text.matchAll(MARK)].map((match) => Number(match[1]));
}

/** What stands before the first character of a line that is neither blank nor part of a mark. */
export function leadOf(line: string): string {
  return new RegExp(`^(?:\\s|${OPEN}\\d+${CLOSE})*`).exec(line)?.[0] ?? "";
}

/** Blocks whose text becomes a value that templates may compare or filter: it is left as it is. */
const CAPTURES: Readonly<Record<string, string>> = { set: "endset", filter: "endfilter", call: "endcall" };

const RAW_END = /\{%-?\s*end(?:raw|verbatim)\s*-?%\}/g;

interface Scan {
  readonly source: string;
  readonly mark: (line: number) => string;
  at: number;
  line: number;
  /** Ends of the capturing blocks that are open. */
  readonly captures: string[];
  readonly out: string[];
}

/**
 * The template with a mark before each output and before the first character of each piece of text on a line.
 * @param mark text of the mark for a line, counted from 1
 */
export function markTemplate(source: string, mark: (line: number) => string): string {
  const scan: Scan = { source, mark, at: 0, line: 1, captures: [], out: [] };
  while (scan.at < source.length) {
    const start = /\{[%{#]/g;
    start.lastIndex = scan.at;
    const next = start.exec(source)?.index ?? source.length;
    copyText(scan, next);
    if (next < source.length) copyTag(scan);
  }
  return scan.out.join("");
}

function copyText(scan: Scan, end: number): void {
  const text = scan.source.slice(scan.at, end);
  scan.at = end;
  for (const [index, piece] of text.split("\n").entries()) {
    if (index > 0) {
      scan.line += 1;
      scan.out.push("\n");
    }
    const lead = /^\s*/.exec(piece)?.[0] ?? "";
    const isBlank = lead.length === piece.length;
    scan.out.push(isBlank ? piece : `${lead}${markHere(scan)}${piece.slice(lead.length)}`);
  }
}

function markHere(scan: Scan): string {
  return scan.captures.length > 0 ? "" : scan.mark(scan.line);
}

function copyTag(scan: Scan): void {
  const { source, at } = scan;
  if (source.startsWith("{#", at)) {
    const end = source.indexOf("#}", at + 2);
    copyVerbatim(scan, end === -1 ? source.length : end + 2);
    return;
  }
  const end = endOfCode(source, at + 2);
  const tag = source.slice(at, end);
  if (tag.startsWith("{{")) {
    const mark = markHere(scan);
    // `{{-` takes away the blanks before it, but not before a mark: an output of the mark alone does that in its place.
    if (mark !== "" && tag.startsWith("{{-")) {
      scan.out.push(`{{- "${mark}" }}{{`);
      scan.at += 3;
    } else {
      scan.out.push(mark);
    }
    copyVerbatim(scan, end);
    return;
  }
  copyVerbatim(scan, end);
  enterBlock(scan, tag);
}

function copyVerbatim(scan: Scan, end: number): void {
  const text = scan.source.slice(scan.at, end);
  scan.out.push(text);
  scan.line += text.split("\n").length - 1;
  scan.at = end;
}

function enterBlock(scan: Scan, tag: string): void {
  const [, word = "", rest = ""] = /^\{%-?\s*(\w+)([^]*)/.exec(tag) ?? [];
  if (word === "raw" || word === "verbatim") {
    RAW_END.lastIndex = scan.at;
    copyText(scan, RAW_END.exec(scan.source)?.index ?? scan.source.length);
    return;
  }
  const end = Object.hasOwn(CAPTURES, word) ? CAPTURES[word] : undefined;
  if (end !== undefined && !(word === "set" && rest.includes("="))) scan.captures.push(end);
  else if (word === scan.captures.at(-1)) scan.captures.pop();
}

/** Where the code ends that begins at `from`, as nunjucks' lexer sees it: strings and `r/…/` hold anything. */
export function endOfCode(source: string, from: number): number {
  const part = /"(?:\\[^]|[^"\\])*"?|'(?:\\[^]|[^'\\])*'?|(?<!\w)r\/(?:\\.|[^/])*\/?|[%}]\}|[^]/gy;
  part.lastIndex = from;
  for (let match = part.exec(source); match; match = part.exec(source)) {
    if (match[0] === "%}" || match[0] === "}}") return part.lastIndex;
  }
  return source.length;
}
