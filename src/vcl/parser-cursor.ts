import type { Identifier } from "./ast.ts";
import type { Token } from "./lexer.ts";
import { ParserContext, SyntaxFault } from "./parser-context.ts";
import { diagnose } from "./rules.ts";
import type { RuleId } from "./rules.ts";
import type { Source, Span } from "./source.ts";

/** Ours: deep enough for any hand or template, shallow enough for every recursion behind the parser. */
const MAX_DEPTH = 100;
/** Ours: operators chain to the left without nesting, but the tree they make is as deep as they are many. */
const MAX_OPERATORS = 2000;

/** A place in one source's tokens, with the small steps that productions are made of. */
export class Cursor {
  readonly context: ParserContext;
  readonly source: Source;
  readonly #tokens: readonly Token[];
  readonly #last: Token;
  readonly #depths = { block: 0, expression: 0 };
  #operators = 0;
  #endReported = false;
  #at = 0;

  constructor(context: ParserContext, source: Source) {
    this.context = context;
    this.source = source;
    this.#tokens = context.tokensOf(source);
    this.#last = this.#tokens.at(-1) ?? { kind: "end", text: "", start: 0, end: 0 };
  }

  /** The token `ahead` places on; the end for ever after the last. */
  peek(ahead = 0): Token {
    return this.#tokens[this.#at + ahead] ?? this.#last;
  }

  next(): Token {
    const token = this.peek();
    this.#at += 1;
    return token;
  }

  /** Whether the next token is this punctuation or bare word. */
  at(text: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.text === text && (token.kind === "punct" || token.kind === "word");
  }

  atEnd(): boolean {
    return this.peek().kind === "end";
  }

  /** Takes the token if it is there. */
  skip(text: string): boolean {
    if (!this.at(text)) return false;
    this.#at += 1;
    return true;
  }

  expect(text: string): Token {
    if (!this.at(text)) throw this.unexpected(JSON.stringify(text));
    return this.next();
  }

  /** A bare word as a name. */
  expectName(what: string): Identifier {
    const token = this.peek();
    if (token.kind !== "word") throw this.unexpected(what);
    this.#at += 1;
    return { kind: "identifier", name: token.text, span: this.spanOf(token) };
  }

  expectString(what: string): Token {
    const token = this.peek();
    if (token.kind !== "string" && token.kind !== "long-string") throw this.unexpected(what);
    return this.next();
  }

  /** Macros are comments wherever no statement can stand. */
  skipMacros(): void {
    while (this.peek().kind === "macro") this.#at += 1;
  }

  /** `item*` up to the closing brace, which is taken; `open` is where an error about a missing one points. */
  until<T>(open: Token, item: () => T | undefined): readonly T[] {
    const items: T[] = [];
    for (this.skipMacros(); !this.at("}"); this.skipMacros()) {
      if (this.atEnd()) throw this.fault("syntax/unterminated", open, "this { has no closing }");
      const found = item();
      if (found !== undefined) items.push(found);
    }
    this.next();
    return items;
  }

  /** Runs a production one level deeper, refusing to nest without end. */
  nested<T>(what: "block" | "expression", parse: () => T): T {
    if (this.#depths[what] >= MAX_DEPTH) {
      throw this.fault("limit/nesting", this.peek(), `${what}s nest at most ${MAX_DEPTH} levels deep`);
    }
    if (what === "expression" && this.#depths.expression === 0) this.#operators = 0;
    this.#depths[what] += 1;
    try {
      return parse();
    } finally {
      this.#depths[what] -= 1;
    }
  }

  /** Counts an operator of the expression that is open. */
  countOperator(): void {
    this.#operators += 1;
    if (this.#operators > MAX_OPERATORS) {
      throw this.fault(
        "limit/operators",
        this.peek(),
        `an expression has at most ${MAX_OPERATORS} operators`,
      );
    }
  }

  /** Block depth of the source that includes this one. */
  startAtDepth(depth: number): void {
    this.#depths.block = depth;
  }

  get blockDepth(): number {
    return this.#depths.block;
  }

  spanOf(token: Token): Span {
    return { source: this.source, start: token.start, end: token.end };
  }

  /** From a token or node up to the last token taken. */
  spanFrom(start: { readonly start: number }): Span {
    const end = this.#tokens[this.#at - 1]?.end ?? start.start;
    return { source: this.source, start: start.start, end: Math.max(start.start, end) };
  }

  unexpected(wanted: string): SyntaxFault {
    const token = this.peek();
    return this.fault("syntax/unexpected-token", token, `expected ${wanted}, found ${describeToken(token)}`);
  }

  fault(rule: RuleId, token: Token, message: string): SyntaxFault {
    return new SyntaxFault(diagnose(rule, this.spanOf(token), message));
  }

  /** Runs a production; on a fault notes it, moves on with `recover`, and answers `undefined`. */
  attempt<T>(parse: () => T, recover: () => void): T | undefined {
    const before = this.#at;
    try {
      return parse();
    } catch (error) {
      if (!(error instanceof SyntaxFault)) throw error;
      // Every block still open at the end would say so; the innermost is enough.
      if (!this.atEnd() || !this.#endReported) this.context.report(error.diagnostic);
      this.#endReported ||= this.atEnd();
      recover();
      if (this.#at === before) this.next();
      return undefined;
    }
  }

  /** Moves behind the next `;` or balanced `{…}`, or to the `}` that closes the block around. */
  skipStatement(): void {
    for (let depth = 0; !this.atEnd(); this.next()) {
      if (this.at("{")) depth += 1;
      else if (this.at("}")) {
        if (depth === 0) return;
        depth -= 1;
        if (depth === 0) return void this.next();
      } else if (depth === 0 && this.at(";")) return void this.next();
    }
  }

  /** Moves to the next token for which `starts` holds. */
  skipTo(starts: () => boolean): void {
    while (!this.atEnd() && !starts()) this.next();
  }
}

function describeToken(token: Token): string {
  switch (token.kind) {
    case "end":
      return "the end of the file";
    case "string":
    case "long-string":
      return "a string";
    case "macro":
      return `#FASTLY ${token.text}`;
    default:
      return JSON.stringify(token.text.length > 40 ? `${token.text.slice(0, 40)}…` : token.text);
  }
}
