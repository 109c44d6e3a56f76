import { VclError } from "./diagnostics.ts";
import type { Diagnostic } from "./diagnostics.ts";
import { lex } from "./lexer.ts";
import type { Token } from "./lexer.ts";
import { diagnose } from "./rules.ts";
import type { RuleId } from "./rules.ts";
import type { VclState } from "./runtime.ts";
import type { Source, Span } from "./source.ts";

/** After this many errors parsing stops; more would be noise. */
const MAX_ERRORS = 50;
/** Fastly refuses larger files (reference/vcl/constraints-and-limitations). */
const MAX_SOURCE_BYTES = 1_048_576;
/** Ours: more than any real service has, few enough to hold in memory. */
const MAX_TOKENS = 1_000_000;
/** Ours: includes may form a wide graph, but not one that grows without end. */
const MAX_INCLUDES = 1000;
const MAX_INCLUDE_DEPTH = 50;

/** A fault that ends the statement or declaration it is in; caught where parsing can go on. */
export class SyntaxFault extends Error {
  override readonly name = "SyntaxFault";
  readonly diagnostic: Diagnostic;

  constructor(diagnostic: Diagnostic) {
    super(diagnostic.message);
    this.diagnostic = diagnostic;
  }
}

/** What all sources of one service share while they are parsed: the files, the errors found and the budgets. */
export class ParserContext {
  readonly #includes: ReadonlyMap<string, Source>;
  readonly #macros: ReadonlyMap<VclState, Source>;
  readonly #diagnostics: Diagnostic[] = [];
  readonly #sources = new Set<Source>();
  readonly #open: Source[] = [];
  #tokens = 0;
  #included = 0;

  constructor(files: {
    readonly includes: ReadonlyMap<string, Source>;
    readonly macros: ReadonlyMap<VclState, Source>;
  }) {
    this.#includes = files.includes;
    this.#macros = files.macros;
  }

  get sources(): readonly Source[] {
    return [...this.#sources];
  }

  /** Notes an error; throws all of them once there are too many. */
  report(diagnostic: Diagnostic): void {
    this.#diagnostics.push(diagnostic);
    if (this.#diagnostics.length >= MAX_ERRORS) this.throwErrors();
  }

  throwErrors(): void {
    if (this.#diagnostics.length > 0) throw new VclError(this.#diagnostics);
  }

  /** The tokens of a source; errors found on the way are noted. */
  tokensOf(source: Source): readonly Token[] {
    this.#sources.add(source);
    const fail = (rule: RuleId, span: { start: number; end: number }, message: string) => {
      this.report(diagnose(rule, { source, start: span.start, end: span.end }, message));
    };
    if (source.text.length > MAX_SOURCE_BYTES) {
      fail(
        "limit/source-size",
        { start: 0, end: 0 },
        `the file has ${source.text.length} bytes, limit is 1 MB`,
      );
      this.throwErrors();
    }
    const tokens = lex(source.text, { report: fail, limit: MAX_TOKENS + 1 - this.#tokens });
    this.#tokens += tokens.length;
    if (this.#tokens > MAX_TOKENS) {
      fail("limit/tokens", { start: 0, end: 0 }, `the service has more than ${MAX_TOKENS} tokens`);
      this.throwErrors();
    }
    return tokens;
  }

  /** Runs `parse` on the named file, guarded against cycles and floods. */
  withInclude<T>(include: { readonly name: string; readonly span: Span }, parse: (source: Source) => T): T {
    const { name, span } = include;
    const source = this.#includes.get(name);
    if (source === undefined) {
      throw new SyntaxFault(
        diagnose("include/not-found", span, `there is no file named ${JSON.stringify(name)}`),
      );
    }
    if (this.#open.includes(source)) {
      throw new SyntaxFault(diagnose("include/cycle", span, `${JSON.stringify(name)} includes itself`));
    }
    this.#included += 1;
    if (this.#included > MAX_INCLUDES || this.#open.length >= MAX_INCLUDE_DEPTH) {
      throw new SyntaxFault(diagnose("limit/includes", span, "too many includes"));
    }
    return this.within(source, parse);
  }

  /** Runs `parse` on a source while includes of it count as cycles. */
  within<T>(source: Source, parse: (source: Source) => T): T {
    this.#open.push(source);
    try {
      return parse(source);
    } finally {
      this.#open.pop();
    }
  }

  /** What the service's objects put in place of `#FASTLY <state>`; nothing inside a macro's own text. */
  macro(state: VclState): Source | undefined {
    const source = this.#macros.get(state);
    return source === undefined || this.#open.includes(source) ? undefined : source;
  }
}
