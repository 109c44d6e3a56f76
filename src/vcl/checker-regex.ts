import { compilePattern } from "../pcre/pattern.ts";
import { PatternSyntaxError } from "../pcre/syntax-error.ts";
import type { StringLiteral } from "./ast.ts";
import type { Findings } from "./checker-findings.ts";

/** Reports a literal that is no regular expression. */
export function checkPattern(literal: StringLiteral, findings: Findings): void {
  const { patterns } = findings;
  const known = patterns.get(literal.value);
  const fault = known === undefined ? faultOf(literal.value) : known;
  if (known === undefined) patterns.set(literal.value, fault);
  if (fault === null) return;
  const message = `not a regular expression: ${fault.message} at byte ${fault.offset}`;
  findings.report("regex/invalid", literal.span, message);
}

function faultOf(pattern: string): PatternSyntaxError | null {
  try {
    compilePattern(pattern);
    return null;
  } catch (error) {
    if (error instanceof PatternSyntaxError) return error;
    throw error;
  }
}
