import { compilePattern } from "../pcre/pattern.ts";
import { PatternSyntaxError } from "../pcre/syntax-error.ts";
import type { StringLiteral } from "./ast.ts";
import type { Findings } from "./checker-findings.ts";

/** Reports a literal that is no regular expression. */
export function checkPattern(literal: StringLiteral, findings: Findings): void {
  try {
    compilePattern(literal.value);
  } catch (error) {
    if (!(error instanceof PatternSyntaxError)) throw error;
    findings.report(
      "regex/invalid",
      literal.span,
      `not a regular expression: ${error.message} at byte ${error.offset}`,
    );
  }
}
