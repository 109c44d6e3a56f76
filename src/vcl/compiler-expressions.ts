import { assertNever } from "../lib/errors.ts";
import type { Concatenation, Expression, Identifier, VclType } from "./ast.ts";
import { captureIndex } from "./builtins/variables-environment.ts";
import { findVariable } from "./catalog.ts";
import type { VariableRow } from "./catalog-rows.ts";
import type { Eval, SubScope } from "./compiler-context.ts";
import { UNSATISFIABLE, regexLiteral, reportError } from "./compiler-context.ts";
import type { IpAddress } from "./ip.ts";
import { parseIp } from "./ip.ts";
import { typeOf } from "./types.ts";
import type { RegexValue, VclValue } from "./values.ts";
import { NOT_SET_TEXT, integerFromNumber, toVclString } from "./values.ts";
import { chargeWorkspace } from "./workspace.ts";

/** What a part that is not set becomes inside a concatenation: Fastly prints it in messages, and nothing in locals. */
export type NotSetStyle = "print" | "empty";

/** The value of an expression in its own type. */
export function compileValue(expression: Expression, scope: SubScope): Eval {
  switch (expression.kind) {
    case "string":
    case "integer":
    case "float":
    case "rtime":
    case "bool":
    case "percent": {
      const { value } = expression;
      return () => value;
    }
    case "identifier":
      return compileIdentifier(expression, scope);
    case "concat":
      return compileConcatenation(expression, scope, "empty");
    case "group":
      return compileValue(expression.inner, scope);
    case "call":
      return scope.context.descend.call(expression, scope);
    case "if-expression": {
      const type = typeOf(expression, scope) ?? "STRING";
      const condition = scope.context.descend.condition(expression.condition, scope);
      const then = compileAs(expression.then, type, scope);
      const otherwise = compileAs(expression.otherwise, type, scope);
      return (run) => (condition(run) ? then(run) : otherwise(run));
    }
    case "unary":
      return scope.context.descend.condition(expression, scope);
    case "binary": {
      if (expression.operator !== "+" && expression.operator !== "-")
        return scope.context.descend.condition(expression, scope);
      const left = compileNumber(expression.left, scope);
      const right = compileNumber(expression.right, scope);
      return expression.operator === "+" ? (run) => left(run) + right(run) : (run) => left(run) - right(run);
    }
    default:
      return assertNever(expression);
  }
}

/** The value of an expression converted to a type. */
export function compileAs(expression: Expression, type: VclType, scope: SubScope): Eval {
  switch (type) {
    case "STRING":
      return compileString(expression, scope, "empty");
    case "INTEGER":
      return compileInteger(expression, scope);
    case "FLOAT":
    case "RTIME":
    case "TIME":
      return compileNumber(expression, scope);
    case "BOOL":
      return scope.context.descend.condition(expression, scope);
    case "IP":
      return compileIp(expression, scope);
    case "REGEX":
      return compileRegexValue(expression, scope);
    default:
      return compileValue(expression, scope);
  }
}

// ---- names ---------------------------------------------------------------------------------------------------

function compileIdentifier(identifier: Identifier, scope: SubScope): Eval {
  const { name } = identifier;
  const slot = scope.slot(name);
  if (slot !== undefined) {
    const { index } = slot;
    return (run) => run.locals[index] ?? null;
  }
  const row = findVariable(name);
  if (row !== undefined) return compileVariable(row, identifier, scope);
  const { backends, acls, tables } = scope.context;
  const declared = backends.get(name) ?? acls.get(name) ?? tables.get(name);
  if (declared !== undefined) return () => declared;
  reportError(scope.context, identifier, {
    rule: "compile/unknown-name",
    message: `there is no "${name}" here`,
  });
  return () => null;
}

const BACKEND_STATE = /^(backend|director)\.(.+)\.(healthy|connections_open|connections_used)$/;

function compileVariable(row: VariableRow, identifier: Identifier, scope: SubScope): Eval {
  const { get } = row;
  if (captureIndex(row.name) !== undefined) scope.context.uses.captures = true;
  if (get !== undefined) return (run) => get(run.t);
  const [, , backendName = "", part] = BACKEND_STATE.exec(row.name) ?? [];
  const backend = scope.context.backends.get(backendName);
  if (backend !== undefined && part === "healthy") return (run) => run.t.host.isHealthy(backend);
  if (backend !== undefined && part !== undefined) {
    const count = part === "connections_open" ? "open" : "used";
    return (run) => BigInt(run.t.host.connectionsTo?.(backend)[count] ?? 0);
  }
  reportNotExecuted(identifier, scope);
  return () => null;
}

/** Fastly knows the name and this engine cannot give it a meaning: never a silent default. */
export function reportNotExecuted(identifier: Identifier, scope: SubScope): void {
  reportError(scope.context, identifier, {
    rule: "compile/not-executed",
    message: `"${identifier.name}" exists on Fastly but is not executed by the mirror`,
  });
}

// ---- strings -------------------------------------------------------------------------------------------------

