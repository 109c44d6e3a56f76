import type { Identifier } from "./ast.ts";
import type { SubDeclaration } from "./ast-declarations.ts";
import type { Findings } from "./checker-findings.ts";
import type { Symbols } from "./checker-symbols.ts";
import type { VclState } from "./runtime.ts";
import { stateOfSub } from "./states.ts";
import { expressionsOf, walkExpression, walkStatements } from "./walk.ts";

/** Calls are inlined, so they multiply; Fastly refuses more at activation ("Too many sub calls"). */
const MAX_CALLS = 25_000;

/** Who calls whom, by subroutine name. */
export interface CallGraph {
  readonly calls: ReadonlyMap<string, readonly Identifier[]>;
  /** The states each subroutine may run in; empty when nothing calls it. */
  readonly states: ReadonlyMap<string, ReadonlySet<VclState>>;
}

/** Finds every call of a declared subroutine, as a statement or as a function in an expression. */
export function buildCallGraph(symbols: Symbols): CallGraph {
  const calls = new Map([...symbols.subs].map(([name, sub]) => [name, callsOf(sub, symbols)]));
  return { calls, states: statesOf(calls) };
}

function callsOf(sub: SubDeclaration, symbols: Symbols): readonly Identifier[] {
  const found: Identifier[] = [];
  const note = (name: Identifier) => {
    if (symbols.subs.has(name.name)) found.push(name);
  };
  walkStatements(sub.body, (statement) => {
    if (statement.kind === "call-sub") note(statement.name);
    for (const expression of expressionsOf(statement)) {
      walkExpression(expression, (node) => {
        if (node.kind === "call") note(node.name);
      });
    }
  });
  return found;
}

/** Carries each state from its own subroutine along the calls. */
function statesOf(
  calls: ReadonlyMap<string, readonly Identifier[]>,
): ReadonlyMap<string, ReadonlySet<VclState>> {
  const states = new Map([...calls.keys()].map((name) => [name, new Set<VclState>()]));
  for (const root of calls.keys()) {
    const state = stateOfSub(root);
    if (state !== undefined) spread(state, { root, calls, states });
  }
  return states;
}

function spread(
  state: VclState,
  {
    root,
    calls,
    states,
  }: {
    root: string;
    calls: CallGraph["calls"];
    states: ReadonlyMap<string, Set<VclState>>;
  },
): void {
  const open = [root];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const known = states.get(name);
    if (known === undefined || known.has(state)) continue;
    known.add(state);
    for (const call of calls.get(name) ?? []) open.push(call.name);
  }
}

/** Reports circles of calls, call trees that are too large, and subroutines nobody calls. */
export function checkCalls(
  graph: CallGraph,
  { symbols, findings }: { symbols: Symbols; findings: Findings },
): void {
  const order = orderByCallees(graph.calls);
  const sizes = new Map<string, number>();
  for (const name of order) {
    const size = (graph.calls.get(name) ?? []).reduce(
      (sum, call) => sum + 1 + (sizes.get(call.name) ?? 0),
      0,
    );
    sizes.set(name, Math.min(size, Number.MAX_SAFE_INTEGER));
    const sub = symbols.subs.get(name);
    if (size > MAX_CALLS && stateOfSub(name) !== undefined && sub !== undefined) {
      findings.report("limit/calls", sub.name.span, `${name} makes ${size} calls, limit is ${MAX_CALLS}`);
    }
  }
  for (const [caller, calls] of circles(graph, sizes)) {
    for (const call of calls)
      findings.report("call/recursion", call.span, `${caller} calls ${call.name} in a circle`);
  }
  const called = new Set([...graph.calls.values()].flatMap((calls) => calls.map((call) => call.name)));
  for (const [name, sub] of symbols.subs) {
    if (name.startsWith("vcl_") || called.has(name)) continue;
    findings.report("sub/unused", sub.name.span, `nothing calls ${name}`);
  }
}

/** The calls that make circles (or lead from one to another): what is left when both ends are peeled off. */
function circles({ calls }: CallGraph, settled: ReadonlyMap<string, number>): CallGraph["calls"] {
  const within = (keep: (name: string) => boolean): CallGraph["calls"] =>
    new Map(
      [...calls]
        .filter(([name]) => keep(name))
        .map(([name, list]) => [name, list.filter((call) => keep(call.name))] as const),
    );
  const left = within((name) => !settled.has(name));
  const callers = new Map<string, Identifier[]>([...left.keys()].map((name) => [name, []]));
  for (const [caller, list] of left) {
    for (const call of list) callers.get(call.name)?.push({ ...call, name: caller });
  }
  const uncalled = new Set(orderByCallees(callers));
  return within((name) => left.has(name) && !uncalled.has(name));
}

/** Names so that every callee comes before its callers; those in or above a circle are left out. */
function orderByCallees(calls: CallGraph["calls"]): readonly string[] {
  const waiting = new Map([...calls].map(([name, list]) => [name, new Set(list.map((call) => call.name))]));
  const callers = new Map<string, string[]>();
  for (const [name, callees] of waiting) {
    for (const callee of callees) {
      const list = callers.get(callee) ?? [];
      list.push(name);
      callers.set(callee, list);
    }
  }
  const order = [...waiting].filter(([, callees]) => callees.size === 0).map(([name]) => name);
  for (const name of order) {
    for (const caller of callers.get(name) ?? []) {
      const callees = waiting.get(caller);
      if (callees?.delete(name) === true && callees.size === 0) order.push(caller);
    }
  }
  return order;
}
