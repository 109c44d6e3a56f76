import type { Expression, IfStatement, Statement } from "../vcl/ast.ts";

/** A text that two pieces of VCL have in common when they are the same but for where they stand. */
export function keyOf(node: unknown): string {
  return JSON.stringify(node, (name, value: unknown) => {
    if (name === "span") return undefined;
    return typeof value === "bigint" ? `${value}n` : value;
  });
}

/** The same without what stands in a statement's braces, which is compared by itself. */
export function shallowKeyOf(statement: Statement): string {
  switch (statement.kind) {
    case "if": {
      const conditions = statement.branches.map(({ condition }) => condition);
      return keyOf(["if", conditions, statement.otherwise !== undefined]);
    }
    case "switch": {
      const cases = statement.cases.map(({ test, end }) => [test ?? null, end]);
      return keyOf(["switch", statement.control, cases]);
    }
    case "block":
      return keyOf([statement.kind]);
    case "macro":
    case "include":
      return keyOf([statement.kind, statement.name]);
    default:
      return keyOf(statement);
  }
}

/** An `if` without an `else`. */
export type OptionalStatement = IfStatement & { readonly otherwise: undefined };

export function isOptional(statement: Statement): statement is OptionalStatement {
  return statement.kind === "if" && statement.otherwise === undefined;
}

/**
 * Whether asking a condition has no effect when it does not hold. A regex that matches sets `re.group`, so one may only be
 * what is asked last: where the whole does not hold, it has not matched.
 */
export function isHarmless(condition: Expression): boolean {
  if (isPlain(condition)) return true;
  if (condition.kind === "group") return isHarmless(condition.inner);
  if (condition.kind !== "binary") return false;
  const { operator, left, right } = condition;
  if (operator === "&&") return isPlain(left) && isHarmless(right);
  return operator === "~" && isPlain(left) && right.kind === "string";
}

const COMPARISONS: ReadonlySet<string> = new Set(["==", "!=", "<", "<=", ">", ">=", "&&", "||"]);

/** Variables, literals, and comparisons of them. */
function isPlain(node: Expression): boolean {
  switch (node.kind) {
    case "identifier":
    case "string":
    case "integer":
    case "float":
    case "rtime":
    case "bool":
      return true;
    case "group":
      return isPlain(node.inner);
    case "unary":
      return isPlain(node.operand);
    case "binary":
      return COMPARISONS.has(node.operator) && isPlain(node.left) && isPlain(node.right);
    default:
      return false;
  }
}
