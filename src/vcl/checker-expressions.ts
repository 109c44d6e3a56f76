import { assertNever } from "../lib/errors.ts";
import type { BinaryExpression, Concatenation, Expression, IfExpression, VclType } from "./ast.ts";
import { checkCall } from "./checker-arguments.ts";
import { report, typeHere } from "./checker-context.ts";
import type { SubContext } from "./checker-context.ts";
import { checkRead } from "./checker-names.ts";
import { checkPatternHabits } from "./checker-regex-habits.ts";
import { checkPattern } from "./checker-regex.ts";
import { checkLiteral } from "./checker-literals.ts";
import type { RuleId } from "./rules.ts";
import { isAssignable, isCondition, isPrintable } from "./types.ts";

/** Checks every name and every operator of an expression. */
export function checkExpression(node: Expression, context: SubContext): void {
  switch (node.kind) {
    case "identifier":
      return checkRead(node, context);
    case "concat":
      return checkConcatenation(node, context);
    case "group":
      return checkExpression(node.inner, context);
    case "call":
      return checkCall(node, context, checkExpression);
    case "if-expression":
      return checkIf(node, context);
    case "unary":
      return checkCondition(node.operand, context);
    case "binary":
      return checkBinary(node, context);
    case "percent":
      return report(context, "type/percent", {
        span: node.span,
        message: "a percentage stands in directors only",
      });
    case "string":
    case "integer":
    case "float":
    case "rtime":
    case "bool":
      return;
    default:
      return assertNever(node);
  }
}

/** Checks an expression that decides something: a BOOL, or what is true when set. */
export function checkCondition(node: Expression, context: SubContext): void {
  checkExpression(node, context);
  if (node.kind === "string") {
    report(context, "condition/literal", { span: node.span, message: "a string literal is always true" });
  }
  const type = typeHere(node, context);
  if (type === undefined || isCondition(type)) return;
  report(context, "type/condition", {
    span: node.span,
    message: `${article(type)} is neither true nor false`,
  });
}

interface Place {
  readonly wanted: VclType;
  /** What the message calls the place. */
  readonly what: string;
  readonly context: SubContext;
  /** Rule that a wrong type breaks; `type/mismatch` unless given. */
  readonly mismatch?: RuleId;
}

/** Checks an expression whose value goes to a place of the wanted type. */
export function checkValue(node: Expression, { wanted, what, context, mismatch }: Place): void {
  checkExpression(node, context);
  if (wanted === "REGEX") return checkPatternOperand(node, context);
  const type = typeHere(node, context);
  if (type === undefined) return;
  if (!isAssignable(type, wanted)) {
    report(context, mismatch ?? "type/mismatch", {
      span: node.span,
      message: `${what} takes ${wanted}, this is ${article(type)}`,
    });
  } else checkLiteral(node, { wanted, what, context });
}

function checkConcatenation({ parts }: Concatenation, context: SubContext): void {
  for (const part of parts) {
    checkExpression(part, context);
    checkLiteral(part, { wanted: "STRING", what: "a text", context });
    const type = typeHere(part, context);
    if (type === undefined || isPrintable(type)) continue;
    report(context, "type/concatenation", { span: part.span, message: `${article(type)} has no text` });
  }
}

function checkIf({ condition, then, otherwise, span }: IfExpression, context: SubContext): void {
  checkCondition(condition, context);
  checkExpression(then, context);
  checkExpression(otherwise, context);
  const a = typeHere(then, context);
  const b = typeHere(otherwise, context);
  if (a === undefined || b === undefined || a === b || (isPrintable(a) && isPrintable(b))) return;
  report(context, "type/mismatch", { span, message: `the branches are ${article(a)} and ${article(b)}` });
}

