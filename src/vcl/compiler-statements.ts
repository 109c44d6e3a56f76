import { assertNever } from "../lib/errors.ts";
import type {
  DeclareStatement,
  ErrorStatement,
  Expression,
  GotoStatement,
  IfStatement,
  LogStatement,
  ReturnStatement,
  Statement,
  SwitchStatement,
  SyntheticStatement,
} from "./ast.ts";
import { decodeBase64 } from "./base64.ts";
import { compileAdd, compileSet, compileUnset } from "./compiler-assignments.ts";
import { compileCall, compileSubCall } from "./compiler-calls.ts";
import { compileCondition } from "./compiler-conditions.ts";
import type { Eval, Exec, Run, Signal, SubScope } from "./compiler-context.ts";
import {
  DONE,
  JUMP,
  LEAVE,
  NEXT,
  overBudget,
  regexLiteral,
  reportError,
  UNSATISFIABLE,
} from "./compiler-context.ts";
import { compileAs, compileInteger, compileString } from "./compiler-expressions.ts";
import { withMarks } from "./marks.ts";
import type { Mark } from "./marks.ts";
import { matchTexts } from "./regex-run.ts";
import type { Action } from "./runtime.ts";
import type { Span } from "./source.ts";
import { initialValue, NOT_SET_TEXT } from "./values.ts";

/** Statements in braces, with block variables of their own. */
export function compileBlock(body: readonly Statement[], scope: SubScope): Exec {
  return scope.inBlock(() => compileSequence(body, scope));
}

/** Statements one after the other; a `goto` among or below them may jump to their labels. */
function compileSequence(body: readonly Statement[], scope: SubScope): Exec {
  const { marks, limits } = scope.context;
  const items = withMarks(body, marks?.at.get(body) ?? []);
  const labels = new Map<string, number>();
  for (const [i, item] of items.entries()) {
    if (item.kind === "label") labels.set(item.name.name, i);
  }
  return scope.withLabels(new Set(labels.keys()), () => {
    const steps = items.map((item) =>
      item.kind === "mark" ? compileMark(item, scope) : compileStatement(item, scope),
    );
    const spans = items.map(({ span }) => span);
    const count = items.reduce((sum, item) => sum + (item.kind === "mark" ? item.weight : 1), 0);
    const limit = limits.statements;
    return (run) => {
      run.statements -= count;
      if (run.statements < 0) overBudget("statements", limit);
      if (labels.size > 0 || run.trace !== undefined) return runFrom(run, { steps, spans, labels, limit });
      for (const step of steps) {
        const signal = step(run);
        if (signal !== NEXT) return signal;
      }
      return NEXT;
    };
  });
}

/** Tells when a run comes by; always `NEXT`. */
export function compileMark({ when }: Mark, scope: SubScope): Exec {
  const reached = scope.context.marks?.reached;
  const conditions = when?.map((condition) => compileCondition(condition, scope));
  return (run) => {
    if (conditions === undefined || conditions.some((condition) => condition(run))) reached?.();
    return NEXT;
  };
}

interface Block {
  readonly steps: readonly Exec[];
  readonly spans: readonly Span[];
  readonly labels: ReadonlyMap<string, number>;
  readonly limit: number;
}

/** The slow way through a block: somebody watches, or it has labels to jump to. */
function runFrom(run: Run, block: Block): Signal {
  for (let i = 0; i < block.steps.length; i++) {
    const span = block.spans[i];
    if (span !== undefined) run.trace?.(span);
    const signal = block.steps[i]?.(run) ?? NEXT;
    if (signal === NEXT) continue;
    const target = signal === JUMP ? block.labels.get(run.label) : undefined;
    if (target === undefined) return signal;
    if (--run.statements < 0) overBudget("statements", block.limit);
    i = target;
  }
  return NEXT;
}

