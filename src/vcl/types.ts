import { assertNever } from "../lib/errors.ts";
import type { Expression, FunctionCall, Identifier, VclType } from "./ast.ts";
import { findFunction, findVariable } from "./catalog.ts";

/** What is declared around an expression. */
export interface TypeScope {
  /** Type of a local (`var.x`) or parameter in scope. */
  local(name: string): VclType | undefined;
  /** Type of a declared backend, director, acl, table, penaltybox or ratecounter. */
  declared(name: string): VclType | undefined;
  /** Return type of a declared subroutine; `VOID` when it has none. */
  sub(name: string): VclType | undefined;
}

/** The static type of an expression, `undefined` where a name in it is unknown. */
export function typeOf(expression: Expression, scope: TypeScope): VclType | undefined {
  switch (expression.kind) {
    case "string":
    case "concat":
      return "STRING";
    case "integer":
      return "INTEGER";
    case "float":
    case "percent":
      return "FLOAT";
    case "rtime":
      return "RTIME";
    case "bool":
      return "BOOL";
    case "identifier":
      return identifierType(expression, scope);
    case "group":
      return typeOf(expression.inner, scope);
    case "call":
      return callType(expression, scope);
    case "if-expression":
      return branchType(typeOf(expression.then, scope), typeOf(expression.otherwise, scope));
    case "unary":
      return "BOOL";
    case "binary":
      return expression.operator === "+" || expression.operator === "-"
        ? typeOf(expression.left, scope)
        : "BOOL";
    default:
      return assertNever(expression);
  }
}

function identifierType(identifier: Identifier, scope: TypeScope): VclType | undefined {
  const { name } = identifier;
  return scope.local(name) ?? findVariable(name)?.type ?? scope.declared(name);
}

function callType(call: FunctionCall, scope: TypeScope): VclType | undefined {
  return findFunction(call.name.name)?.result ?? scope.sub(call.name.name);
}

/** Both branches of `if(c, a, b)`: their common type, or STRING when they differ and either prints. */
function branchType(a: VclType | undefined, b: VclType | undefined): VclType | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a === b ? a : "STRING";
}

/** Types that print as STRING by themselves (reference/vcl/types). */
const PRINTABLE: ReadonlySet<VclType> = new Set<VclType>([
  "BACKEND",
  "BOOL",
  "FLOAT",
  "INTEGER",
  "IP",
  "RTIME",
  "STRING",
  "TIME",
]);

/** Whether a value of the type can stand where a STRING is wanted. */
export function isPrintable(type: VclType): boolean {
  return PRINTABLE.has(type);
}

/**
 * Whether a value of type `from` may be assigned to, or passed for, type `to`: the same type, anything printable for
 * STRING, numbers for numbers, and numbers and their text for RTIME (seconds).
 */
export function isAssignable(from: VclType, to: VclType): boolean {
  if (from === to) return true;
  switch (to) {
    case "STRING":
      return isPrintable(from);
    case "FLOAT":
      return from === "INTEGER" || from === "RTIME" || from === "TIME";
    case "RTIME":
      // `set beresp.ttl = beresp.http.Cache-Control:max-age;` is the reference's own example (functions/miscellaneous/subfield).
      return from === "INTEGER" || from === "FLOAT" || from === "STRING";
    case "TIME":
      return from === "INTEGER" || from === "FLOAT" || from === "RTIME";
    case "INTEGER":
      return from === "FLOAT" || from === "RTIME" || from === "TIME";
    case "IP":
    case "REGEX":
      return from === "STRING";
    case "BACKEND":
      return from === "DIRECTOR";
    default:
      return false;
  }
}

/** Whether a value of the type can be a condition: BOOL as it is, STRING and IP are true when set. */
export function isCondition(type: VclType): boolean {
  return type === "BOOL" || type === "STRING" || type === "IP" || type === "BACKEND";
}
