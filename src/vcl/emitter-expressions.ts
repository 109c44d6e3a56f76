import { assertNever } from "../lib/errors.ts";
import type {
  BinaryExpression,
  Concatenation,
  Expression,
  FunctionCall,
  Identifier,
  VclType,
} from "./ast.ts";
import { captureIndex } from "./builtins/variables-environment.ts";
import { findFunction, findVariable } from "./catalog.ts";
import type { VariableRow } from "./catalog-rows.ts";
import { compileArgument, lastVariadic } from "./compiler-calls.ts";
import { compileCondition } from "./compiler-conditions.ts";
import { regexLiteral } from "./compiler-context.ts";
import { compileString, flatten } from "./compiler-expressions.ts";
import type { NotSetStyle } from "./compiler-expressions.ts";
import type { Code, Emission } from "./emitter.ts";
import { typeOf } from "./types.ts";
import { NOT_SET_TEXT } from "./values.ts";

/** Code of a string. */
export interface TextCode {
  readonly code: Code;
  /** Whether it can never be `null`. */
  readonly isSet: boolean;
}

/** A STRING as `compileString` computes it. */
export function emitText(expression: Expression, emission: Emission, style: NotSetStyle): TextCode {
  switch (expression.kind) {
    case "string":
      return { code: emission.pool.code(expression.value), isSet: true };
    case "concat":
      return { code: emitConcatenation(expression, emission, style), isSet: true };
    case "group":
      return emitText(expression.inner, emission, style);
    case "if-expression": {
      const condition = emitCondition(expression.condition, emission);
      const then = emitText(expression.then, emission, style);
      const otherwise = emitText(expression.otherwise, emission, style);
      return {
        code: `(${condition} ? ${then.code} : ${otherwise.code})`,
        isSet: then.isSet && otherwise.isSet,
      };
    }
    case "identifier": {
      const code = emitTextVariable(expression, emission);
      return { code: code ?? textClosure(expression, emission, style), isSet: false };
    }
    case "call": {
      const code =
        findFunction(expression.name.name)?.result === "STRING" && emitBuiltin(expression, emission);
      if (typeof code === "string") return { code: `returned(t, ${code})`, isSet: false };
      return { code: textClosure(expression, emission, style), isSet: false };
    }
    default:
      return { code: textClosure(expression, emission, style), isSet: false };
  }
}

/** A STRING that reads as `fallback` where it is not set. */
export function emitSetText(expression: Expression, emission: Emission, style: NotSetStyle): Code {
  const { code, isSet } = emitText(expression, emission, style);
  return isSet ? code : `(${code} ?? "")`;
}

function textClosure(expression: Expression, { scope, pool }: Emission, style: NotSetStyle): Code {
  return `${pool.code(compileString(expression, scope, style))}(run)`;
}

/** Joins the parts; neighbouring literals are joined here and now. */
function emitConcatenation(expression: Concatenation, emission: Emission, style: NotSetStyle): Code {
  const missing = style === "print" ? NOT_SET_TEXT : "";
  const parts: (string | TextCode)[] = [];
  for (const part of flatten(expression)) {
    const last = parts.at(-1);
    if (part.kind !== "string") parts.push(emitText(part, emission, style));
    else if (typeof last === "string") parts[parts.length - 1] = last + part.value;
    else parts.push(part.value);
  }
  const { pool } = emission;
  const [only] = parts;
  if (parts.length === 1 && typeof only === "string") return pool.code(only);
  const codes = parts.map((part) => {
    if (typeof part === "string") return pool.code(part);
    return part.isSet ? part.code : `(${part.code} ?? ${pool.code(missing)})`;
  });
  return `built(t, ${codes.join(" + ")})`;
}

/** A local, a header or another variable of type STRING; `undefined` where only a closure can read it. */
function emitTextVariable({ name }: Identifier, { scope, pool }: Emission): Code | undefined {
  const slot = scope.slot(name);
  if (slot !== undefined) return slot.type === "STRING" ? `asText(l[${slot.index}])` : undefined;
  const row = findVariable(name);
  if (row === undefined || captureIndex(row.name) !== undefined) return undefined;
  if (row.header !== undefined) return emitHeader(row.header, pool.code(row.header.lower));
  return row.text === undefined ? undefined : `${pool.code(row.text)}(t)`;
}

function emitHeader({ message }: NonNullable<VariableRow["header"]>, lower: Code): Code {
  switch (message) {
    case "req":
      return `t.req.headers.getLower(${lower})`;
    case "bereq":
      return `headerOf(t.bereq, ${lower})`;
    case "beresp":
      return `headerOf(t.beresp, ${lower})`;
    case "obj":
      return `headerOf(t.obj, ${lower})`;
    case "resp":
      return `headerOf(t.resp, ${lower})`;
    default:
      return assertNever(message);
  }
}

