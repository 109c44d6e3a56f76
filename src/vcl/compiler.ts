import type { Acl, LiveAcl } from "./acl.ts";
import type { VclType } from "./ast.ts";
import type { AclDeclaration, SubDeclaration, VclProgram } from "./ast-declarations.ts";
import {
  asLiveTable,
  declaredAcl,
  declaredBackends,
  declaredTable,
  liveTable,
} from "./compiler-declarations.ts";
import type { CompileContext, CompiledSub, Run, RunLimits, Signal } from "./compiler-context.ts";
import { DEFAULT_LIMITS, DONE, NEXT, StateEnded, SubScope } from "./compiler-context.ts";
import { compileCall } from "./compiler-calls.ts";
import { compileCondition } from "./compiler-conditions.ts";
import { compileBlock } from "./compiler-statements.ts";
import { emitSub } from "./emitter-statements.ts";
import type { Diagnostic } from "./diagnostics.ts";
import { VclError } from "./diagnostics.ts";
import type { Marks } from "./marks.ts";
import type { Action, BackendRef, LiveTable, Program, Transaction, VclState } from "./runtime.ts";
import { VCL_STATES } from "./states.ts";
import type { VclTable } from "./values.ts";

export interface CompileOptions {
  /** Live dictionaries by table name; they replace, or add to, the tables that the program declares. */
  readonly tables: ReadonlyMap<string, LiveTable>;
  /** Live ACLs by name: they answer in place of the entries that the program declares. */
  readonly acls?: ReadonlyMap<string, LiveAcl>;
  readonly limits?: Partial<RunLimits>;
  /** What the checker warned of, to be kept with the program. */
  readonly warnings?: readonly Diagnostic[];
  /** Runs after which a subroutine goes on as generated code; 0 = at once. */
  readonly generateAfter?: number;
  /** Places that tell when a run comes by. */
  readonly marks?: Marks;
}

/**
 * Turns a checked program into closures. What the engine cannot execute is an error with its place.
 * @throws VclError with every problem found.
 */
export function compileProgram(program: VclProgram, options: CompileOptions): Program {
  const context = declare(program, options);
  for (const declaration of program.declarations) {
    if (declaration.kind === "sub") compileSub(declaration, context);
  }
  if (context.diagnostics.length > 0) throw new VclError(context.diagnostics);
  const runs = options.generateAfter ?? GENERATE_AFTER;
  for (const declaration of program.declarations) {
    if (declaration.kind === "sub") generateLater(declaration, context, runs);
  }
  const states = new Map<VclState, CompiledSub | undefined>(
    VCL_STATES.map((state) => [state, context.subs.get(`vcl_${state}`)]),
  );
  const isBackend = ([, ref]: readonly [string, BackendRef]): boolean => ref.kind === "backend";
  const all = [...context.backends];
  return {
    run: (state, transaction) =>
      runState({ state, transaction, sub: states.get(state), limits: context.limits }),
    backends: new Map(all.filter(isBackend)),
    directors: new Map(all.filter((entry) => !isBackend(entry))),
    tables: new Map(
      [...context.tables].map(([name, table]) => [name, options.tables.get(name) ?? asLiveTable(table)]),
    ),
    defaultBackend: all.find(isBackend)?.[1] ?? null,
    warnings: options.warnings ?? [],
  };
}

function liveOrDeclaredAcl(declaration: AclDeclaration, { acls }: CompileOptions): Acl {
  const live = acls?.get(declaration.name.name);
  if (live === undefined) return declaredAcl(declaration);
  return { kind: "acl", name: declaration.name.name, matches: (ip) => live.matches(ip) };
}

