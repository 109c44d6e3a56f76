import type { VclProgram } from "../../vcl/ast-declarations.ts";
import type { Diagnostic } from "../../vcl/diagnostics.ts";
import { CACHE_RULES } from "./cache-rules.ts";
import { IDENTITY_RULES } from "./identity-rules.ts";
import { ORIGIN_RULES } from "./origin-rules.ts";
import { PRIVACY_RULES } from "./privacy-rules.ts";
import { reachedStatements } from "./reached.ts";
import { REQUEST_RULES } from "./request-rules.ts";
import { RESPONSE_RULES } from "./response-rules.ts";
import { runRule } from "./rule.ts";
import type { LintFacts, LintRule } from "./rule.ts";

/** Every contract that is decided upon rendered VCL, by its id; `docs/lint.md` explains each. */
export const LINT_RULES: readonly LintRule[] = [
  ...REQUEST_RULES,
  ...RESPONSE_RULES,
  ...ORIGIN_RULES,
  ...PRIVACY_RULES,
  ...CACHE_RULES,
  ...IDENTITY_RULES,
].toSorted((a, b) => (a.id < b.id ? -1 : 1));

/** What breaks a contract of ours in a program that the checker finds no error in. */
export function checkContracts(
  program: VclProgram,
  about: Omit<LintFacts, "program" | "reached">,
): readonly Diagnostic[] {
  const facts: LintFacts = { program, reached: reachedStatements(program), ...about };
  return LINT_RULES.flatMap((rule) => runRule(rule, facts));
}
