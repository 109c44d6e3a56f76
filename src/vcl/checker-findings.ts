import type { VclProgram } from "./ast.ts";
import type { Diagnostic } from "./diagnostics.ts";
import { diagnose } from "./rules.ts";
import type { RuleId } from "./rules.ts";
import type { Source, Span } from "./source.ts";
import { walkStatements } from "./walk.ts";

/** Beyond this many nobody reads on. */
const MAX_FINDINGS = 200;

/** What a check has found so far; the same finding in the same place (a file included twice) counts once. */
export class Findings {
  readonly #program: VclProgram;
  readonly #generated: ReadonlySet<Source>;
  readonly #found = new Map<string, Diagnostic>();
  readonly #sourceIndex: ReadonlyMap<Source, number>;

  constructor(program: VclProgram) {
    this.#program = program;
    this.#generated = macroSources(program);
    this.#sourceIndex = new Map(program.sources.map((source, index) => [source, index]));
  }

  /** Notes a finding. Warnings about text that the service's objects generate are nobody's to mend: dropped. */
  report(rule: RuleId, span: Span, message: string): void {
    const diagnostic = diagnose(rule, span, message);
    if (diagnostic.severity === "warning" && this.#generated.has(span.source)) return;
    const key = `${rule} ${this.#sourceIndex.get(span.source) ?? -1} ${span.start} ${span.end}`;
    if (!this.#found.has(key)) this.#found.set(key, diagnostic);
  }

  /** Errors and warnings in the order of the sources and their text, at most 200, errors first to stay. */
  list(): readonly Diagnostic[] {
    const all = [...this.#found.values()];
    const errors = all.filter(({ severity }) => severity === "error");
    const warnings = all.filter(({ severity }) => severity === "warning");
    const order = ({ source }: Span) => this.#sourceIndex.get(source) ?? this.#program.sources.length;
    return [...errors, ...warnings]
      .slice(0, MAX_FINDINGS)
      .sort((a, b) => order(a.span) - order(b.span) || a.span.start - b.span.start);
  }
}

function macroSources(program: VclProgram): ReadonlySet<Source> {
  const sources = new Set<Source>();
  for (const declaration of program.declarations) {
    if (declaration.kind !== "sub") continue;
    walkStatements(declaration.body, (node) => {
      if (node.kind === "macro") for (const inner of node.body) sources.add(inner.span.source);
    });
  }
  return sources;
}
