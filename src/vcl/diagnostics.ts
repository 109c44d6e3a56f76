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
export function positionOf(source: Source, offset: number): Position {
  const before = source.text.slice(0, offset);
  const lineStart = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length, column: offset - lineStart + 1 };
}

/** `main.vcl:12:5: error[type/mismatch]: …` with the source line and a caret below it. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const { source, start, end } = diagnostic.span;
  const { line, column } = positionOf(source, start);
  const text = source.text.split("\n")[line - 1] ?? "";
  const width = Math.max(1, Math.min(end - start, text.length - column + 1));
  const gutter = String(line);
  const pad = " ".repeat(gutter.length);
  const lead = text.slice(0, column - 1).replace(/[^\t]/g, " ");
  return [
    `${source.name}:${line}:${column}: ${diagnostic.severity}[${diagnostic.rule}]: ${diagnostic.message}`,
    `${pad} |`,
    `${gutter} | ${text}`,
    `${pad} | ${lead}${"^".repeat(width)}`,
  ].join("\n");
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
