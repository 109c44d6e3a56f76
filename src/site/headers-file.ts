import { headerNameProblem, headerValueProblem, nativeHeader } from "./header-names.ts";
import type { NativeHeader } from "./header-names.ts";
import { filePaths, matchesFile, parseHeaderPattern } from "./header-pattern.ts";
import type { HeaderPattern } from "./header-pattern.ts";
import { HEADER_SLOTS, METADATA_BUDGET, OBJECT_METADATA } from "./metadata.ts";
import { metadataBytes } from "./object-metadata.ts";
import type { Metadata } from "./object-metadata.ts";
import { EDGE_DEFAULT_HEADERS, packHeaders } from "./packed-headers.ts";
import type { PackedHeader } from "./packed-headers.ts";
import type { RuleSource } from "./redirect-rule.ts";
import { numberedLines } from "./redirects-file.ts";
import type { RuleNote } from "./redirects-file.ts";

/** One header of a rule: set to a value, or, with `null`, taken away. */
export interface HeaderLine {
  readonly source: RuleSource;
  readonly text: string;
  readonly name: string;
  readonly value: string | null;
}

/** The headers of all files that a path matches. */
export interface HeaderRule {
  readonly source: RuleSource;
  /** The path as it was written. */
  readonly path: string;
  readonly pattern: HeaderPattern;
  readonly lines: readonly HeaderLine[];
}

export interface ParsedHeaders {
  readonly rules: readonly HeaderRule[];
  /** Lines that were left out; what is to become of the others is the caller's choice. */
  readonly problems: readonly RuleNote[];
}

/**
 * Reads the text of a `_headers` file, in Netlify's and Cloudflare's dialect: a path, then lines `Name: value` or
 * `! Name` for it; a name that comes again joins its values with `, `. There is no limit to the number of rules.
 */
export function parseHeaders(text: string, file: string): ParsedHeaders {
  const problems: RuleNote[] = [];
  const blocks: { readonly source: RuleSource; readonly path: string; readonly lines: HeaderLine[] }[] = [];
  for (const { line, text: raw } of numberedLines(text)) {
    const source = { file, line };
    const words = raw.trim();
    if (words === "" || words.startsWith("#")) continue;
    if (words.startsWith("/") || /^[a-z][a-z0-9+.-]*:\/\//i.test(words)) {
      blocks.push({ source, path: words, lines: [] });
      continue;
    }
    const read = readLine(words, source);
    const block = blocks.at(-1);
    if (typeof read === "string") problems.push({ what: "header", source, text: words, reason: read });
    else if (block === undefined) {
      problems.push({ what: "header", source, text: words, reason: "stands before any path" });
    } else block.lines.push(read);
  }
  const made = blocks.map(makeHeaderRule);
  return {
    rules: made.flatMap(({ rules }) => rules),
    problems: [...problems, ...made.flatMap((block) => block.problems)].sort(
      (a, b) => a.source.line - b.source.line,
    ),
  };
}

function readLine(text: string, source: RuleSource): HeaderLine | string {
  if (text.startsWith("!")) return { source, text, name: text.slice(1).trim(), value: null };
  const colon = text.indexOf(":");
  if (colon === -1) return "is neither a path nor of the form `Name: value`";
  return { source, text, name: text.slice(0, colon).trim(), value: text.slice(colon + 1).trim() };
}

/** Builds a rule of lines as they were read; lines that cannot be used are left out and are problems. */
export function makeHeaderRule(block: {
  readonly source: RuleSource;
  readonly path: string;
  readonly lines: readonly HeaderLine[];
}): ParsedHeaders {
  const { source, path } = block;
  const parsed = parseHeaderPattern(path);
  if (parsed.kind === "refused") {
    return { rules: [], problems: [{ what: "header", source, text: path, reason: parsed.reason }] };
  }
  const { pattern } = parsed;
  const problems: RuleNote[] = [];
  const lines = new Map<string, HeaderLine>();
  for (const line of block.lines) {
    const name = line.name.toLowerCase();
    const joined = join(lines.get(name)?.value, { ...line, value: line.value?.trim() ?? null });
    const reason = lineProblem(joined, pattern);
    if (reason !== undefined) {
      problems.push({ what: "header", source: line.source, text: line.text, reason });
      continue;
    }
    // What comes again goes to the end.
    lines.delete(name);
    lines.set(name, joined);
  }
  return { rules: lines.size === 0 ? [] : [{ source, path, pattern, lines: [...lines.values()] }], problems };
}

