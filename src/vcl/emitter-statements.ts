import { assertNever } from "../lib/errors.ts";
import type {
  AddStatement,
  CallStatement,
  DeclareStatement,
  IfStatement,
  LogStatement,
  SetStatement,
  Statement,
  UnsetStatement,
} from "./ast.ts";
import type { SubDeclaration } from "./ast-declarations.ts";
import { headerText, isFamily, parseHeaderName } from "./builtins/header-variables.ts";
import { findVariable } from "./catalog.ts";
import type { CompileContext, CompiledSub, Exec } from "./compiler-context.ts";
import { SubScope, UNSATISFIABLE } from "./compiler-context.ts";
import { compileAs } from "./compiler-expressions.ts";
import { compileMark, compileStatement, finalAction, logLine } from "./compiler-statements.ts";
import { ConstantPool, joinSteps, makeFunction, outlined } from "./emitter.ts";
import type { Code, Emission } from "./emitter.ts";
import { emitCondition, emitSetText, emitText } from "./emitter-expressions.ts";
import { withMarks } from "./marks.ts";
import { initialValue } from "./values.ts";
import { walkStatements } from "./walk.ts";

/**
 * A subroutine as one function of JavaScript, where the closures of the compiler are hundreds that call each other: the
 * engine below can optimise it as a whole. It does what they do, in the same order and at the same cost in budgets; what
 * it has no words for it calls as closures. `null` where it has to be left to them: where statements jump.
 */
export function emitSub(
  declaration: SubDeclaration,
  { sub, closures }: { readonly sub: CompiledSub; readonly closures: Exec },
  context: CompileContext,
): Exec | null {
  if (jumps(declaration.body)) return null;
  const scope = new SubScope(context, declaration.type);
  for (const { name, type } of sub.parameters) scope.declare(name, type, "local");
  const emission: Emission = { context, scope, pool: new ConstantPool(), functions: [] };
  const body = emitBlock(declaration.body, emission);
  return makeFunction(body, emission, closures);
}

function jumps(body: readonly Statement[]): boolean {
  let found = false;
  walkStatements(body, ({ kind }) => (found ||= kind === "label" || kind === "goto"));
  return found;
}

function emitBlock(body: readonly Statement[], emission: Emission): Code {
  return emission.scope.inBlock(() => emitSequence(body, emission));
}

function emitSequence(body: readonly Statement[], emission: Emission): Code {
  const { context, scope, pool } = emission;
  const items = withMarks(body, context.marks?.at.get(body) ?? []);
  const count = items.reduce((sum, item) => sum + (item.kind === "mark" ? item.weight : 1), 0);
  if (items.length === 0) return "";
  const limit = pool.code(context.limits.statements);
  const budget = `if ((run.statements -= ${count}) < 0) overBudget("statements", ${limit});\n`;
  const steps = items.map((item) =>
    item.kind === "mark" ? `${pool.code(compileMark(item, scope))}(run);\n` : emitStatement(item, emission),
  );
  return joinSteps([budget, ...steps], emission);
}

function emitStatement(statement: Statement, emission: Emission): Code {
  switch (statement.kind) {
    case "set":
      return emitSet(statement, emission) ?? quiet(statement, emission);
    case "add":
      return emitAdd(statement, emission) ?? quiet(statement, emission);
    case "unset":
      return emitUnset(statement, emission) ?? quiet(statement, emission);
    case "declare":
      return emitDeclare(statement, emission);
    case "if":
      return emitIf(statement, emission);
    case "block":
      return emitBlock(statement.body, emission);
    case "macro":
    case "include":
      return emitSequence(statement.body, emission);
    case "call-sub":
      return emitCall(statement, emission) ?? signalling(statement, emission);
    case "log":
      return emitLog(statement, emission);
    case "return":
    case "restart":
    case "error":
      return emitEnd(statement, emission);
    case "esi":
    case "synthetic":
    case "call-function":
      return quiet(statement, emission);
    case "switch":
    case "goto":
    case "label":
      return signalling(statement, emission);
    default:
      return assertNever(statement);
  }
}

/** A closure that always ends normally. */
function quiet(statement: Statement, { scope, pool }: Emission): Code {
  return `${pool.code(compileStatement(statement, scope))}(run);\n`;
}

/** A closure that may end more than itself. */
function signalling(statement: Statement, { scope, pool }: Emission): Code {
  return `s = ${pool.code(compileStatement(statement, scope))}(run); if (s !== 0) return s;\n`;
}

