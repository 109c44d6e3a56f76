import type {
  AddStatement,
  AssignmentOperator,
  Identifier,
  SetStatement,
  UnsetStatement,
  VclType,
} from "./ast.ts";
import { addHeader, parseHeaderName } from "./builtins/header-variables.ts";
import { findVariable } from "./catalog.ts";
import type { VariableRow } from "./catalog-rows.ts";
import { compileCondition } from "./compiler-conditions.ts";
import type { Eval, Exec, Run, SubScope } from "./compiler-context.ts";
import { NEXT, reportError } from "./compiler-context.ts";
import {
  compileAs,
  compileInteger,
  compileNumber,
  compileString,
  reportNotExecuted,
} from "./compiler-expressions.ts";
import type { NotSetStyle } from "./compiler-expressions.ts";
import { typeOf } from "./types.ts";
import type { VclValue } from "./values.ts";
import { integerFromNumber, toInteger } from "./values.ts";

/** A place that can be assigned to. */
interface Target {
  readonly type: VclType;
  readonly read: Eval;
  readonly write: (run: Run, value: VclValue) => void;
  readonly style: NotSetStyle;
}

/** `set target operator value;` */
export function compileSet(statement: SetStatement, scope: SubScope): Exec {
  const target = resolveTarget(statement.target, scope);
  if (target === undefined) return () => NEXT;
  const { read, write } = target;
  if (statement.operator === "=") {
    const value = compileRightSide(statement, target, scope);
    return (run) => {
      write(run, value(run));
      return NEXT;
    };
  }
  const combine = compileCombination(statement, target, scope);
  if (combine === undefined) {
    const message = `operator ${statement.operator} does not apply to ${target.type}`;
    reportError(scope.context, statement, { rule: "compile/operator", message });
    return () => NEXT;
  }
  return (run) => {
    const value = combine(run, read(run));
    if (value !== undefined) write(run, value);
    return NEXT;
  };
}

function compileRightSide(statement: SetStatement, target: Target, scope: SubScope): Eval {
  if (target.type !== "STRING") return compileAs(statement.value, target.type, scope);
  const value = compileString(statement.value, scope, target.style);
  // A local that is set from what is not set becomes empty (a header is taken away, see writeHeader).
  return target.style === "empty" ? (run) => value(run) ?? "" : value;
}

function resolveTarget(identifier: Identifier, scope: SubScope): Target | undefined {
  const slot = scope.slot(identifier.name);
  if (slot !== undefined) {
    const { index, type } = slot;
    const write = (run: Run, value: VclValue): void => void (run.locals[index] = value);
    return { type, read: (run) => run.locals[index] ?? null, write, style: "empty" };
  }
  const row = findVariable(identifier.name);
  if (row === undefined) {
    const message = `there is no variable "${identifier.name}" here`;
    reportError(scope.context, identifier, { rule: "compile/unknown-name", message });
    return undefined;
  }
  return rowTarget(row, identifier, scope);
}

function rowTarget(row: VariableRow, identifier: Identifier, scope: SubScope): Target | undefined {
  const { get, set } = row;
  if (set === undefined) {
    if (row.write === "none") {
      const message = `"${row.name}" cannot be set`;
      reportError(scope.context, identifier, { rule: "compile/read-only", message });
    } else reportNotExecuted(identifier, scope);
    return undefined;
  }
  return {
    type: row.type,
    read: get === undefined ? () => null : (run) => get(run.t),
    write: (run, value) => set(run.t, value),
    style: "print",
  };
}

/** The new value from the old one; `undefined` leaves the target as it is (division by zero). */
type Combine = (run: Run, old: VclValue) => VclValue | undefined;

function compileCombination(statement: SetStatement, target: Target, scope: SubScope): Combine | undefined {
  switch (target.type) {
    case "STRING":
      return statement.operator === "+=" ? stringAppend(statement, target, scope) : undefined;
    case "BOOL":
      return boolCombination(statement, scope);
    case "INTEGER":
      return integerCombination(statement, scope);
    case "FLOAT":
    case "RTIME":
    case "TIME":
      return numberCombination(statement, scope);
    default:
      return undefined;
  }
}

/**
 * What is appended to `req.hash` ends with a mark that no URL or host has, as Varnish hashes each part with one, so
 * that `/a` + `b.example` and `/ab` + `.example` are different keys.
 */
const HASH_PART_END = "#";

function stringAppend(statement: SetStatement, target: Target, scope: SubScope): Combine {
  const value = compileString(statement.value, scope, target.style);
  const end = statement.target.name === "req.hash" ? HASH_PART_END : "";
  return (run, old) => (typeof old === "string" ? old : "") + (value(run) ?? "") + end;
}