/** Everything that has a name, before any body is looked at: order of declaration does not matter. */
function declare(program: VclProgram, options: CompileOptions): CompileContext {
  const diagnostics: Diagnostic[] = [];
  const { declarations } = program;
  const acls = new Map<string, Acl>();
  const subs = new Map<string, CompiledSub>();
  const counters = new Map<string, VclType>();
  for (const declaration of declarations) {
    const { kind } = declaration;
    if (kind === "acl") acls.set(declaration.name.name, liveOrDeclaredAcl(declaration, options));
    else if (kind === "sub") subs.set(declaration.name.name, emptySub(declaration));
    else if (kind === "penaltybox") counters.set(declaration.name.name, "PENALTYBOX");
    else if (kind === "ratecounter") counters.set(declaration.name.name, "RATECOUNTER");
  }
  const base = {
    backends: declaredBackends(declarations, { diagnostics }),
    acls,
    subs,
    counters,
    diagnostics,
    regexes: new Map(),
    uses: { captures: false },
    descend: { condition: compileCondition, call: compileCall },
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    marks: options.marks,
  };
  const tables = new Map<string, VclTable>();
  for (const declaration of declarations) {
    if (declaration.kind === "table") tables.set(declaration.name.name, declaredTable(declaration, base));
  }
  for (const [name, table] of options.tables) tables.set(name, liveTable(name, table));
  return { ...base, tables };
}

function emptySub(declaration: SubDeclaration): CompiledSub {
  return {
    name: declaration.name.name,
    type: declaration.type,
    parameters: declaration.parameters.map(({ name, type }) => ({ name: name.name, type })),
    body: () => NEXT,
    frame: [],
  };
}

function compileSub(declaration: SubDeclaration, context: CompileContext): void {
  const sub = context.subs.get(declaration.name.name);
  if (sub === undefined) return;
  const scope = new SubScope(context, declaration.type);
  for (const { name, type } of sub.parameters) scope.declare(name, type, "local");
  sub.body = compileBlock(declaration.body, scope);
  sub.frame = scope.frame;
}

/** Runs after which making a subroutine's code pays. */
const GENERATE_AFTER = 50;

/** Has a subroutine that is run often go on as generated code. */
function generateLater(declaration: SubDeclaration, context: CompileContext, runs: number): void {
  const sub = context.subs.get(declaration.name.name);
  if (sub === undefined) return;
  const closures = sub.body;
  let left = runs;
  sub.body = (run) => {
    if (left > 0) {
      left -= 1;
      return closures(run);
    }
    const generated = emitSub(declaration, { sub, closures }, context) ?? closures;
    sub.body = generated;
    return generated(run);
  };
}

interface StateRun {
  readonly state: VclState;
  readonly transaction: Transaction;
  readonly sub: CompiledSub | undefined;
  readonly limits: RunLimits;
}

function runState({ state, transaction: t, sub, limits }: StateRun): Action {
  t.state = state;
  t.captures = NO_CAPTURES;
  t.regexSteps = 0;
  if (sub === undefined) return withoutSub(state, t);
  const run: Run = {
    t,
    locals: sub.frame.slice(),
    statements: limits.statements,
    calls: limits.calls,
    depth: limits.depth,
    action: null,
    value: null,
    label: "",
    trace: t.host.onStatement,
  };
  const signal = runBody(sub, run);
  return signal === DONE && run.action !== null ? run.action : DEFAULT_ACTIONS[state];
}

function runBody(sub: CompiledSub, run: Run): Signal {
  try {
    return sub.body(run);
  } catch (error) {
    if (error instanceof StateEnded) return DONE;
    throw error;
  }
}

const NO_CAPTURES: readonly (string | null)[] = [];

/** How a subroutine ends that says nothing (reference/vcl/subroutines). */
const DEFAULT_ACTIONS: Readonly<Record<VclState, Action>> = {
  recv: { do: "lookup" },
  hash: { do: "hash" },
  hit: { do: "deliver" },
  miss: { do: "fetch" },
  pass: { do: "pass" },
  fetch: { do: "deliver" },
  error: { do: "deliver" },
  deliver: { do: "deliver" },
  log: { do: "deliver" },
};

const CACHEABLE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "FASTLYPURGE"]);

/** A state whose subroutine the program does not have does what Fastly's boilerplate would. */
function withoutSub(state: VclState, t: Transaction): Action {
  if (state === "hash") t.hash += `${t.req.url}#${t.req.headers.get("host") ?? ""}#${t.generation}#`;
  if (state === "recv" && !CACHEABLE_METHODS.has(t.req.method)) return { do: "pass" };
  return DEFAULT_ACTIONS[state];
}
