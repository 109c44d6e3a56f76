import type { SubDeclaration, VclProgram } from "./ast-declarations.ts";
import { buildCallGraph, checkCalls } from "./checker-calls.ts";
import type { CallGraph } from "./checker-calls.ts";
import { Locals, Variables } from "./checker-context.ts";
import { checkDeclarations } from "./checker-declarations.ts";
import { Findings } from "./checker-findings.ts";
import { checkFlow } from "./checker-flow.ts";
import { checkLabels } from "./checker-labels.ts";
import { checkBody } from "./checker-statements.ts";
import { collectSymbols } from "./checker-symbols.ts";
import type { Symbols } from "./checker-symbols.ts";
import type { Diagnostic } from "./diagnostics.ts";
import { stateOfSub, VCL_STATES } from "./states.ts";
import { walkStatements } from "./walk.ts";

/**
 * Everything Fastly would refuse in a parsed service, as far as it is known for certain, and what it would warn of:
 * findings of the rules in `rules.ts`, in the order of the text, at most 200. A program without errors may be compiled.
 */
export function checkProgram(program: VclProgram): readonly Diagnostic[] {
  const findings = new Findings(program);
  const symbols = collectSymbols(program, findings);
  const graph = buildCallGraph(symbols);
  const variables = new Variables();
  checkDeclarations(program, { symbols, findings });
  checkCalls(graph, { symbols, findings });
  for (const declaration of program.declarations) {
    if (declaration.kind === "sub") checkSub(declaration, { symbols, findings, graph, variables });
  }
  return findings.list();
}

interface ProgramContext {
  readonly symbols: Symbols;
  readonly findings: Findings;
  readonly graph: CallGraph;
  readonly variables: Variables;
}

function checkSub(sub: SubDeclaration, context: ProgramContext): void {
  const { symbols, findings, graph, variables } = context;
  const locals = new Locals(findings);
  for (const { name, type } of sub.parameters) locals.addParameter(name, type);
  const reachable = graph.states.get(sub.name.name);
  const states = VCL_STATES.filter((state) => reachable?.has(state) === true);
  const types = {
    local: (name: string) => locals.typeOf(name) ?? variables.find(name)?.type,
    declared: (name: string) => symbols.values.get(name),
    sub: (name: string) => symbols.subs.get(name)?.type,
  };
  checkBody(sub.body, { sub, symbols, findings, states, locals, types, variables });
  locals.end();
  checkFlow(sub, findings);
  checkLabels(sub, findings);
  checkMacro(sub, context);
}

/** Each state's subroutine holds its macro, itself or in what it calls: without it the service's objects do nothing. */
function checkMacro(sub: SubDeclaration, { symbols, findings, graph }: ProgramContext): void {
  const state = stateOfSub(sub.name.name);
  if (state === undefined) return;
  const open = [sub.name.name];
  const seen = new Set(open);
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    let isFound = false;
    walkStatements(symbols.subs.get(name)?.body ?? [], (node) => {
      isFound ||= node.kind === "macro" && node.name === state;
    });
    if (isFound) return;
    for (const call of graph.calls.get(name) ?? []) {
      if (!seen.has(call.name)) open.push(call.name);
      seen.add(call.name);
    }
  }
  findings.report("macro/missing", sub.name.span, `${sub.name.name} lacks the line #FASTLY ${state}`);
}
