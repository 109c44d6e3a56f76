import { assertNever } from "../lib/errors.ts";
import type { Expression, Statement } from "./ast.ts";

/** The statement lists directly inside a statement. */
export function bodiesOf(node: Statement): readonly (readonly Statement[])[] {
  switch (node.kind) {
    case "if": {
      const bodies = node.branches.map((branch) => branch.body);
      return node.otherwise === undefined ? bodies : [...bodies, node.otherwise];
    }
    case "switch":
      return node.cases.map((entry) => entry.body);
    case "block":
    case "macro":
    case "include":
      return [node.body];
    default:
      return [];
  }
}

/** Visits every statement, outer before inner, in the order of the text. */
export function walkStatements(body: readonly Statement[], visit: (node: Statement) => void): void {
  for (const node of body) {
    visit(node);
    for (const inner of bodiesOf(node)) walkStatements(inner, visit);
  }
}

/** The expressions directly in a statement, not those of statements inside it. */
export function expressionsOf(node: Statement): readonly Expression[] {
  switch (node.kind) {
    case "set":
    case "add":
    case "log":
    case "synthetic":
      return [node.value];
    case "declare":
      return present(node.initial);
    case "call-sub":
      return node.args;
    case "if":
      return node.branches.map((branch) => branch.condition);
    case "switch":
      return [node.control];
    case "return":
      return present(node.value);
    case "error":
      return [...present(node.status), ...present(node.reason)];
    case "call-function":
      return [node.call];
    default:
      return [];
  }
}

/** Visits an expression and everything in it, outer before inner. */
export function walkExpression(node: Expression, visit: (node: Expression) => void): void {
  visit(node);
  for (const inner of operandsOf(node)) walkExpression(inner, visit);
}

function operandsOf(node: Expression): readonly Expression[] {
  switch (node.kind) {
    case "concat":
      return node.parts;
    case "group":
      return [node.inner];
    case "call":
      return node.args;
    case "if-expression":
      return [node.condition, node.then, node.otherwise];
    case "unary":
      return [node.operand];
    case "binary":
      return [node.left, node.right];
    case "identifier":
    case "string":
    case "integer":
    case "float":
    case "rtime":
    case "bool":
    case "percent":
      return [];
    default:
      return assertNever(node);
  }
}

function present(node: Expression | undefined): readonly Expression[] {
  return node === undefined ? [] : [node];
}
