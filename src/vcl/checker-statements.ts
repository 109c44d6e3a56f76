import type {
  AddStatement,
  CallFunctionStatement,
  CallStatement,
  DeclareStatement,
  ErrorStatement,
  Expression,
  MacroStatement,
  SetStatement,
  Statement,
  VclType,
} from "./ast.ts";
import { findFunction } from "./catalog.ts";
import { checkFunction, checkSubArguments } from "./checker-arguments.ts";
import { outOfScope, report, typeHere } from "./checker-context.ts";
import type { SubContext } from "./checker-context.ts";
import { checkCondition, checkExpression, checkValue, isBareCondition } from "./checker-expressions.ts";
import { checkTarget, isWholeHeader } from "./checker-names.ts";
import { checkReturn } from "./checker-returns.ts";
import { checkSwitch } from "./checker-switch.ts";
import { allowsOperand, allowsOperator, operandType } from "./checker-operators.ts";
import type { VclState } from "./runtime.ts";
import type { Span } from "./source.ts";

/** Types of local variables (reference/vcl/declarations/local-variables), and those that Fastly takes besides. */
const LOCAL_TYPES: ReadonlySet<VclType> = new Set<VclType>([
  "ACL",
  "BACKEND",
  "BOOL",
  "FLOAT",
  "INTEGER",
  "IP",
  "REGEX",
  "RTIME",
  "STRING",
  "TIME",
]);

/** Where statements may stand (reference/vcl/statements); those that are missing here may stand anywhere. */
const STATEMENT_SCOPES: Readonly<Record<"error" | "restart" | "synthetic", readonly VclState[]>> = {
  error: ["recv", "hit", "miss", "pass", "fetch"],
  restart: ["recv", "hit", "fetch", "error", "deliver"],
  synthetic: ["error"],
};

/** Checks a block's statements; block variables end with it. */
export function checkBody(body: readonly Statement[], context: SubContext): void {
  context.locals.inBlock(() => {
    for (const statement of body) checkStatement(statement, context);
  });
}

function checkStatement(node: Statement, context: SubContext): void {
  switch (node.kind) {
    case "set":
      return checkSet(node, context);
    case "add":
      return checkAdd(node, context);
    case "unset":
      return void checkTarget(node.target, { verb: "unset", context });
    case "declare":
      return checkDeclare(node, context);
    case "call-sub":
      return checkCallSub(node, context);
    case "call-function":
      return checkCallFunction(node, context);
    case "if":
      for (const branch of node.branches) {
        checkCondition(branch.condition, context);
        checkBody(branch.body, context);
      }
      return node.otherwise === undefined ? undefined : checkBody(node.otherwise, context);
    case "switch":
      return checkSwitch(node, context, checkBody);
    case "block":
      return checkBody(node.body, context);
    case "macro":
      return checkMacro(node, context);
    case "include":
      for (const statement of node.body) checkStatement(statement, context);
      return;
    default:
      return checkSimple(node, context);
  }
}

type SimpleStatement = Exclude<
  Statement,
  {
    kind:
      | "set"
      | "add"
      | "unset"
      | "declare"
      | "call-sub"
      | "call-function"
      | "if"
      | "switch"
      | "block"
      | "macro"
      | "include";
  }
>;

function checkSimple(node: SimpleStatement, context: SubContext): void {
  switch (node.kind) {
    case "return":
      return checkReturn(node, context);
    case "error":
      return checkError(node, context);
    case "restart":
      return checkScope("restart", node.span, context);
    case "log":
      return checkText(node.value, context);
    case "synthetic":
      checkScope("synthetic", node.span, context);
      return checkText(node.value, context);
    case "goto":
    case "label":
    case "esi":
      return;
    default:
      return node satisfies never;
  }
}

function checkScope(statement: "error" | "restart" | "synthetic", span: Span, context: SubContext): void {
  const where = outOfScope(STATEMENT_SCOPES[statement], context);
  if (where === undefined) return;
  report(context, "scope/statement", { span, message: `${statement} is not available ${where}` });
}

function checkText(value: Expression, context: SubContext): void {
  checkValue(value, { wanted: "STRING", what: "this statement", context });
}