/** One statement as a closure. */
export function compileStatement(statement: Statement, scope: SubScope): Exec {
  switch (statement.kind) {
    case "set":
      return compileSet(statement, scope);
    case "add":
      return compileAdd(statement, scope);
    case "unset":
      return compileUnset(statement, scope);
    case "declare":
      return compileDeclare(statement, scope);
    case "if":
      return compileIf(statement, scope);
    case "switch":
      return compileSwitch(statement, scope);
    case "block":
      return compileBlock(statement.body, scope);
    case "macro":
    case "include":
      // They stand for their text: what they declare belongs to the braces around them.
      return compileSequence(statement.body, scope);
    case "return":
      return compileReturn(statement, scope);
    case "error":
      return compileError(statement, scope);
    case "restart":
      return finish({ do: "restart" });
    case "esi":
      return (run) => {
        if (run.t.beresp !== null) run.t.beresp.esi = true;
        return NEXT;
      };
    case "log":
      return compileLog(statement, scope);
    case "synthetic":
      return compileSynthetic(statement, scope);
    case "goto":
      return compileGoto(statement, scope);
    case "label":
      return () => NEXT;
    case "call-sub":
      return compileCallStatement(statement, scope);
    case "call-function": {
      const call = compileCall(statement.call, scope);
      return (run) => {
        call(run);
        return NEXT;
      };
    }
    default:
      return assertNever(statement);
  }
}

function compileDeclare(statement: DeclareStatement, scope: SubScope): Exec {
  const { type, initial } = statement;
  const value = initial === undefined ? undefined : compileAs(initial, type, scope);
  const index = scope.declare(statement.name.name, type, statement.scope);
  const zero = initialValue(type, UNSATISFIABLE);
  return (run) => {
    run.locals[index] = value === undefined ? zero : value(run);
    return NEXT;
  };
}

function compileIf(statement: IfStatement, scope: SubScope): Exec {
  const otherwise: Exec =
    statement.otherwise === undefined ? () => NEXT : compileBlock(statement.otherwise, scope);
  const [first, ...rest] = statement.branches;
  if (first === undefined) return otherwise;
  const condition = compileCondition(first.condition, scope);
  const { span } = first.condition;
  const then = compileBlock(first.body, scope);
  if (rest.length === 0) {
    return (run) => {
      const held = condition(run);
      if (run.trace !== undefined) run.trace(span, held);
      return held ? then(run) : otherwise(run);
    };
  }
  const branches = [first, ...rest].map((branch, i) => ({
    condition: i === 0 ? condition : compileCondition(branch.condition, scope),
    span: branch.condition.span,
    body: i === 0 ? then : compileBlock(branch.body, scope),
  }));
  return (run) => {
    for (const branch of branches) {
      const held = branch.condition(run);
      if (run.trace !== undefined) run.trace(branch.span, held);
      if (held) return branch.body(run);
    }
    return otherwise(run);
  };
}

/** The first case that equals or matches wins; `default` only when none does (reference/vcl/statements/switch). */
function compileSwitch(statement: SwitchStatement, scope: SubScope): Exec {
  const control = compileString(statement.control, scope, "empty");
  const tests: ((run: Run, value: string | null) => boolean)[] = [];
  const bodies: { readonly body: Exec; readonly fallsThrough: boolean }[] = [];
  let fallback = -1;
  for (const [i, branch] of statement.cases.entries()) {
    if (branch.test === undefined) fallback = i;
    tests.push(caseTest(branch.test, scope));
    bodies.push({ body: compileBlock(branch.body, scope), fallsThrough: branch.end === "fallthrough" });
  }
  return (run) => {
    const value = control(run);
    const found = tests.findIndex((test) => test(run, value));
    for (let i = found === -1 ? fallback : found; i >= 0 && i < bodies.length; i++) {
      const branch = bodies[i];
      if (branch === undefined) break;
      const signal = branch.body(run);
      if (signal !== NEXT) return signal;
      if (!branch.fallsThrough) break;
    }
    return NEXT;
  };
}

function caseTest(
  test: SwitchStatement["cases"][number]["test"],
  scope: SubScope,
): (run: Run, value: string | null) => boolean {
  if (test === undefined) return () => false;
  const { value: wanted } = test.value;
  if (!test.regex) return (_run, value) => value === wanted;
  const regex = regexLiteral(scope.context, wanted, test.value);
  const { uses } = scope.context;
  return (run, value) => {
    const texts = matchTexts(run.t, regex, value ?? "");
    if (texts !== null && uses.captures) run.t.captures = texts;
    return texts !== null;
  };
}

// ---- leaving -------------------------------------------------------------------------------------------------

