import type { Diagnostic, Severity } from "./diagnostics.ts";
import type { Span } from "./source.ts";

/** A rule of the parser or the checker: how grave, what it says in one line, and where it comes from. */
export interface RuleRow {
  readonly severity: Severity;
  readonly meaning: string;
  /** Page of Fastly's documentation, below `https://www.fastly.com/documentation/`. */
  readonly doc: string;
}

const error = (meaning: string, doc: string) => ({ severity: "error", meaning, doc }) as const;
const warning = (meaning: string, doc: string) => ({ severity: "warning", meaning, doc }) as const;

const LIMITS = "reference/vcl/constraints-and-limitations";

/** Every rule by its stable id. Ids are never reused; the tests have a pair of examples for each. */
export const RULES = {
  "include/cycle": error("a file includes itself, directly or through others", "guides/vcl"),
  "include/not-found": error("the service has no file of the included name", "guides/vcl"),
  "limit/includes": error("files are included too often or too deep", LIMITS),
  "limit/nesting": error("blocks or expressions are nested too deep", LIMITS),
  "limit/operators": error("one expression has too many operators", LIMITS),
  "limit/source-size": error("a file is larger than 1 MB", LIMITS),
  "limit/tokens": error("the service has too many tokens", LIMITS),
  "syntax/invalid-character": error("a character that starts nothing in VCL", "reference/vcl"),
  "syntax/invalid-escape": error("a % in a string that starts no escape", "reference/vcl/types/string"),
  "syntax/invalid-number": error(
    "a number that cannot be read or is out of range",
    "reference/vcl/types/integer",
  ),
  "syntax/invalid-utf8": error("a string that is not UTF-8", "reference/vcl/types/string"),
  "syntax/misplaced-break": error(
    "break or fallthrough that does not end a case",
    "reference/vcl/statements/switch",
  ),
  "syntax/unexpected-token": error("a word or sign that cannot stand here", "reference/vcl"),
  "syntax/unknown-type": error("a type that VCL does not have", "reference/vcl/types"),
  "syntax/unterminated": error("a string, comment or block that does not end", "reference/vcl"),
} as const satisfies Record<string, RuleRow>;

export type RuleId = keyof typeof RULES;

/** A finding of a rule at a place; the severity is the rule's. */
export function diagnose(rule: RuleId, span: Span, message: string): Diagnostic {
  return { severity: RULES[rule].severity, rule, message, span };
}
