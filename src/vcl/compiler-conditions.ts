import { assertNever } from "../lib/errors.ts";
import type { BinaryExpression, Expression, VclType } from "./ast.ts";
import type { Eval, SubScope } from "./compiler-context.ts";
import {
  compileInteger,
  compileIp,
  compileNumber,
  compileRegexValue,
  compileString,
  compileTextVariable,
  compileValue,
} from "./compiler-expressions.ts";
import type { IpAddress } from "./ip.ts";
import { parseIp } from "./ip.ts";
import { matchTexts } from "./regex-run.ts";
import { typeOf } from "./types.ts";

/** An expression as a condition: BOOL as it is, anything else is true when it is set (reference/vcl/types). */
export function compileCondition(expression: Expression, scope: SubScope): Eval<boolean> {
  switch (expression.kind) {
    case "bool": {
      const { value } = expression;
      return () => value;
    }
    case "group":
      return compileCondition(expression.inner, scope);
    case "unary": {
      const operand = compileCondition(expression.operand, scope);
      return (run) => !operand(run);
    }
    case "binary":
      return compileBinary(expression, scope);
    default: {
      const text = compileTextVariable(expression, scope);
      if (text !== undefined) return (run) => text(run) !== null;
      const value = compileValue(expression, scope);
      if (typeOf(expression, scope) === "BOOL") return (run) => value(run) === true;
      return (run) => value(run) !== null;
    }
  }
}

function compileBinary(expression: BinaryExpression, scope: SubScope): Eval<boolean> {
  const { operator, left, right } = expression;
  switch (operator) {
    case "&&": {
      const a = compileCondition(left, scope);
      const b = compileCondition(right, scope);
      return (run) => a(run) && b(run);
    }
    case "||": {
      const a = compileCondition(left, scope);
      const b = compileCondition(right, scope);
      return (run) => a(run) || b(run);
    }
    case "==":
      return compileEquality(left, right, scope);
    case "!=": {
      const equal = compileEquality(left, right, scope);
      return (run) => !equal(run);
    }
    case "~":
      return compileMatch(left, right, scope);
    case "!~": {
      const matches = compileMatch(left, right, scope);
      return (run) => !matches(run);
    }
    case "<":
    case "<=":
    case ">":
    case ">=":
      return compileOrder(operator, expression, scope);
    case "+":
    case "-": {
      const value = compileNumber(expression, scope);
      return (run) => value(run) !== 0;
    }
    default:
      return assertNever(operator);
  }
}

const NUMBERS: ReadonlySet<VclType | undefined> = new Set<VclType>(["FLOAT", "INTEGER", "RTIME", "TIME"]);

/** Two strings are equal byte by byte; what is not set equals only what is not set. */
function compileEquality(left: Expression, right: Expression, scope: SubScope): Eval<boolean> {
  const leftType = typeOf(left, scope);
  const rightType = typeOf(right, scope);
  if (leftType === "INTEGER" && rightType === "INTEGER") {
    const a = compileInteger(left, scope);
    const b = compileInteger(right, scope);
    return (run) => a(run) === b(run);
  }
  if (NUMBERS.has(leftType) && NUMBERS.has(rightType)) {
    const a = compileNumber(left, scope);
    const b = compileNumber(right, scope);
    return (run) => a(run) === b(run);
  }
  if (leftType === "IP" || rightType === "IP") {
    const a = compileIp(left, scope);
    const b = compileIp(right, scope);
    return (run) => sameAddress(a(run), b(run));
  }
  if (leftType === "STRING" || rightType === "STRING") {
    const a = compileString(left, scope, "empty");
    if (right.kind === "string") {
      const { value } = right;
      return (run) => a(run) === value;
    }
    const b = compileString(right, scope, "empty");
    return (run) => a(run) === b(run);
  }
  const a = compileValue(left, scope);
  const b = compileValue(right, scope);
  return (run) => a(run) === b(run);
}

function sameAddress(a: IpAddress | null, b: IpAddress | null): boolean {
  if (a === null || b === null) return a === b;
  return a.family === b.family && a.bits === b.bits;
}

function compileOrder(
  operator: "<" | "<=" | ">" | ">=",
  expression: BinaryExpression,
  scope: SubScope,
): Eval<boolean> {
  const { left, right } = expression;
  if (typeOf(left, scope) === "INTEGER" && typeOf(right, scope) === "INTEGER") {
    return order(operator, compileInteger(left, scope), compileInteger(right, scope));
  }
  return order(operator, compileNumber(left, scope), compileNumber(right, scope));
}

function order<T extends number | bigint>(
  operator: "<" | "<=" | ">" | ">=",
  a: Eval<T>,
  b: Eval<T>,
): Eval<boolean> {
  switch (operator) {
    case "<":
      return (run) => a(run) < b(run);
    case "<=":
      return (run) => a(run) <= b(run);
    case ">":
      return (run) => a(run) > b(run);
    case ">=":
      return (run) => a(run) >= b(run);
    default:
      return assertNever(operator);
  }
}

/**
 * `~`: a string against a regex, or an address against an ACL (reference/vcl/operators). A successful match replaces
 * the captures, a failed one leaves them; what is not set matches as the empty string.
 */
function compileMatch(left: Expression, right: Expression, scope: SubScope): Eval<boolean> {
  if (typeOf(right, scope) === "ACL") return compileAclMatch(left, right, scope);
  const subject = compileString(left, scope, "empty");
  const regex = compileRegexValue(right, scope);
  const { uses } = scope.context;
  return (run) => {
    const text = subject(run) ?? "";
    const texts = matchTexts(run.t, regex(run), text);
    if (texts !== null && uses.captures) run.t.captures = texts;
    return texts !== null;
  };
}

function compileAclMatch(left: Expression, right: Expression, scope: SubScope): Eval<boolean> {
  const acl = compileValue(right, scope);
  const ip = typeOf(left, scope) === "IP" ? compileIp(left, scope) : stringAsIp(left, scope);
  return (run) => {
    const address = ip(run);
    const list = acl(run);
    if (address === null || typeof list !== "object" || list === null || list.kind !== "acl") return false;
    return list.matches(address);
  };
}

function stringAsIp(expression: Expression, scope: SubScope): Eval<IpAddress | null> {
  const text = compileString(expression, scope, "empty");
  return (run) => {
    const value = text(run);
    return value === null ? null : parseIp(value);
  };
}
