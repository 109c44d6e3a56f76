import { desiredService } from "../deploy/service/desired.ts";
import { runFalco } from "../deploy/lint/falco.ts";
import { lintService } from "../deploy/lint/lint.ts";
import { formatFinding } from "../deploy/lint/finding.ts";
import { renderService } from "../render/render.ts";
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

/** The app is the same for everybody, and is checked where it is built. */
function tellNothingToLint({ report }: CommandContext, environment: string): number {
  const reason = "the target is Compute, which has no VCL";
  const document = { environment, findings: [], falco: { ran: false, reason } };
  report.result(document, `${environment}: nothing to check, ${reason}`);
  return 0;
}

async function runLint(context: CommandContext): Promise<number> {
  const environment = await context.environment();
  if (environment.target === "compute") return tellNothingToLint(context, environment.name);
  const desired = desiredService(environment, renderService(environment));
  const path = context.variables["PATH"] ?? "";
  const falco = await runFalco(desired, { path, signal: context.signal });
  context.report.progress(falco.ran ? "falco: done" : `falco: skipped, ${falco.reason}`);
  const findings = [...lintService(desired), ...(falco.ran ? falco.findings : [])];
  const errors = findings.filter(({ severity }) => severity === "error").length;
  const lines = [
    ...findings.map(formatFinding),
    `${environment.name}: ${errors} errors, ${findings.length - errors} warnings`,
  ];
  const document = {
    environment: environment.name,
    findings: findings.map(({ origin, ...finding }) => ({
      ...finding,
      template: origin?.template ?? null,
      templateLine: origin?.line ?? null,
    })),
    falco: falco.ran ? { ran: true } : { ran: false, reason: falco.reason },
  };
  context.report.result(document, lines.join("\n"));
  return errors > 0 ? 1 : 0;
}
