import { checkProgram } from "./checker.ts";
import type { CompileOptions } from "./compiler.ts";
import { compileProgram } from "./compiler.ts";
import { VclError } from "./diagnostics.ts";
import type { Program } from "./runtime.ts";
import type { ServiceSources } from "./service.ts";
import { parseService } from "./service.ts";

/**
 * From a service's texts to what the edge runs: parse, check, compile. Warnings are kept in `Program.warnings`.
 * @throws VclError with every error of the first step that found any.
 */
export function compileService(sources: ServiceSources, options: Omit<CompileOptions, "warnings">): Program {
  const program = parseService(sources);
  const findings = checkProgram(program);
  const errors = findings.filter((finding) => finding.severity === "error");
  if (errors.length > 0) throw new VclError(errors);
  return compileProgram(program, { ...options, warnings: findings });
}