function checkBinary(node: BinaryExpression, context: SubContext): void {
  switch (node.operator) {
    case "&&":
    case "||":
      checkCondition(node.left, context);
      return checkCondition(node.right, context);
    case "~":
    case "!~":
      return checkMatch(node, context);
    case "+":
    case "-":
      return checkTimeArithmetic(node, context);
    case "==":
    case "!=":
    case "<":
    case "<=":
    case ">":
    case ">=":
      return checkComparison(node, context);
    default:
      return assertNever(node.operator);
  }
}

const NUMERIC: ReadonlySet<VclType> = new Set<VclType>(["INTEGER", "FLOAT", "RTIME", "TIME"]);
/** Types whose values are neither equal nor unequal to anything. */
const INCOMPARABLE: ReadonlySet<VclType> = new Set<VclType>([
  "ACL",
  "PENALTYBOX",
  "RATECOUNTER",
  "REGEX",
  "SUBROUTINE",
  "TABLE",
  "VOID",
]);

function checkComparison(node: BinaryExpression, context: SubContext): void {
  checkExpression(node.left, context);
  checkExpression(node.right, context);
  const left = typeHere(node.left, context);
  const right = typeHere(node.right, context);
  if (left === undefined || right === undefined || canCompare(node, { left, right })) return;
  const message = `${article(left)} does not compare to ${article(right)} with ${node.operator}`;
  report(context, "type/comparison", { span: node.span, message });
}

function canCompare(
  { operator }: BinaryExpression,
  { left, right }: { left: VclType; right: VclType },
): boolean {
  if (NUMERIC.has(left) && NUMERIC.has(right)) return true;
  if (operator !== "==" && operator !== "!=") return false;
  if (NUMERIC.has(left) || NUMERIC.has(right)) return false;
  return !INCOMPARABLE.has(left) && !INCOMPARABLE.has(right);
}

/** `~` takes a STRING and a pattern, or an address (IP or STRING) and an ACL. */
function checkMatch(node: BinaryExpression, context: SubContext): void {
  checkExpression(node.left, context);
  const left = typeHere(node.left, context);
  if (left !== undefined && left !== "STRING" && left !== "IP") {
    const message = `${node.operator} takes STRING or IP, this is ${article(left)}`;
    report(context, "type/comparison", { span: node.left.span, message });
  }
  if (node.right.kind === "identifier" && context.symbols.values.get(node.right.name) === "ACL") return;
  checkExpression(node.right, context);
  if (typeHere(node.right, context) === "ACL") return;
  checkPatternOperand(node.right, context);
  checkPatternHabits(node, context.findings);
}

/** A pattern is one literal, which is checked, or something of type REGEX. */
function checkPatternOperand(node: Expression, context: SubContext): void {
  if (node.kind === "string") return checkPattern(node, context.findings);
  const type = typeHere(node, context);
  if (type === "REGEX" || type === undefined) return;
  const message = "a pattern is one string literal or a REGEX, never put together";
  report(context, "regex/not-literal", { span: node.span, message });
}

/** `now + 5m - 1s`: all of a chain hangs on what it begins with. */
function checkTimeArithmetic(node: BinaryExpression, context: SubContext): void {
  let first: Expression = node;
  while (first.kind === "binary" && (first.operator === "+" || first.operator === "-")) first = first.left;
  checkExpression(first, context);
  const type = typeHere(first, context);
  if (type === undefined || type === "TIME") return;
  const message = `${node.operator} and a duration need a TIME, this is ${article(type)}`;
  report(context, "type/time-arithmetic", { span: first.span, message });
}

/** `a STRING`, `an INTEGER`. */
export function article(type: VclType): string {
  return /^(?:A|I|VOID)/.test(type) ? (type === "VOID" ? "nothing" : `an ${type}`) : `a ${type}`;
}

/** Whether a value needs parentheses: only a grouped condition can be assigned (reference/vcl/operators). */
export function isBareCondition(node: Expression): boolean {
  return node.kind === "unary" || (node.kind === "binary" && node.operator !== "+" && node.operator !== "-");
}