/** The expression as STRING; `null` is not set. `style` says what an unset part of a concatenation becomes. */
export function compileString(
  expression: Expression,
  scope: SubScope,
  style: NotSetStyle,
): Eval<string | null> {
  switch (expression.kind) {
    case "string": {
      const { value } = expression;
      return () => value;
    }
    case "concat":
      return compileConcatenation(expression, scope, style);
    case "group":
      return compileString(expression.inner, scope, style);
    case "if-expression": {
      const condition = scope.context.descend.condition(expression.condition, scope);
      const then = compileString(expression.then, scope, style);
      const otherwise = compileString(expression.otherwise, scope, style);
      return (run) => (condition(run) ? then(run) : otherwise(run));
    }
    default:
      return printed(expression, scope);
  }
}

/** A STRING variable read without looking at what came back: headers, mostly. */
export function compileTextVariable(
  expression: Expression,
  scope: SubScope,
): Eval<string | null> | undefined {
  if (expression.kind !== "identifier" || scope.slot(expression.name) !== undefined) return undefined;
  const row = findVariable(expression.name);
  const text = row?.text;
  if (row === undefined || text === undefined || captureIndex(row.name) !== undefined) return undefined;
  return (run) => text(run.t);
}

function printed(expression: Expression, scope: SubScope): Eval<string | null> {
  const variable = compileTextVariable(expression, scope);
  if (variable !== undefined) return variable;
  const type = typeOf(expression, scope) ?? "STRING";
  const value = compileValue(expression, scope);
  if (type === "STRING") {
    return (run) => {
      const text = value(run);
      return typeof text === "string" ? text : null;
    };
  }
  return (run) => toVclString(value(run), type);
}

/** The parts of a concatenation, those of its parts among them. */
export function flatten(expression: Expression): Expression[] {
  if (expression.kind === "concat") return expression.parts.flatMap(flatten);
  if (expression.kind === "group" && expression.inner.kind === "concat") return flatten(expression.inner);
  return [expression];
}

/** Joins the parts; neighbouring literals are joined here and now. */
function compileConcatenation(expression: Concatenation, scope: SubScope, style: NotSetStyle): Eval<string> {
  const missing = style === "print" ? NOT_SET_TEXT : "";
  const parts: (string | Eval<string | null>)[] = [];
  for (const part of flatten(expression)) {
    const last = parts.at(-1);
    if (part.kind !== "string") parts.push(compileString(part, scope, style));
    else if (typeof last === "string") parts[parts.length - 1] = last + part.value;
    else parts.push(part.value);
  }
  const [only] = parts;
  if (parts.length === 1 && typeof only === "string") return () => only;
  return joinParts(parts, missing);
}

function joinParts(parts: readonly (string | Eval<string | null>)[], missing: string): Eval<string> {
  return (run) => {
    let text = "";
    for (const part of parts) text += typeof part === "string" ? part : (part(run) ?? missing);
    chargeWorkspace(run.t, text.length + 1);
    return text;
  };
}

// ---- numbers, addresses, regexes -----------------------------------------------------------------------------

/** FLOAT, RTIME and TIME; INTEGER widens, and a STRING is read as seconds. */
export function compileNumber(expression: Expression, scope: SubScope): Eval<number> {
  const value = compileValue(expression, scope);
  return (run) => {
    const read = value(run);
    if (typeof read === "number") return read;
    if (typeof read === "bigint") return Number(read);
    return typeof read === "string" ? numberOfText(read) : 0;
  };
}

/** The number a text starts with, 0 when there is none. */
function numberOfText(text: string): number {
  const match = /^\s*([+-]?[0-9]+(?:\.[0-9]+)?)/.exec(text);
  return match === null ? 0 : Number(match[1]);
}

export function compileInteger(expression: Expression, scope: SubScope): Eval<bigint> {
  const value = compileValue(expression, scope);
  return (run) => asInteger(value(run));
}

/** What a value counts as an INTEGER. */
export function asInteger(value: VclValue): bigint {
  if (typeof value === "bigint") return value;
  return typeof value === "number" ? integerFromNumber(value) : 0n;
}

/** An address; a STRING that is none is not set. */
export function compileIp(expression: Expression, scope: SubScope): Eval<IpAddress | null> {
  if (expression.kind === "string") {
    const constant = parseIp(expression.value);
    return () => constant;
  }
  const value = compileValue(expression, scope);
  return (run) => toIp(value(run));
}

function toIp(value: VclValue): IpAddress | null {
  if (typeof value === "string") return parseIp(value);
  return typeof value === "object" && value !== null && value.kind === "ip" ? value : null;
}

export function compileRegexValue(expression: Expression, scope: SubScope): Eval<RegexValue> {
  if (expression.kind === "group") return compileRegexValue(expression.inner, scope);
  if (expression.kind === "string") {
    const regex = regexLiteral(scope.context, expression.value, expression);
    return () => regex;
  }
  if (typeOf(expression, scope) !== "REGEX") {
    reportError(scope.context, expression, {
      rule: "regex/not-literal",
      message: "a regular expression must be a literal or a value of type REGEX",
    });
    return () => UNSATISFIABLE;
  }
  const value = compileValue(expression, scope);
  return (run) => {
    const read = value(run);
    return typeof read === "object" && read !== null && read.kind === "regex" ? read : UNSATISFIABLE;
  };
}