/** A call of a builtin, not charged yet; `undefined` for what is none. */
function emitBuiltin(call: FunctionCall, emission: Emission): Code | undefined {
  const row = findFunction(call.name.name);
  if (row?.call === undefined) return undefined;
  const { pool, scope } = emission;
  const args: Code[] = [];
  for (const [i, expression] of call.args.entries()) {
    const parameter = row.parameters[i] ?? lastVariadic(row);
    if (parameter === undefined) break;
    if (parameter.type === "STRING") args.push(emitText(expression, emission, "empty").code);
    else if (parameter.type === "BOOL") args.push(emitCondition(expression, emission));
    else args.push(`${pool.code(compileArgument(expression, parameter, scope))}(run)`);
  }
  return `${pool.code(row.call)}(t, [${args.join(", ")}])`;
}

/** A condition as `compileCondition` decides it. */
export function emitCondition(expression: Expression, emission: Emission): Code {
  switch (expression.kind) {
    case "bool":
      return expression.value ? "true" : "false";
    case "group":
      return emitCondition(expression.inner, emission);
    case "unary":
      return `!${emitCondition(expression.operand, emission)}`;
    case "binary":
      return emitBinary(expression, emission);
    case "identifier":
      return emitVariableCondition(expression, emission) ?? conditionClosure(expression, emission);
    case "call": {
      const isBool = findFunction(expression.name.name)?.result === "BOOL";
      const code = isBool ? emitBuiltin(expression, emission) : undefined;
      return code === undefined ? conditionClosure(expression, emission) : `(${code} === true)`;
    }
    default:
      return conditionClosure(expression, emission);
  }
}

function conditionClosure(expression: Expression, { scope, pool }: Emission): Code {
  return `${pool.code(compileCondition(expression, scope))}(run)`;
}

function emitVariableCondition(identifier: Identifier, emission: Emission): Code | undefined {
  const { scope, pool } = emission;
  const slot = scope.slot(identifier.name);
  if (slot?.type === "BOOL") return `(l[${slot.index}] === true)`;
  if (slot !== undefined) return undefined;
  const text = emitTextVariable(identifier, emission);
  if (text !== undefined) return `(${text} !== null)`;
  const row = findVariable(identifier.name);
  return row?.type === "BOOL" && row.get !== undefined ? `(${pool.code(row.get)}(t) === true)` : undefined;
}

function emitBinary(expression: BinaryExpression, emission: Emission): Code {
  const { operator, left, right } = expression;
  switch (operator) {
    case "&&":
    case "||":
      return `(${emitCondition(left, emission)} ${operator} ${emitCondition(right, emission)})`;
    case "==":
      return emitEquality(expression, emission) ?? conditionClosure(expression, emission);
    case "!=": {
      const code = emitEquality(expression, emission);
      return code === undefined ? conditionClosure(expression, emission) : `!${code}`;
    }
    case "~":
      return emitMatch(expression, emission) ?? conditionClosure(expression, emission);
    case "!~": {
      const code = emitMatch(expression, emission);
      return code === undefined ? conditionClosure(expression, emission) : `!${code}`;
    }
    case "<":
    case "<=":
    case ">":
    case ">=":
      return emitIntegers(operator, expression, emission) ?? conditionClosure(expression, emission);
    default:
      return conditionClosure(expression, emission);
  }
}

const TEXT_TYPES: ReadonlySet<VclType | undefined> = new Set<VclType>(["STRING"]);

/** Two integers beside an operator that JavaScript and VCL have alike; `undefined` where one of them is none. */
function emitIntegers(
  operator: "===" | "<" | "<=" | ">" | ">=",
  { left, right }: BinaryExpression,
  emission: Emission,
): Code | undefined {
  const codes = [left, right].map((side) => emitInteger(side, emission));
  return codes.includes(undefined) ? undefined : `(${codes.join(` ${operator} `)})`;
}

/** A literal, a local or a variable of type INTEGER, as `compileInteger` computes it. */
function emitInteger(expression: Expression, { scope, pool }: Emission): Code | undefined {
  if (expression.kind === "integer") return pool.code(expression.value);
  if (expression.kind !== "identifier" || typeOf(expression, scope) !== "INTEGER") return undefined;
  const slot = scope.slot(expression.name);
  if (slot !== undefined) return `asInteger(l[${slot.index}])`;
  const get = findVariable(expression.name)?.get;
  return get === undefined ? undefined : `asInteger(${pool.code(get)}(t))`;
}

/** Of two strings or two integers; others compare in closures. */
function emitEquality(expression: BinaryExpression, emission: Emission): Code | undefined {
  const { left, right } = expression;
  const integers = emitIntegers("===", expression, emission);
  if (integers !== undefined) return integers;
  const [a, b] = [typeOf(left, emission.scope), typeOf(right, emission.scope)];
  if (!TEXT_TYPES.has(a) || !TEXT_TYPES.has(b)) return undefined;
  const codes = [left, right].map((side) => emitText(side, emission, "empty").code);
  return `(${codes.join(" === ")})`;
}

/** Of a string and a literal; others match in closures. */
function emitMatch({ left, right }: BinaryExpression, emission: Emission): Code | undefined {
  if (right.kind !== "string") return undefined;
  const { context, pool } = emission;
  const regex = pool.code(regexLiteral(context, right.value, right));
  const subject = emitSetText(left, emission, "empty");
  return `${context.uses.captures ? "captures" : "matches"}(t, ${subject}, ${regex})`;
}