function finish(action: Action): Exec {
  return (run) => {
    run.action = action;
    return DONE;
  };
}

const ACTIONS: ReadonlyMap<string, Action> = new Map<string, Action>([
  ["lookup", { do: "lookup" }],
  ["pass", { do: "pass" }],
  ["hash", { do: "hash" }],
  ["deliver", { do: "deliver" }],
  ["fetch", { do: "fetch" }],
  ["deliver_stale", { do: "deliver_stale" }],
  ["hit_for_pass", { do: "hit_for_pass" }],
  ["restart", { do: "restart" }],
  ["upgrade", { do: "upgrade" }],
  // In vcl_pipe, which generated VCL has and nothing calls.
  ["pipe", { do: "pass" }],
  ["error", { do: "error", status: 503, reason: null }],
]);

/** The action of a statement that ends a state and computes nothing; `undefined` for any other. */
export function finalAction(statement: Statement, scope: SubScope): Action | undefined {
  if (statement.kind === "restart") return { do: "restart" };
  if (statement.kind !== "return" || scope.returns !== "VOID") return undefined;
  return ACTIONS.get(statement.action?.name ?? "");
}

function compileReturn(statement: ReturnStatement, scope: SubScope): Exec {
  if (scope.returns !== "VOID") return compileReturnValue(statement, scope);
  if (statement.action === undefined && statement.value === undefined) return () => LEAVE;
  const action = ACTIONS.get(statement.action?.name ?? "");
  if (action !== undefined) return finish(action);
  const word = statement.action?.name ?? "…";
  const message = `there is no return(${word})`;
  reportError(scope.context, statement, { rule: "compile/unknown-name", message });
  return () => LEAVE;
}

function compileReturnValue(statement: ReturnStatement, scope: SubScope): Exec {
  const expression: Expression | undefined = statement.value ?? statement.action;
  if (expression === undefined) return () => LEAVE;
  const value = compileAs(expression, scope.returns, scope);
  return (run) => {
    run.value = value(run);
    return LEAVE;
  };
}

function compileError(statement: ErrorStatement, scope: SubScope): Exec {
  const status: Eval<bigint> =
    statement.status === undefined ? () => 503n : compileInteger(statement.status, scope);
  const reason =
    statement.reason === undefined ? () => null : compileString(statement.reason, scope, "print");
  return (run) => {
    run.action = { do: "error", status: Number(status(run)), reason: reason(run) };
    return DONE;
  };
}

function compileGoto(statement: GotoStatement, scope: SubScope): Exec {
  const { name } = statement.label;
  if (!scope.seesLabel(name)) {
    const message = `there is no label "${name}" in the blocks around this goto`;
    reportError(scope.context, statement.label, { rule: "compile/unknown-name", message });
  }
  return (run) => {
    run.label = name;
    return JUMP;
  };
}

function compileCallStatement(statement: Extract<Statement, { kind: "call-sub" }>, scope: SubScope): Exec {
  const sub = scope.context.subs.get(statement.name.name);
  if (sub === undefined) {
    const message = `there is no subroutine "${statement.name.name}"`;
    reportError(scope.context, statement.name, { rule: "compile/unknown-name", message });
    return () => NEXT;
  }
  const enter = compileSubCall(sub, statement.args, scope);
  return (run) => (enter(run) === DONE ? DONE : NEXT);
}

// ---- output --------------------------------------------------------------------------------------------------

/** Longest line that Fastly sends (reference/vcl/statements/log). */
const LOG_LINE_BYTES = 16 * 1024;

function compileLog(statement: LogStatement, scope: SubScope): Exec {
  const line = compileString(statement.value, scope, "print");
  return (run) => {
    run.t.host.log(logLine(line(run)));
    return NEXT;
  };
}

/** A line as it is sent. */
export function logLine(text: string | null): string {
  return (text ?? NOT_SET_TEXT).slice(0, LOG_LINE_BYTES);
}

function compileSynthetic(statement: SyntheticStatement, scope: SubScope): Exec {
  const content = compileString(statement.value, scope, "print");
  const { base64 } = statement;
  return (run) => {
    const text = content(run) ?? "";
    run.t.synthetic = { content: base64 ? decodeBase64(text) : text };
    return NEXT;
  };
}
