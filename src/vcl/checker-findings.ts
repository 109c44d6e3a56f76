import type { PatternSyntaxError } from "../pcre/syntax-error.ts";
import type { VclProgram } from "./ast-declarations.ts";
import type { Diagnostic } from "./diagnostics.ts";
import { diagnose, RULES } from "./rules.ts";
import type { RuleId } from "./rules.ts";
import type { Source, Span } from "./source.ts";
import { walkStatements } from "./walk.ts";

/** Of errors, and of warnings: beyond this many nobody reads on. */
const MAX_FINDINGS = 200;

/** What a check has found so far; the same finding in the same place (a file included twice) counts once. */
export class Findings {
  readonly #generated: ReadonlySet<Source>;
  readonly #found = { error: new Map<string, Diagnostic>(), warning: new Map<string, Diagnostic>() };
  /** What is wrong with each pattern seen, `null` = nothing: programs say the same patterns again and again. */
  readonly patterns = new Map<string, PatternSyntaxError | null>();
  readonly #sourceIndex: ReadonlyMap<Source, number>;

  constructor(program: VclProgram) {
    this.#generated = macroSources(program);
    this.#sourceIndex = new Map(program.sources.map((source, index) => [source, index]));
  }

  /**
   * Notes a finding; a message that is costly to make is a function. Warnings about text that the service's objects
   * generate are nobody's to mend: dropped.
   */
  report(rule: RuleId, span: Span, message: string | (() => string)): void {
    const { severity } = RULES[rule];
    if (severity === "warning" && this.#generated.has(span.source)) return;
    const found = this.#found[severity];
    const key = `${rule} ${this.#indexOf(span)} ${span.start} ${span.end}`;
    if (found.size >= MAX_FINDINGS || found.has(key)) return;
    found.set(key, diagnose(rule, span, typeof message === "string" ? message : message()));
  }

  /** Errors and warnings in the order of the sources and their text; at most 200, and errors before warnings stay. */
  list(): readonly Diagnostic[] {
    const { error, warning } = this.#found;
    return [...error.values(), ...warning.values()]
      .slice(0, MAX_FINDINGS)
      .sort((a, b) => this.#indexOf(a.span) - this.#indexOf(b.span) || a.span.start - b.span.start);
  }

  #indexOf({ source }: Span): number {
    return this.#sourceIndex.get(source) ?? -1;
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
