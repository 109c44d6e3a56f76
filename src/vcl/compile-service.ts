import { checkProgram } from "./checker.ts";
import type { CompileOptions } from "./compiler.ts";
import { compileProgram } from "./compiler.ts";
import type { VclProgram } from "./ast-declarations.ts";
import type { Diagnostic } from "./diagnostics.ts";
import { VclError } from "./diagnostics.ts";
import type { Program } from "./runtime.ts";
import type { ServiceSources } from "./service.ts";
import { parseService } from "./service.ts";

/** A service that may be compiled, and what the checker warned of. */
export interface CheckedService {
  readonly program: VclProgram;
  readonly warnings: readonly Diagnostic[];
}

/**
 * Parses and checks a service's texts.
 * @throws VclError with every error of the first step that found any.
 */
export function checkService(sources: ServiceSources): CheckedService {
  const program = parseService(sources);
  const warnings = checkProgram(program);
  const errors = warnings.filter((finding) => finding.severity === "error");
  if (errors.length > 0) throw new VclError(errors);
  return { program, warnings };
}

/**
 * From a service's texts to what the edge runs: parse, check, compile. Warnings are kept in `Program.warnings`.
 * @throws VclError with every error of the first step that found any.
 */
export function compileService(sources: ServiceSources, options: Omit<CompileOptions, "warnings">): Program {
  const { program, warnings } = checkService(sources);
  return compileProgram(program, { ...options, warnings });
}