function emitSet(statement: SetStatement, emission: Emission): Code | undefined {
  if (statement.operator !== "=") return undefined;
  const { scope, pool } = emission;
  const { target, value } = statement;
  const slot = scope.slot(target.name);
  if (slot?.type === "STRING") return `l[${slot.index}] = ${emitSetText(value, emission, "empty")};\n`;
  if (slot?.type === "BOOL") return `l[${slot.index}] = ${emitCondition(value, emission)};\n`;
  if (slot !== undefined) return undefined;
  const row = findVariable(target.name);
  if (row?.set === undefined) return undefined;
  if (row.type === "BOOL") return `${pool.code(row.set)}(t, ${emitCondition(value, emission)});\n`;
  if (row.type !== "STRING") return undefined;
  const { code } = emitText(value, emission, "print");
  if (row.header === undefined) return `${pool.code(row.set)}(t, ${code});\n`;
  const isClean = value.kind === "string" && headerText(value.value) === value.value;
  return `${isClean ? "writeText" : "writeHeader"}(t, ${pool.code(row.header)}, ${code});\n`;
}

function emitAdd(statement: AddStatement, emission: Emission): Code | undefined {
  const name = parseHeaderName(statement.target.name);
  if (name === null || name.subfield !== null) return undefined;
  const { code, isSet } = emitText(statement.value, emission, "print");
  const to = emission.pool.code({ message: name.message, header: name.header });
  if (isSet) return `addHeader(t, ${to}, ${code});\n`;
  return `{ const v = ${code}; if (v !== null) addHeader(t, ${to}, v); }\n`;
}

function emitUnset({ target }: UnsetStatement, { scope, pool }: Emission): Code | undefined {
  if (scope.slot(target.name) !== undefined) return undefined;
  const row = findVariable(target.name);
  if (row?.clear === undefined) return undefined;
  const { header } = row;
  if (header === undefined) return `${pool.code(row.clear)}(t);\n`;
  const name = pool.code(header.lower);
  if (header.message === "req" && !isFamily(header.lower)) return `t.req.headers.unsetLower(${name});\n`;
  return `${pool.code(row.clear)}(t);\n`;
}

function emitDeclare(statement: DeclareStatement, emission: Emission): Code {
  const { type, initial } = statement;
  const { scope, pool } = emission;
  const value =
    initial === undefined
      ? pool.code(initialValue(type, UNSATISFIABLE))
      : `${pool.code(compileAs(initial, type, scope))}(run)`;
  return `l[${scope.declare(statement.name.name, type, statement.scope)}] = ${value};\n`;
}

/** `else` is looked at first, as the compiler does: slots are given out in that order. */
function emitIf(statement: IfStatement, emission: Emission): Code {
  const otherwise =
    statement.otherwise === undefined ? "" : `else {\n${emitBranch(statement.otherwise, emission)}}\n`;
  const branches = statement.branches.map(
    ({ condition, body }) => `if (${emitCondition(condition, emission)}) {\n${emitBranch(body, emission)}}\n`,
  );
  return branches.length === 0 ? "" : `${branches.join("else ")}${otherwise}`;
}

function emitBranch(body: readonly Statement[], emission: Emission): Code {
  return outlined(emitBlock(body, emission), emission);
}

/** Without arguments, as nearly all are; others are called by a closure. */
function emitCall({ name, args }: CallStatement, { context, pool }: Emission): Code | undefined {
  const sub = context.subs.get(name.name);
  if (sub === undefined || args.length > 0) return undefined;
  const { calls, depth } = context.limits;
  const code = pool.code(sub);
  return (
    `if (--run.calls < 0) overBudget("calls", ${pool.code(calls)});\n` +
    `if (--run.depth < 0) overBudget("depth", ${pool.code(depth)});\n` +
    `run.locals = ${code}.frame.slice(); s = ${code}.body(run); run.locals = l; run.depth++;\n` +
    "if (s === 2) return 2;\n"
  );
}

function emitLog(statement: LogStatement, emission: Emission): Code {
  const { code } = emitText(statement.value, emission, "print");
  return `t.host.log(${emission.pool.code(logLine)}(${code}));\n`;
}

function emitEnd(statement: Statement, emission: Emission): Code {
  const action = finalAction(statement, emission.scope);
  if (action !== undefined) return `run.action = ${emission.pool.code(action)}; return 2;\n`;
  return `return ${emission.pool.code(compileStatement(statement, emission.scope))}(run);\n`;
}
