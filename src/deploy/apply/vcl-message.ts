import { originOf } from "../../render/line-map.ts";
import type { LineMap, LineOrigin } from "../../render/line-map.ts";

/** A place as Fastly's compiler names it: line and column from 1, in a file or in the whole generated text (`input`). */
export interface ReportedPlace {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** One message of Fastly's VCL compiler, as `validate` and `activate` give them. */
export interface CompilerMessage {
  readonly severity: "error" | "warning";
  /** The sentence, without `Warning:` and without its place. */
  readonly text: string;
  readonly reported: ReportedPlace | undefined;
  /** The line of VCL that the compiler shows below. */
  readonly excerpt: string | undefined;
}

/** A message with where in our own files it is about. */
export interface VclMessage extends CompilerMessage {
  readonly place: OwnPlace | undefined;
}

export interface OwnPlace {
  readonly file: string;
  readonly line: number;
  readonly origin: LineOrigin | undefined;
  /** How many lines of our files read like the one shown: with more than one, the nearest was taken. */
  readonly candidates: number;
}

/** A file or snippet that was sent to Fastly. */
export interface SentFile {
  readonly name: string;
  readonly content: string;
  readonly lines: LineMap;
}

/**
 * The forms that are known: `at: (input Line 12 Pos 3)` after the sentence, on a line of its own or behind it, the name in
 * quotes or not; Varnish's own `('input' Line 12 Pos 3)`. A line of source and one of dashes and hashes may follow.
 */
const PLACE =
  /(?:\bat:?[ \t]*)?\(?(?:'([^']{0,300})'|"([^"]{0,300})"|([^\s()'"]{1,300})) Line (\d{1,9}) Pos (\d{1,9})\)?[ \t]*$/;

const POINTER = /^-*#+-*\s*$/;

/** The messages in one text of Fastly's; lines that belong to no place are a message each. */
export function parseVclMessages(text: string): readonly CompilerMessage[] {
  const lines = text.split(/\r?\n/);
  const found: CompilerMessage[] = [];
  let sentence: string[] = [];
  const end = (at: Partial<CompilerMessage>): void => {
    const words = sentence.join(" ").trim();
    sentence = [];
    if (words === "" && !at.reported) return;
    found.push(messageFrom(words, at));
  };
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] ?? "";
    const place = PLACE.exec(line);
    if (!place) {
      if (line.trim() === "") end({});
      else sentence.push(line.trim());
      continue;
    }
    sentence.push(line.slice(0, place.index).trim());
    const hasExcerpt = POINTER.test(lines[index + 2] ?? "");
    end({ reported: reportedIn(place), excerpt: hasExcerpt ? lines[index + 1] : undefined });
    if (hasExcerpt) index += 2;
  }
  end({});
  return found;
}

function reportedIn(place: RegExpExecArray): ReportedPlace {
  const [, single, double, bare, line, column] = place;
  return { file: single ?? double ?? bare ?? "", line: Number(line), column: Number(column) };
}

function messageFrom(words: string, at: Partial<CompilerMessage>): CompilerMessage {
  const label = /^(?:warning|error) ?: ?/i.exec(words)?.[0] ?? "";
  const rest = words
    .slice(label.length)
    .replace(/(?:^|[\s,])at:?$/, "")
    .trim();
  return {
    severity: /^warning/i.test(label) ? "warning" : "error",
    text: rest === "" ? words : rest,
    reported: at.reported,
    excerpt: at.excerpt,
  };
}

/** The messages of one text of Fastly's with the lines of our files and templates that they are about. */
export function placeVclMessages(text: string, files: readonly SentFile[]): readonly VclMessage[] {
  return parseVclMessages(text).map((message) => ({ ...message, place: placeOf(message, files) }));
}

function placeOf({ reported, excerpt }: CompilerMessage, files: readonly SentFile[]): OwnPlace | undefined {
  if (!reported) return undefined;
  const named = files.find(({ name }) => sameFile(name, reported.file));
  if (named) {
    const shown = named.content.split("\n")[reported.line - 1];
    const fits = excerpt === undefined || (shown !== undefined && readsLike(shown, excerpt));
    if (shown !== undefined && fits) return ownPlace(named, reported.line, 1);
  }
  return excerpt === undefined ? undefined : placeByText(excerpt, { reported, files, named });
}

/**
 * Fastly compiles one text with its own declarations and macros among ours, so that its line numbers are not those of
 * our files: what it shows of the line tells which one it is.
 */
function placeByText(
  excerpt: string,
  where: {
    readonly reported: ReportedPlace;
    readonly files: readonly SentFile[];
    readonly named: SentFile | undefined;
  },
): OwnPlace | undefined {
  if (excerpt.trim() === "") return undefined;
  const found = (where.named ? [where.named] : where.files).flatMap((file) =>
    file.content
      .split("\n")
      .flatMap((text, index) => (readsLike(text, excerpt) ? [{ file, line: index + 1 }] : [])),
  );
  const distance = ({ line }: { readonly line: number }): number => Math.abs(where.reported.line - line);
  const [nearest] = found.toSorted((a, b) => distance(a) - distance(b));
  return nearest && ownPlace(nearest.file, nearest.line, found.length);
}

function ownPlace(file: SentFile, line: number, candidates: number): OwnPlace {
  return { file: file.name, line, origin: originOf(file, line), candidates };
}

/** Fastly leaves the ending away where a file was named without. */
function sameFile(name: string, reported: string): boolean {
  const bare = (text: string): string => text.replace(/\.vcl$/, "");
  return name === reported || bare(name) === bare(reported);
}

/** Whether two texts are one line: blanks aside, because tabs are shown as spaces. */
function readsLike(line: string, excerpt: string): boolean {
  const plain = (text: string): string => text.replace(/\s+/g, " ").trim();
  return plain(line) === plain(excerpt);
}

/** `force-tls.vcl.njk:4: Expected …` and what Fastly itself said of the place; one message, maybe of several lines. */
export function formatVclMessage(message: VclMessage): string {
  const { text, reported, excerpt, place, severity } = message;
  const label = severity === "warning" ? `warning: ${text}` : text;
  const said = reported && `${reported.file}:${reported.line}:${reported.column}`;
  const shown = excerpt === undefined ? "" : `\n    ${excerpt.trim()}`;
  if (!place) return `${said === undefined ? "" : `${said}: `}${label}${shown}`;
  const own = place.origin
    ? `${place.origin.template}:${place.origin.line} (${place.file}:${place.line})`
    : `${place.file}:${place.line}`;
  const note = place.candidates > 1 ? ` [the nearest of ${place.candidates} lines that read so]` : "";
  return `${own}: ${label}${note}${shown}`;
}
