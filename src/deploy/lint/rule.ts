import type { VclProgram } from "../../vcl/ast-declarations.ts";
import type { Diagnostic, Severity } from "../../vcl/diagnostics.ts";
import type { VclState } from "../../vcl/runtime.ts";
import type { Span } from "../../vcl/source.ts";
import type { Reached } from "./reached.ts";

/** What rules decide upon. */
export interface LintFacts {
  readonly program: VclProgram;
  /** See `reachedStatements`. */
  readonly reached: readonly Reached[];
  /** Names in VCL of the backends that have a shield. */
  readonly shielded: readonly string[];
  /** Dictionaries that nobody can read at Fastly. */
  readonly privateTables: readonly string[];
  readonly revision: string;
  /** Domains of the service below which sites have their names: `example.com` of `*.example.com`. */
  readonly wildcards: readonly string[];
}

/** One thing found: a sentence and where. */
export interface Finding {
  readonly message: string;
  readonly span: Span;
}

/** A contract of the rendered VCL; `docs/lint.md` has a section for each. */
export interface LintRule {
  readonly id: `sitefleet/${string}`;
  readonly severity: Severity;
  /** What has to be so, in one line. */
  readonly contract: string;
  readonly check: (facts: LintFacts) => readonly Finding[];
}

/** All findings of a rule, each once: a subroutine may be called from many places. */
export function runRule(rule: LintRule, facts: LintFacts): readonly Diagnostic[] {
  const seen = new Set<string>();
  return rule.check(facts).flatMap(({ message, span }) => {
    const key = `${span.source.name}\0${span.start}\0${message}`;
    if (seen.has(key)) return [];
    seen.add(key);
    return [{ severity: rule.severity, rule: rule.id, message, span }];
  });
}

const BY_STATE = new WeakMap<readonly Reached[], ReadonlyMap<VclState, readonly Reached[]>>();

/** The statements of some states, in order. */
export function inState({ reached }: LintFacts, ...states: readonly VclState[]): readonly Reached[] {
  // Rules ask for them again and again.
  const known = BY_STATE.get(reached) ?? byState(reached);
  BY_STATE.set(reached, known);
  const [first, ...others] = states;
  if (first === undefined) return [];
  const found = known.get(first) ?? [];
  return others.length === 0 ? found : [...found, ...others.flatMap((state) => known.get(state) ?? [])];
}

function byState(reached: readonly Reached[]): ReadonlyMap<VclState, readonly Reached[]> {
  const found = new Map<VclState, Reached[]>();
  for (const one of reached) {
    const others = found.get(one.state);
    if (others) others.push(one);
    else found.set(one.state, [one]);
  }
  return found;
}

/** Where to say that something is missing: the name of the state's subroutine, or the beginning of the service. */
export function placeOfState({ program }: LintFacts, state: VclState): Span {
  const sub = program.declarations.find((node) => node.kind === "sub" && node.name.name === `vcl_${state}`);
  if (sub?.kind === "sub") return sub.name.span;
  const source = program.sources.at(-1) ?? { name: "main.vcl", text: "" };
  return { source, start: 0, end: 0 };
}

/** A finding at a statement. */
export function at(reached: Reached, message: string): Finding {
  return { message, span: reached.statement.span };
}

/** The place of the state's `#FASTLY` macro in the order of statements; infinite where there is none. */
export function orderOfMacro(facts: LintFacts, state: VclState): number {
  const macro = inState(facts, state).find(({ statement }) => statement.kind === "macro");
  return macro?.order ?? Number.POSITIVE_INFINITY;
}
