import type { Source, Span } from "./source.ts";

export type Severity = "error" | "warning";

/** One finding about VCL text: a stable rule id (`syntax/unexpected-token`, `type/mismatch`…), a sentence, and the place. */
export interface Diagnostic {
  readonly severity: Severity;
  readonly rule: string;
  readonly message: string;
  readonly span: Span;
}

/** 1-based line and column of an offset. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Line and column of an offset in a source; an offset past the end is the place behind the last character. */
export function positionOf({ text }: Source, offset: number): Position {
  const end = Math.min(offset, text.length);
  let line = 1;
  let lineStart = 0;
  for (let at = text.indexOf("\n"); at !== -1 && at < end; at = text.indexOf("\n", at + 1)) {
    line += 1;
    lineStart = at + 1;
  }
  return { line, column: end - lineStart + 1 };
}

/** Of longer lines only what is around the place is shown: a message must not grow with the file. */
const MAX_SHOWN = 160;

/** `main.vcl:12:5: error[type/mismatch]: …` with the source line (160 characters of it at most) and a caret below it. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const { source, start, end } = diagnostic.span;
  const { line, column } = positionOf(source, start);
  const { text, caret } = excerpt(source.text, { start, column });
  const width = Math.max(1, Math.min(end - start, text.length - caret));
  const gutter = String(line);
  const pad = " ".repeat(gutter.length);
  const lead = text.slice(0, caret).replace(/[^\t]/g, " ");
  return [
    `${source.name}:${line}:${column}: ${diagnostic.severity}[${diagnostic.rule}]: ${diagnostic.message}`,
    `${pad} |`,
    `${gutter} | ${text}`,
    `${pad} | ${lead}${"^".repeat(width)}`,
  ].join("\n");
}

/** The line around an offset, cut to size, and where in it the offset is. */
function excerpt(
  text: string,
  { start, column }: { start: number; column: number },
): { readonly text: string; readonly caret: number } {
  const lineStart = Math.min(start, text.length) - (column - 1);
  const newline = text.indexOf("\n", lineStart);
  const lineEnd = newline === -1 ? text.length : newline;
  const from = column > MAX_SHOWN - 20 ? lineStart + column - 1 - 40 : lineStart;
  const isCutLeft = from > lineStart;
  const isCutRight = lineEnd - from > MAX_SHOWN;
  const shown = text.slice(from, isCutRight ? from + MAX_SHOWN : lineEnd);
  const left = isCutLeft ? "…" : "";
  return {
    text: `${left}${shown}${isCutRight ? "…" : ""}`,
    caret: lineStart + column - 1 - from + left.length,
  };
}

/** VCL that cannot be compiled; carries every error found (at least one). */
export class VclError extends Error {
  override readonly name = "VclError";
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly Diagnostic[]) {
    super(diagnostics.map(formatDiagnostic).join("\n\n"));
    this.diagnostics = diagnostics;
  }
}

/** A running program that must stop: budget used up, workspace overflow. The edge answers 503. */
export class VclRuntimeError extends Error {
  override readonly name = "VclRuntimeError";
  readonly rule: string;
  readonly span: Span | undefined;

  constructor(rule: string, message: string, span?: Span) {
    super(message);
    this.rule = rule;
    this.span = span;
  }
}