function checkSet({ target, operator, value }: SetStatement, context: SubContext): void {
  const type = checkTarget(target, { verb: "set", context });
  checkBare(value, context);
  if (type === undefined) return checkExpression(value, context);
  if (!allowsOperator(type, operator)) {
    const message = `${target.name} is of type ${type}, which has no ${operator}`;
    report(context, "operator/type", { span: target.span, message });
    return checkExpression(value, context);
  }
  const operand = typeHere(value, context);
  if (operand !== undefined && !allowsOperand(operator, operand)) {
    report(context, "type/mismatch", { span: value.span, message: `${operator} takes no ${operand}` });
    return checkExpression(value, context);
  }
  checkValue(value, { wanted: operandType(type, operator), what: `${target.name} ${operator}`, context });
}

function checkBare(value: Expression, context: SubContext): void {
  if (!isBareCondition(value)) return;
  const message = "a condition is assigned in parentheses";
  report(context, "operator/assignment", { span: value.span, message });
}

function checkAdd({ target, value }: AddStatement, context: SubContext): void {
  if (isWholeHeader(target.name)) checkTarget(target, { verb: "set", context });
  else report(context, "add/target", { span: target.span, message: `${target.name} is not a whole header` });
  checkBare(value, context);
  checkValue(value, { wanted: "STRING", what: target.name, context });
}

function checkDeclare({ scope, name, type, initial }: DeclareStatement, context: SubContext): void {
  if (!/^var\.[A-Za-z0-9_.-]+$/.test(name.name)) {
    return report(context, "local/name", { span: name.span, message: `${name.name} must be named var.…` });
  }
  if (!LOCAL_TYPES.has(type)) {
    report(context, "local/type", { span: name.span, message: `a local variable cannot be of type ${type}` });
  }
  if (initial !== undefined) {
    checkBare(initial, context);
    checkValue(initial, { wanted: type, what: name.name, context });
  }
  context.locals.declare(scope, { name, type });
}

function checkCallSub(node: CallStatement, context: SubContext): void {
  const { name, span } = node.name;
  const sub = context.symbols.subs.get(name);
  if (sub === undefined) {
    report(context, "call/unknown", { span, message: `there is no subroutine ${name}` });
    for (const argument of node.args) checkExpression(argument, context);
    return;
  }
  if (sub.type !== "VOID") {
    const message = `${name} returns a ${sub.type}; use it as a function`;
    report(context, "call/functional", { span, message });
  }
  checkSubArguments(node, { sub, context, checkExpression });
}

function checkCallFunction({ call }: CallFunctionStatement, context: SubContext): void {
  const { name, span } = call.name;
  const row = findFunction(name);
  if (row !== undefined) return checkFunction(call, { row, context, checkExpression });
  for (const argument of call.args) checkExpression(argument, context);
  if (context.symbols.subs.has(name)) {
    return report(context, "function/statement", { span, message: `${name} is a subroutine; use call` });
  }
  report(context, "function/unknown", { span, message: `there is no function ${name}` });
}

function checkError(node: ErrorStatement, context: SubContext): void {
  checkScope("error", node.span, context);
  if (node.status !== undefined) {
    checkValue(node.status, { wanted: "INTEGER", what: "the status", context });
    checkStatus(node.status, context);
  }
  if (node.reason !== undefined) checkText(node.reason, context);
}

/**
 * 700 and above belong to Fastly; 801 is its redirect to TLS, which its own guides have people write
 * (reference/vcl/statements/error, reference/http/http-statuses).
 */
function checkStatus(status: Expression, context: SubContext): void {
  if (status.kind !== "integer") return;
  const { value, span } = status;
  if ((value >= 100n && value <= 699n) || value === 801n) return;
  const message = value >= 700n ? `${value} is reserved for Fastly; use 600 to 699` : `${value} is no status`;
  report(context, "error/status", { span, message });
}

function checkMacro(node: MacroStatement, context: SubContext): void {
  if (context.states.length > 0 && !context.states.includes(node.name)) {
    const message = `#FASTLY ${node.name} belongs in vcl_${node.name}`;
    report(context, "macro/misplaced", { span: node.span, message });
  }
  for (const statement of node.body) checkStatement(statement, context);
}
