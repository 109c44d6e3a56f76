import type { Expression, FunctionCall } from "./ast.ts";
import { findFunction } from "./catalog.ts";
import type { FunctionBody, FunctionRow, ParameterRow } from "./catalog-rows.ts";
import type { CompiledSub, Eval, Run, Signal, SubScope } from "./compiler-context.ts";
import { DONE, overBudget, reportError, StateEnded, UNSATISFIABLE } from "./compiler-context.ts";
import { compileAs, reportNotExecuted } from "./compiler-expressions.ts";
import { initialValue } from "./values.ts";
import type { IdWord, VclValue } from "./values.ts";
import { chargeWorkspace } from "./workspace.ts";

/** A call of a builtin, or of a subroutine with a type. */
export function compileCall(call: FunctionCall, scope: SubScope): Eval {
  const row = findFunction(call.name.name);
  if (row !== undefined) return compileBuiltin(row, call, scope);
  const sub = scope.context.subs.get(call.name.name);
  if (sub === undefined) {
    reportError(scope.context, call.name, {
      rule: "compile/unknown-name",
      message: `there is no function "${call.name.name}"`,
    });
    return () => null;
  }
  const enter = compileSubCall(sub, call.args, scope);
  const nothing = initialValue(sub.type, UNSATISFIABLE);
  return (run) => {
    run.value = nothing;
    if (enter(run) === DONE) throw new StateEnded();
    return run.value;
  };
}

function compileBuiltin(row: FunctionRow, call: FunctionCall, scope: SubScope): Eval {
  const { call: body } = row;
  if (body === undefined) {
    reportNotExecuted(call.name, scope);
    return () => null;
  }
  const args: Eval[] = [];
  for (const [i, expression] of call.args.entries()) {
    const parameter = row.parameters[i] ?? lastVariadic(row);
    if (parameter === undefined) break;
    args.push(compileArgument(expression, parameter, scope));
  }
  const required = row.parameters.filter((parameter) => !parameter.optional && !parameter.variadic).length;
  if (args.length < required || args.length < call.args.length) {
    const message = `${row.name} takes ${required} to ${row.parameters.length} arguments, not ${call.args.length}`;
    reportError(scope.context, call, { rule: "compile/arguments", message });
  }
  const invoke = applyArguments(body, args);
  return row.result === "STRING" ? charged(invoke) : invoke;
}

/** The parameter that takes all arguments from it on. */
export function lastVariadic(row: FunctionRow): ParameterRow | undefined {
  const last = row.parameters.at(-1);
  return last?.variadic === true ? last : undefined;
}

/** Saves the loop for the short argument lists that nearly all calls have. */
function applyArguments(body: FunctionBody, args: readonly Eval[]): Eval {
  const [a, b, c] = args;
  if (a === undefined) return (run) => body(run.t, []);
  if (b === undefined) return (run) => body(run.t, [a(run)]);
  if (c === undefined) return (run) => body(run.t, [a(run), b(run)]);
  if (args.length === 3) return (run) => body(run.t, [a(run), b(run), c(run)]);
  return (run) =>
    body(
      run.t,
      args.map((arg) => arg(run)),
    );
}

/** Strings that functions make come out of the workspace. */
function charged(invoke: Eval): Eval {
  return (run) => {
    const value = invoke(run);
    if (typeof value === "string") chargeWorkspace(run.t, value.length + 1);
    return value;
  };
}

/** An argument in its parameter's type; a bare word is itself. */
export function compileArgument(expression: Expression, parameter: ParameterRow, scope: SubScope): Eval {
  if (parameter.type !== "ID" && parameter.type !== "PENALTYBOX" && parameter.type !== "RATECOUNTER") {
    return compileAs(expression, parameter.type, scope);
  }
  if (expression.kind !== "identifier") {
    reportError(scope.context, expression, {
      rule: "compile/arguments",
      message: `${parameter.name} must be a bare name`,
    });
    return () => null;
  }
  const { name } = expression;
  if (parameter.words !== undefined && !parameter.words.includes(name)) {
    reportError(scope.context, expression, {
      rule: "compile/arguments",
      message: `${parameter.name} must be one of ${parameter.words.join(", ")}, not "${name}"`,
    });
  }
  if (parameter.type !== "ID" && scope.context.counters.get(name) !== parameter.type) {
    const message = `there is no ${parameter.type.toLowerCase()} "${name}"`;
    reportError(scope.context, expression, { rule: "compile/unknown-name", message });
  }
  const word: IdWord = { kind: "id", name };
  return () => word;
}

/** Enters a subroutine with its own slots; the signal it ended with is the result. */
export function compileSubCall(
  sub: CompiledSub,
  args: readonly Expression[],
  scope: SubScope,
): (run: Run) => Signal {
  const values = args.map((arg, i) => compileAs(arg, sub.parameters[i]?.type ?? "STRING", scope));
  const { limits } = scope.context;
  return (run) => {
    if (--run.calls < 0) overBudget("calls", limits.calls);
    if (--run.depth < 0) overBudget("depth", limits.depth);
    const given = values.map((value) => value(run));
    const caller = run.locals;
    run.locals = enterFrame(sub.frame, given);
    const signal = sub.body(run);
    run.locals = caller;
    run.depth++;
    return signal;
  };
}

function enterFrame(frame: readonly VclValue[], given: readonly VclValue[]): VclValue[] {
  const locals = frame.slice();
  for (let i = 0; i < given.length; i++) locals[i] = given[i] ?? null;
  return locals;
}
