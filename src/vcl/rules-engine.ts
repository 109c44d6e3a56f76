import type { RuleRow } from "./rules.ts";

const VCL = "reference/vcl";
const LIMITS = `${VCL}/constraints-and-limitations`;

const error = (meaning: string, doc: string) => ({ severity: "error", meaning, doc }) as const;

/**
 * What stops a program that parses from being compiled. All but `compile/not-executed` are the checker's findings said
 * again, for programs that are compiled unchecked.
 */
export const COMPILE_RULES = {
  "compile/arguments": error("a call with arguments that the function does not take", `${VCL}/functions`),
  "compile/director": error("a director's member that is not declared", `${VCL}/declarations/director`),
  "compile/not-executed": error("something that Fastly does and this engine does not", VCL),
  "compile/operator": error("an operator that the type does not have", `${VCL}/operators`),
  "compile/read-only": error("a variable that cannot be set", `${VCL}/variables`),
  "compile/table-value": error("a table's value that is not declared", `${VCL}/declarations/table`),
  "compile/unknown-name": error("a name that means nothing", VCL),
} as const satisfies Record<string, RuleRow>;

/** What ends a request while VCL runs: a 503 that vcl_error does not see. */
export const RUNTIME_RULES = {
  "limit/calls": error("one subroutine of Fastly's called too many others", LIMITS),
  "limit/depth": error("subroutines called each other too deep", LIMITS),
  "limit/headers": error("a request had more than 255 headers, or a response more than 96", LIMITS),
  "limit/regex-steps": error("regular expressions of one subroutine took too many steps", `${VCL}/regex`),
  "limit/statements": error("one subroutine of Fastly's ran too many statements", LIMITS),
  "workspace/overflow": error("the request used up its memory", `${VCL}/memory-overflows`),
} as const satisfies Record<string, RuleRow>;

export type CompileRuleId = keyof typeof COMPILE_RULES;
