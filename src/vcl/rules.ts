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

const VCL = "reference/vcl";
const LIMITS = `${VCL}/constraints-and-limitations`;
const USING = "guides/full-site-delivery/custom-vcl/developer-guide-using";
const ACL = `${VCL}/declarations/acl`;
const BACKEND = `${VCL}/declarations/backend`;
const DIRECTOR = `${VCL}/declarations/director`;
const TABLE = `${VCL}/declarations/table`;
const LOCALS = `${VCL}/declarations/local-variables`;
const SUBS = `${VCL}/subroutines`;
const OPERATORS = `${VCL}/operators`;
const TYPES = `${VCL}/types`;
const FUNCTIONS = `${VCL}/functions`;
const VARIABLES = `${VCL}/variables`;
const STATEMENTS = `${VCL}/statements`;

/** Every rule by its stable id. Ids are never reused; the tests have examples for each. */
export const RULES = {
  "access/protected-header": error("a header that nobody may change", `${VCL}/special-headers`),
  "access/read-only": error("a variable that cannot be set", VARIABLES),
  "access/unset": error("a variable that cannot be unset", `${STATEMENTS}/unset`),
  "access/write-only": error("a variable that cannot be read", VARIABLES),
  "acl/address": error("an ACL entry that is no IP address", ACL),
  "acl/mask": error("a prefix longer than the address", ACL),
  "add/target": error("add with something else than a whole header", `${STATEMENTS}/add`),
  "backend/missing-host": error("a backend without .host", BACKEND),
  "backend/probe": error("a probe that is not declared", BACKEND),
  "backend/probe-window": error("a probe that wants more good results than it remembers", BACKEND),
  "call/functional": error("call of a subroutine that returns a value", `${STATEMENTS}/call`),
  "call/recursion": error("subroutines that call each other in a circle", SUBS),
  "call/unknown": error("call of a subroutine that is not declared", `${STATEMENTS}/call`),
  "condition/literal": warning("a string literal as a condition, which is always true", OPERATORS),
  "deprecated/name": warning("a variable or function that Fastly advises against", VCL),
  "director/empty": error("a director without backends", DIRECTOR),
  "director/missing-property": error("a director or member without a property its type needs", DIRECTOR),
  "director/type": error("a type of director that Fastly does not have", DIRECTOR),
  "error/status": warning(
    "a status of an error statement outside of 100 to 699",
    `${STATEMENTS}/error#best-practices-for-using-status-codes-for-errors`,
  ),
  "function/argument-count": error("too few or too many arguments", FUNCTIONS),
  "function/argument-type": error("an argument of a type the parameter does not take", FUNCTIONS),
  "function/statement": error("a subroutine called like a function statement", `${STATEMENTS}/call`),
  "function/unknown": error("a function that does not exist", FUNCTIONS),
  "function/void": error("a value taken from something that returns none", FUNCTIONS),
  "goto/backward": error("a goto to a label above it", `${STATEMENTS}/goto`),
  "goto/duplicate-label": error("two labels of one name in a subroutine", `${STATEMENTS}/goto`),
  "goto/into-block": error("a goto into a block", `${STATEMENTS}/goto`),
  "goto/unknown-label": error("a goto to a label that the subroutine does not have", `${STATEMENTS}/goto`),
  "goto/unused-label": warning("a label that no goto names", `${STATEMENTS}/goto`),
  "include/cycle": error("a file includes itself, directly or through others", USING),
  "include/not-found": error("the service has no file of the included name", USING),
  "limit/backends": warning("more backends than a service has unless Fastly raises the limit", LIMITS),
  "limit/calls": error("more calls than a subroutine may inline", LIMITS),
  "limit/includes": error("files are included too often or too deep", LIMITS),
  "limit/nesting": error("blocks or expressions are nested too deep", LIMITS),
  "limit/operators": error("one expression has too many operators", LIMITS),
  "limit/source-size": error("a file is larger than 1 MB", LIMITS),
  "limit/tokens": error("the service has too many tokens", LIMITS),
  "local/duplicate": error("a local variable declared twice", LOCALS),
  "local/name": error("a local variable or parameter without var. before its name", LOCALS),
  "local/shadowing": warning("a block variable that hides another local variable", LOCALS),
  "local/type": error("a type that a local variable cannot have", LOCALS),
  "local/undeclared": error("a local variable used before it is declared", LOCALS),
  "local/unused": warning("a local variable that nothing uses", LOCALS),
  "macro/missing": warning("a subroutine of Fastly's without its #FASTLY macro", USING),
  "macro/misplaced": warning("a #FASTLY macro in another state's subroutine", USING),
  "name/characters": error(
    "a declared name of other signs than letters, digits and underscores",
    `${VCL}/declarations`,
  ),
  "name/duplicate": error("two declarations of one name", `${VCL}/declarations`),
  "name/unknown": error("a name that is neither a variable nor declared", VARIABLES),
  "name/wildcard": error("a * outside of the end of an unset header", `${STATEMENTS}/unset`),
  "operator/assignment": error("a comparison assigned without parentheses", OPERATORS),
  "operator/type": error("an assignment operator that the variable's type does not have", OPERATORS),
  "property/duplicate": error("a property set twice", `${VCL}/declarations`),
  "property/type": error("a property of the wrong type", `${VCL}/declarations`),
  "property/unknown": error("a property that the declaration does not have", `${VCL}/declarations`),
  "regex/bare-dot": warning("a dot that matches anything where a dot is meant", `${VCL}/regex`),
  "regex/invalid": error("a regular expression that cannot be compiled", `${VCL}/regex`),
  "regex/not-literal": error("a regular expression that is not one string literal", `${VCL}/regex`),
  "regex/unanchored-extension": warning("a file extension that matches in the middle too", `${VCL}/regex`),
  "return/action": error("a return that the subroutine's state does not have", SUBS),
  "return/empty": error("a bare return where an action or a value is needed", SUBS),
  "return/missing": warning("a subroutine with a type that can end without a value", SUBS),
  "return/type": error("a returned value of the wrong type", SUBS),
  "scope/function": error("a function where it is not available", FUNCTIONS),
  "scope/statement": error("a statement where it is not available", STATEMENTS),
  "scope/variable": error("a variable where it is not available", VARIABLES),
  "sub/reserved-name": error("a subroutine of the reserved prefix vcl_", SUBS),
  "sub/signature": error("parameters or a type on one of Fastly's subroutines", SUBS),
  "sub/type": error("a type that parameters and results cannot have", SUBS),
  "sub/unused": warning("a subroutine that nothing calls", SUBS),
  "switch/duplicate-case": error("two cases of one value, or two defaults", `${STATEMENTS}/switch`),
  "switch/missing-end": error("a case that ends without break or fallthrough", `${STATEMENTS}/switch`),
  "switch/last-fallthrough": error("a last case that falls through", `${STATEMENTS}/switch`),
  "syntax/invalid-character": error("a character that starts nothing in VCL", VCL),
  "syntax/invalid-escape": error("a % in a string that starts no escape", `${TYPES}/string`),
  "syntax/invalid-number": error("a number that cannot be read or is out of range", `${TYPES}/integer`),
  "syntax/invalid-utf8": error("a string that is not UTF-8", `${TYPES}/string`),
  "syntax/misplaced-break": error("break or fallthrough that does not end a case", `${STATEMENTS}/switch`),
  "syntax/unexpected-token": error("a word or sign that cannot stand here", VCL),
  "syntax/unknown-type": error("a type that VCL does not have", TYPES),
  "syntax/unterminated": error("a string, comment or block that does not end", VCL),
  "table/duplicate-key": warning("a key that a table has twice", TABLE),
  "table/lookup-type": error("a lookup function on a table of another type", TABLE),
  "table/type": error("a type that tables cannot have", TABLE),
  "table/value": error("a value of another type than the table's", TABLE),
  "type/comparison": error("a comparison of types that do not compare", OPERATORS),
  "type/concatenation": error("a value in a string that has no text", OPERATORS),
  "type/condition": error("a condition that is neither true nor false", OPERATORS),
  "type/literal": error("a number literal where a text, a unit or a whole number is meant", TYPES),
  "type/mismatch": error("a value of a type that does not fit", TYPES),
  "type/percent": error("a percentage outside of a director", DIRECTOR),
  "type/time-arithmetic": error("a duration added to something that is no TIME", `${TYPES}/time`),
  "unreachable/code": warning("statements that are never run", STATEMENTS),
} as const satisfies Record<string, RuleRow>;

export type RuleId = keyof typeof RULES;

/** A finding of a rule at a place; the severity is the rule's. */
export function diagnose(rule: RuleId, span: Span, message: string): Diagnostic {
  return { severity: RULES[rule].severity, rule, message, span };
}
