import { originOf } from "../../render/line-map.ts";
import type { LineOrigin } from "../../render/line-map.ts";
import { formatDiagnostic, positionOf } from "../../vcl/diagnostics.ts";
import type { Diagnostic, Severity } from "../../vcl/diagnostics.ts";
import type { Source } from "../../vcl/source.ts";
import type { SentFile } from "../apply/vcl-message.ts";

/** Something that lint found, with the template line that it came from. */
export interface LintFinding {
  readonly severity: Severity;
  /** Stable id: `sitefleet/…` of a contract, `falco/…` of falco, anything else of the VCL checker. */
  readonly rule: string;
  readonly message: string;
  /** Rendered file or snippet; line and column from 1. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly origin: LineOrigin | undefined;
  /** The line of VCL with a caret below the place; three lines. */
  readonly excerpt: string;
}

/** A finding of the checker or of a contract as people read it. */
export function toFinding(diagnostic: Diagnostic, files: readonly SentFile[]): LintFinding {
  const { severity, rule, message, span } = diagnostic;
  const { line, column } = positionOf(span.source, span.start);
  const file = files.find(({ name }) => name === span.source.name);
  return {
    severity,
    rule,
    message: textOf(message),
    file: span.source.name,
    line,
    column,
    origin: file && originOf(file, line),
    excerpt: textOf(formatDiagnostic(diagnostic).split("\n").slice(-3).join("\n")),
  };
}

/** A finding of another program's, which tells line and column. */
export function findingAt(
  file: SentFile,
  what: Pick<LintFinding, "severity" | "rule" | "message" | "line" | "column">,
): LintFinding {
  const source: Source = { name: file.name, text: Buffer.from(file.content, "utf8").toString("latin1") };
  const lines = source.text.split("\n");
  const start = lines.slice(0, what.line - 1).join("\n").length + (what.line > 1 ? 1 : 0) + what.column - 1;
  return toFinding({ ...what, span: { source, start, end: start + 1 } }, [file]);
}

/** The engine holds bytes as latin1. */
function textOf(bytes: string): string {
  return Buffer.from(bytes, "latin1").toString("utf8");
}

/** `edge/hsts.vcl.njk:2: error[sitefleet/hsts-scope]: …`, where that is in what was rendered, and the line with a caret. */
export function formatFinding({
  severity,
  rule,
  message,
  file,
  line,
  column,
  origin,
  excerpt,
}: LintFinding): string {
  const rendered = `${file}:${line}:${column}`;
  const place = origin ? `${origin.template}:${origin.line}` : rendered;
  const from = origin ? [`  --> ${rendered}`] : [];
  return [`${place}: ${severity}[${rule}]: ${message}`, ...from, excerpt].join("\n");
}