/** A value for a name that the block has already is added to it. */
function join(earlier: string | null | undefined, line: HeaderLine): HeaderLine {
  const isMore = typeof earlier === "string" && line.value !== null && line.value !== "";
  return isMore ? { ...line, value: `${earlier}, ${line.value}` } : line;
}

function lineProblem(line: HeaderLine, pattern: HeaderPattern): string | undefined {
  const { name, value } = line;
  const problem = headerNameProblem(name);
  if (problem !== undefined) return problem;
  if (value === null) {
    return name.toLowerCase() === "content-type" ? "cannot be taken away: every file has a type" : undefined;
  }
  const used = pattern.names.find((known) => new RegExp(`:${known}(?!\\w)`).test(value));
  if (used !== undefined) return `uses ":${used}" in its value; placeholders in values are not filled in`;
  return headerValueProblem(name, value);
}

/** The headers of one file by all rules. */
export interface AppliedHeaders {
  /** Fields that S3 keeps: the value, or `null` where the default is taken away. */
  readonly native: Readonly<Partial<Record<NativeHeader, string | null>>>;
  /** Headers that ride in metadata, in order of their names. */
  readonly extra: readonly PackedHeader[];
  /** The line that each of `extra` comes from. */
  readonly lines: readonly HeaderLine[];
}

/**
 * Applies rules to a file, in order: a header that a later rule sets or takes away replaces what earlier rules said
 * (as Netlify does; at Cloudflare, which would join the values, `! Name` before it says the same).
 *
 * @param file path in the folder without leading `/`, decoded
 */
export function headersFor(rules: readonly HeaderRule[], file: string): AppliedHeaders {
  const paths = filePaths(file);
  const last = new Map<string, HeaderLine>();
  for (const rule of rules) {
    if (!matchesFile(rule.pattern, paths)) continue;
    for (const line of rule.lines) last.set(line.name.toLowerCase(), line);
  }
  const native: Partial<Record<NativeHeader, string | null>> = {};
  const extra: { readonly header: PackedHeader; readonly line: HeaderLine }[] = [];
  for (const [name, line] of [...last].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const field = nativeHeader(name);
    const header = packedHeader(line);
    if (field !== undefined) native[field] = line.value;
    // Cache-Control is both: S3 keeps a value, and the edge has a default.
    if (header?.kind === "remove" || (header !== undefined && field === undefined))
      extra.push({ header, line });
  }
  return { native, extra: extra.map(({ header }) => header), lines: extra.map(({ line }) => line) };
}

/** A header that the edge would not have added need not be taken away. */
function packedHeader({ name, value }: HeaderLine): PackedHeader | undefined {
  if (value !== null) return { kind: "set", name, value };
  const known = EDGE_DEFAULT_HEADERS.find((header) => header.toLowerCase() === name.toLowerCase());
  return known && { kind: "remove", name: known };
}

export type FittedHeaders =
  | { readonly kind: "ok"; readonly metadata: Metadata }
  /** The note is about the first line that is too much. */
  | { readonly kind: "over"; readonly note: RuleNote };

/**
 * The metadata of an object with its headers, if they fit.
 *
 * @param object.file the file, for the note
 * @param object.metadata what the object's metadata holds besides
 */
export function fitHeaders(
  applied: AppliedHeaders,
  object: { readonly file: string; readonly metadata: Metadata },
): FittedHeaders {
  if (applied.extra.length === 0) return { kind: "ok", metadata: object.metadata };
  const over = applied.lines[HEADER_SLOTS.length];
  if (over) {
    const reason = `is number ${HEADER_SLOTS.length + 1} of the headers of "${object.file}"; ${HEADER_SLOTS.length} is the most`;
    return { kind: "over", note: headerNote(over, reason) };
  }
  for (const [index, line] of applied.lines.entries()) {
    const bytes = metadataBytes(withHeaders(object.metadata, applied.extra.slice(0, index + 1)));
    if (bytes <= METADATA_BUDGET) continue;
    const reason = `does not fit: with it the metadata of "${object.file}" takes ${bytes} bytes, the limit is ${METADATA_BUDGET}`;
    return { kind: "over", note: headerNote(line, reason) };
  }
  return { kind: "ok", metadata: withHeaders(object.metadata, applied.extra) };
}

function withHeaders(metadata: Metadata, headers: readonly PackedHeader[]): Metadata {
  return { ...metadata, [OBJECT_METADATA.headers]: packHeaders(headers) };
}

function headerNote(line: HeaderLine, reason: string): RuleNote {
  return { what: "header", source: line.source, text: line.text, reason };
}