function boolCombination(statement: SetStatement, scope: SubScope): Combine | undefined {
  const value = compileCondition(statement.value, scope);
  if (statement.operator === "&&=") return (run, old) => old === true && value(run);
  if (statement.operator === "||=") return (run, old) => old === true || value(run);
  return undefined;
}

type Arithmetic = (a: bigint, b: bigint) => bigint;

const INTEGER_OPERATORS: Readonly<Partial<Record<AssignmentOperator, Arithmetic>>> = {
  "+=": (a, b) => toInteger(a + b),
  "-=": (a, b) => toInteger(a - b),
  "*=": (a, b) => toInteger(a * b),
  "/=": (a, b) => toInteger(a / b),
  "%=": (a, b) => toInteger(a % b),
  "|=": (a, b) => toInteger(a | b),
  "&=": (a, b) => toInteger(a & b),
  "^=": (a, b) => toInteger(a ^ b),
  "<<=": (a, b) => toInteger(a << shiftCount(b)),
  ">>=": (a, b) => toInteger(a >> shiftCount(b)),
  "rol=": rotateLeft,
  "ror=": (a, b) => rotateLeft(a, -b),
};

/** Shifts count modulo 64, as the processor does. */
function shiftCount(count: bigint): bigint {
  return BigInt.asUintN(6, count);
}

function rotateLeft(a: bigint, count: bigint): bigint {
  const bits = BigInt.asUintN(64, a);
  const by = shiftCount(count);
  return toInteger((bits << by) | (bits >> (64n - by)));
}

/** Integer arithmetic in 64 bits; with a FLOAT on the right it is done in FLOAT and cut (reference/vcl/types/integer). */
function integerCombination(statement: SetStatement, scope: SubScope): Combine | undefined {
  const { operator, value } = statement;
  const compute = INTEGER_OPERATORS[operator];
  if (compute === undefined) return undefined;
  const right = typeOf(value, scope);
  const inFloat = FLOAT_OPERATORS[operator];
  if (right !== "INTEGER" && inFloat !== undefined) {
    const amount = compileNumber(value, scope);
    return (run, old) => {
      const b = amount(run);
      if (b === 0 && isDivision(operator)) return domainError(run);
      return integerFromNumber(inFloat(typeof old === "bigint" ? Number(old) : 0, b));
    };
  }
  const amount = compileInteger(value, scope);
  return (run, old) => {
    const b = amount(run);
    if (b === 0n && isDivision(operator)) return domainError(run);
    return compute(typeof old === "bigint" ? old : 0n, b);
  };
}

const FLOAT_OPERATORS: Readonly<Partial<Record<AssignmentOperator, (a: number, b: number) => number>>> = {
  "+=": (a, b) => a + b,
  "-=": (a, b) => a - b,
  "*=": (a, b) => a * b,
  "/=": (a, b) => a / b,
  "%=": (a, b) => a % b,
};

function numberCombination(statement: SetStatement, scope: SubScope): Combine | undefined {
  const { operator } = statement;
  const compute = FLOAT_OPERATORS[operator];
  if (compute === undefined) return undefined;
  const amount = compileNumber(statement.value, scope);
  return (run, old) => {
    const b = amount(run);
    if (b === 0 && isDivision(operator)) return domainError(run);
    return compute(typeof old === "number" ? old : 0, b);
  };
}

function isDivision(operator: AssignmentOperator): boolean {
  return operator === "/=" || operator === "%=";
}

/** Dividing by zero sets `fastly.error` and changes nothing (reference/vcl/variables/miscellaneous/fastly-error). */
function domainError(run: Run): undefined {
  run.t.vclError = "EDOM";
  return undefined;
}

/** `add resp.http.Set-Cookie = …;`: one more line. */
export function compileAdd(statement: AddStatement, scope: SubScope): Exec {
  const name = parseHeaderName(statement.target.name);
  if (name === null || name.subfield !== null) {
    const message = `only a header can be added to, not "${statement.target.name}"`;
    reportError(scope.context, statement.target, { rule: "compile/operator", message });
    return () => NEXT;
  }
  const { message, header } = name;
  const value = compileString(statement.value, scope, "print");
  return (run) => {
    const text = value(run);
    if (text !== null) addHeader(run.t, { message, header }, text);
    return NEXT;
  };
}

/** `unset target;` */
export function compileUnset(statement: UnsetStatement, scope: SubScope): Exec {
  const slot = scope.slot(statement.target.name);
  if (slot !== undefined) {
    const { index } = slot;
    return (run) => {
      run.locals[index] = scope.frame[index] ?? null;
      return NEXT;
    };
  }
  const clear = findVariable(statement.target.name)?.clear;
  if (clear === undefined) {
    const message = `"${statement.target.name}" cannot be unset`;
    reportError(scope.context, statement.target, { rule: "compile/read-only", message });
    return () => NEXT;
  }
  return (run) => {
    clear(run.t);
    return NEXT;
  };
}
