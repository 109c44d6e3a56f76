import { desiredService } from "../deploy/desired.ts";
import { runFalco } from "../deploy/falco.ts";
import { lintService } from "../deploy/lint.ts";
import { renderService } from "../render/render.ts";
import { formatDiagnostic, positionOf } from "../vcl/diagnostics.ts";
import type { Diagnostic } from "../vcl/diagnostics.ts";
import type { CommandContext } from "./context.ts";
import type { CommandDefinition } from "./command.ts";

export const commands: readonly CommandDefinition[] = [
  {
    verb: undefined,
    summary: "check the rendered VCL with our own rules and, where installed, with falco",
    writes: false,
    examples: ["lint", "lint --env production --json"],
    run: runLint,
  },
];

async function runLint(context: CommandContext): Promise<number> {
  const environment = await context.environment();
  const desired = desiredService(environment, renderService(environment));
  const findings = lintService(desired);
  const path = context.variables["PATH"] ?? "";
  const falco = await runFalco(desired.content, { path, signal: context.signal });
  context.report.progress(falco.ran ? "falco: done" : `falco: skipped, ${falco.reason}`);
  const errors = findings.filter(({ severity }) => severity === "error").length;
  const lines = [
    ...findings.map(formatDiagnostic),
    ...(falco.ran && falco.output.trim() !== "" ? [falco.output.trim()] : []),
    `${environment.name}: ${errors} errors, ${findings.length - errors} warnings`,
  ];
  const document = { environment: environment.name, findings: findings.map(toDocument), falco };
  context.report.result(document, lines.join("\n"));
  return errors > 0 || (falco.ran && !falco.ok) ? 1 : 0;
}

function toDocument({ rule, severity, message, span }: Diagnostic): object {
  return { rule, severity, message, file: span.source.name, ...positionOf(span.source, span.start) };
}
