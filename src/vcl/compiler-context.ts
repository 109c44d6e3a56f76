import type { Acl } from "./acl.ts";
import type { Expression, FunctionCall, VclType } from "./ast.ts";
import type { Diagnostic } from "./diagnostics.ts";
import { VclRuntimeError } from "./diagnostics.ts";
import { compileRegex } from "./regex-run.ts";
import type { CompileRuleId } from "./rules-engine.ts";
import type { Marks } from "./marks.ts";
import type { Action, BackendRef, Transaction } from "./runtime.ts";
import type { Span } from "./source.ts";
import type { TypeScope } from "./types.ts";
import type { RegexValue, VclTable, VclValue } from "./values.ts";
import { initialValue } from "./values.ts";

/** What a program may spend in one run of one state. */
export interface RunLimits {
  /** Statements executed. */
  readonly statements: number;
  /** Subroutines called. */
  readonly calls: number;
  /** Subroutines inside each other. */
  readonly depth: number;
}

/** 25,000 is Fastly's ceiling for the inlined call tree (reference/vcl/constraints-and-limitations). */
export const DEFAULT_LIMITS: RunLimits = { statements: 1_000_000, calls: 25_000, depth: 100 };

/** One run of one state: what the closures share. */
export interface Run {
  readonly t: Transaction;
  /** Slots of the subroutine that is running. */
  locals: VclValue[];
  /** Budgets left. */
  statements: number;
  calls: number;
  depth: number;
  /** Set with the signal DONE. */
  action: Action | null;
  /** What a subroutine with a type returned. */
  value: VclValue;
  /** Set with the signal JUMP. */
  label: string;
  readonly trace: ((span: Span, held?: boolean) => void) | undefined;
}

/** The statement ended normally. */
export const NEXT = 0;
/** `return;` or `return value;`: leave the subroutine. */
export const LEAVE = 1;
/** `return(action)`, `error`, `restart`: the state is over. */
export const DONE = 2;
/** `goto`: look for the label in this block or outward. */
export const JUMP = 3;

/**
 * Ends the state from inside an expression: a subroutine with a type ran `error` or `restart`, and whatever was about
 * to use its value must not go on. Rare, so it may cost what an exception costs.
 */
export class StateEnded extends Error {
  override readonly name = "StateEnded";
}

export type Signal = typeof NEXT | typeof LEAVE | typeof DONE | typeof JUMP;
export type Exec = (run: Run) => Signal;
export type Eval<T extends VclValue = VclValue> = (run: Run) => T;

/** A subroutine; `body` and `frame` are filled when its turn comes, callers hold the object. */
export interface CompiledSub {
  readonly name: string;
  readonly type: VclType;
  readonly parameters: readonly { readonly name: string; readonly type: VclType }[];
  body: Exec;
  /** Initial slots; parameters come first. */
  frame: readonly VclValue[];
}

/** Kinds of expression with a module of their own, handed on so that the modules need not import each other in circles. */
export interface Descend {
  readonly condition: (expression: Expression, scope: SubScope) => Eval<boolean>;
  readonly call: (call: FunctionCall, scope: SubScope) => Eval;
}

/** Every declaration by name, and what compiling found. */
export interface CompileContext {
  readonly backends: ReadonlyMap<string, BackendRef>;
  readonly acls: ReadonlyMap<string, Acl>;
  readonly tables: ReadonlyMap<string, VclTable>;
  readonly subs: ReadonlyMap<string, CompiledSub>;
  /** Names of penaltyboxes and ratecounters. */
  readonly counters: ReadonlyMap<string, VclType>;
  readonly diagnostics: Diagnostic[];
  readonly regexes: Map<string, RegexValue>;
  /** Whether any `re.group.N` is read: captures cost something only then. */
  readonly uses: { captures: boolean };
  readonly limits: RunLimits;
  readonly marks: Marks | undefined;
  readonly descend: Descend;
}

/** Never matches: what a REGEX local holds before it is set (reference/vcl/declarations/local-variables). */
export const UNSATISFIABLE = compileRegex("(?!)");

/** Reports what stops the program from being run. */
export function reportError(
  context: CompileContext,
  at: { readonly span: Span },
  init: {
    readonly rule: CompileRuleId | "regex/invalid" | "regex/not-literal";
    readonly message: string;
  },
): void {
  context.diagnostics.push({ severity: "error", span: at.span, ...init });
}

/** A regex literal, compiled once per program; `UNSATISFIABLE` after reporting a malformed one. */
export function regexLiteral(
  context: CompileContext,
  source: string,
  at: { readonly span: Span },
): RegexValue {
  const known = context.regexes.get(source);
  if (known !== undefined) return known;
  try {
    const regex = compileRegex(source);
    context.regexes.set(source, regex);
    return regex;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    reportError(context, at, { rule: "regex/invalid", message: error.message });
    return UNSATISFIABLE;
  }
}

interface Slot {
  readonly index: number;
  readonly type: VclType;
}

/** The names visible at one point of one subroutine. Closed when the subroutine is compiled. */
export class SubScope implements TypeScope {
  readonly context: CompileContext;
  readonly returns: VclType;
  /** Initial values of all slots so far. */
  readonly frame: VclValue[] = [];
  readonly #blocks: Map<string, Slot>[] = [new Map()];
  readonly #labels: ReadonlySet<string>[] = [];

  constructor(context: CompileContext, returns: VclType) {
    this.context = context;
    this.returns = returns;
  }

  /** Makes a slot. A `local` lives to the end of the subroutine, a `block` one to the end of the braces. */
  declare(name: string, type: VclType, lifetime: "local" | "block"): number {
    const index = this.frame.length;
    this.frame.push(initialValue(type, UNSATISFIABLE));
    const block = lifetime === "local" ? this.#blocks[0] : this.#blocks.at(-1);
    block?.set(name, { index, type });
    return index;
  }

  slot(name: string): Slot | undefined {
    for (let i = this.#blocks.length - 1; i >= 0; i--) {
      const slot = this.#blocks[i]?.get(name);
      if (slot !== undefined) return slot;
    }
    return undefined;
  }

  /** Runs `compile` with one more pair of braces around. */
  inBlock<T>(compile: () => T): T {
    this.#blocks.push(new Map());
    const result = compile();
    this.#blocks.pop();
    return result;
  }

  /** Runs `compile` where `goto` may jump to these labels. */
  withLabels<T>(labels: ReadonlySet<string>, compile: () => T): T {
    this.#labels.push(labels);
    const result = compile();
    this.#labels.pop();
    return result;
  }

  /** Whether `goto` may jump to the label from here. */
  seesLabel(label: string): boolean {
    return this.#labels.some((labels) => labels.has(label));
  }

  local(name: string): VclType | undefined {
    return this.slot(name)?.type;
  }

  declared(name: string): VclType | undefined {
    const { backends, acls, tables, counters } = this.context;
    if (backends.has(name)) return "BACKEND";
    if (acls.has(name)) return "ACL";
    if (tables.has(name)) return "TABLE";
    return counters.get(name);
  }

  sub(name: string): VclType | undefined {
    return this.context.subs.get(name)?.type;
  }
}

/** Ends the run when a budget is used up. */
export function overBudget(what: keyof RunLimits, limit: number): never {
  throw new VclRuntimeError(
    `limit/${what}`,
    `the program went over its limit of ${limit} (${what}) in one subroutine run`,
  );
}
