import type { RuleId } from "./rules.ts";
import { VCL_STATES } from "./states.ts";
import { checkUtf8, decodeString } from "./string-literal.ts";
import type { DecodedString } from "./string-literal.ts";

export type TokenKind =
  "word" | "string" | "long-string" | "integer" | "float" | "rtime" | "percent" | "macro" | "punct" | "end";

export interface Token {
  readonly kind: TokenKind;
  /** Strings decoded, macros the state's name, everything else as written. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** Told of every problem; the lexer goes on behind it. */
export type LexReport = (rule: RuleId, place: { start: number; end: number }, message: string) => void;

const SPACE = /[ \t\r\n]+/y;
const LINE = /[^\n]*/y;
/** Identifiers may hold dashes and dots (reference/vcl/declarations/local-variables). */
const WORD = /[A-Za-z_][A-Za-z0-9_.-]*/y;
const HEADER = /^(?:req|bereq|beresp|obj|resp)\.http\./;
/** A header's subfield (`:name`) or, for `unset`, a trailing `*`. */
const HEADER_TAIL = /(?::[A-Za-z0-9_.-]+)?\*?/y;
const HEX_NUMBER = /0[xX][0-9A-Fa-f]+(?:\.[0-9A-Fa-f]+)?(?:p[+-]?[0-9]+)?/y;
const NUMBER = /[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?/y;
const NUMBER_TAIL = /[A-Za-z0-9_]*/y;
const UNIT = /^(?:ms|s|m|h|d|w|y)$/;
const LONG_OPEN = /\{([A-Za-z0-9_]*)"/y;
const STRING = /"([^"\n]*)("?)/y;
const PUNCT = /<<=|>>=|&&=|\|\|=|==|!=|!~|<=|>=|&&|\|\||\+=|-=|\*=|\/=|%=|\|=|&=|\^=|[{}();,:.=!~<>+*/%-]/y;
const MACRO = /#[ \t]*FASTLY[ \t]+([A-Za-z_]+)[ \t]*\r?(?=\n|$)/iy;

/**
 * Splits VCL text into tokens, ending in one of kind `end`; stops early, silently, at `limit` tokens (the parser
 * counts them over all sources and reports).
 */
export function lex(text: string, options: { report: LexReport; limit: number }): readonly Token[] {
  return new Lexer(text, options).run();
}

class Lexer {
  readonly #text: string;
  readonly #report: LexReport;
  readonly #limit: number;
  readonly #tokens: Token[] = [];
  #at = 0;

  constructor(text: string, options: { report: LexReport; limit: number }) {
    this.#text = text;
    this.#report = options.report;
    this.#limit = options.limit;
  }

  run(): readonly Token[] {
    while (this.#skipSpace() && this.#tokens.length < this.#limit) this.#readToken();
    this.#push("end", { text: "", start: this.#text.length });
    return this.#tokens;
  }

  /** Whether there is anything behind the space. */
  #skipSpace(): boolean {
    this.#match(SPACE);
    return this.#at < this.#text.length;
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match !== null) this.#at += match[0].length;
    return match;
  }

  #push(kind: TokenKind, token: { text: string; start: number }): void {
    this.#tokens.push({ kind, text: token.text, start: token.start, end: this.#at });
  }

  #readToken(): void {
    const start = this.#at;
    switch (this.#text[start]) {
      case "#":
        return this.#readHash();
      case '"':
        return this.#readString();
      case "/":
        if (this.#readComment()) return;
        break;
      case "{":
        if (this.#readLongString()) return;
        break;
      default:
    }
    if (this.#readWord() || this.#readNumber()) return;
    const punct = this.#match(PUNCT);
    if (punct !== null) return this.#push("punct", { text: punct[0], start });
    this.#readInvalid();
  }

  /** `#FASTLY recv` on a line of its own where a statement may begin, else a comment. */
  #readHash(): void {
    const start = this.#at;
    const state =
      this.#startsStatement() && this.#startsLine() ? this.#match(MACRO)?.[1]?.toLowerCase() : undefined;
    if (state !== undefined && VCL_STATES.some((known) => known === state)) {
      return this.#push("macro", { text: state, start });
    }
    this.#at = start;
    this.#match(LINE);
  }

  #startsStatement(): boolean {
    const before = this.#tokens.at(-1);
    if (before === undefined || before.kind === "macro") return true;
    return before.kind === "punct" && /^[{};:]$/.test(before.text);
  }

  #startsLine(): boolean {
    const lineStart = this.#text.lastIndexOf("\n", this.#at - 1) + 1;
    return this.#at === 0 || /^[ \t\r]*$/.test(this.#text.slice(lineStart, this.#at));
  }

  /** `// …` and `/* … *\/`. */
  #readComment(): boolean {
    const start = this.#at;
    if (this.#text.startsWith("//", start)) return this.#match(LINE) !== null;
    if (!this.#text.startsWith("/*", start)) return false;
    const end = this.#text.indexOf("*/", start + 2);
    if (end === -1) {
      this.#report("syntax/unterminated", { start, end: start + 2 }, "the comment has no closing */");
    }
    this.#at = end === -1 ? this.#text.length : end + 2;
    return true;
  }

  /** `"…"` on one line, with percent escapes. */
  #readString(): void {
    const start = this.#at;
    const match = this.#match(STRING);
    if (match?.[2] !== '"') {
      this.#report(
        "syntax/unterminated",
        { start, end: this.#at },
        'the string has no closing " on its line',
      );
    }
    this.#pushString("string", { start, bodyStart: start + 1, decoded: decodeString(match?.[1] ?? "") });
  }

  /** `{"…"}` or `{X"…"X}`, over any number of lines, without escapes. */
  #readLongString(): boolean {
    const start = this.#at;
    const open = this.#match(LONG_OPEN);
    if (open === null) return false;
    const bodyStart = this.#at;
    const close = `"${open[1] ?? ""}}`;
    const end = this.#text.indexOf(close, bodyStart);
    if (end === -1) {
      this.#report("syntax/unterminated", { start, end: bodyStart }, `the string has no closing ${close}`);
    }
    this.#at = end === -1 ? this.#text.length : end + close.length;
    const decoded = checkUtf8(this.#text.slice(bodyStart, end === -1 ? this.#at : end));
    this.#pushString("long-string", { start, bodyStart, decoded });
    return true;
  }

  #pushString(
    kind: "string" | "long-string",
    found: { start: number; bodyStart: number; decoded: DecodedString },
  ): void {
    const { problem, value } = found.decoded;
    const nul = this.#text.slice(found.start, this.#at).indexOf("\0");
    if (nul !== -1) {
      const place = { start: found.start + nul, end: found.start + nul + 1 };
      this.#report("syntax/invalid-character", place, "a string cannot hold a NUL byte");
    } else if (problem !== undefined) {
      const escape = found.bodyStart + problem.offset;
      const isEscape = problem.rule === "syntax/invalid-escape";
      const place = isEscape ? { start: escape, end: escape + 1 } : { start: found.start, end: this.#at };
      this.#report(problem.rule, place, problem.message);
    }
    this.#push(kind, { text: value, start: found.start });
  }

  /** An identifier; header names take their subfield with them, so that labels and `default:` keep their colon. */
  #readWord(): boolean {
    const start = this.#at;
    const match = this.#match(WORD);
    if (match === null) return false;
    if (HEADER.test(match[0])) this.#match(HEADER_TAIL);
    this.#push("word", { text: this.#text.slice(start, this.#at), start });
    return true;
  }

  /** Decimal and hexadecimal numbers, with a unit (RTIME) or `%` directly behind a decimal one. */
  #readNumber(): boolean {
    const start = this.#at;
    const number = (this.#match(HEX_NUMBER) ?? this.#match(NUMBER))?.[0];
    if (number === undefined) return false;
    const tail = this.#match(NUMBER_TAIL)?.[0] ?? "";
    const isPlain = /^[0-9.]+$/.test(number);
    if (tail !== "") {
      if (!isPlain || !UNIT.test(tail)) {
        this.#report("syntax/invalid-number", { start, end: this.#at }, `${number}${tail} is not a number`);
      }
      this.#push("rtime", { text: isPlain && UNIT.test(tail) ? number + tail : "0s", start });
      return true;
    }
    if (isPlain && this.#text[this.#at] === "%" && this.#text[this.#at + 1] !== "=") {
      this.#at += 1;
      this.#push("percent", { text: number, start });
      return true;
    }
    this.#push(/^[0-9]+$|^0[xX][0-9A-Fa-f]+$/.test(number) ? "integer" : "float", { text: number, start });
    return true;
  }

  /** Skips a run of characters that start nothing, with one report for all of them. */
  #readInvalid(): void {
    const start = this.#at;
    const run = /[^\s\w"#{}();]+/y;
    this.#at += 1;
    this.#match(run);
    const shown = JSON.stringify(this.#text.slice(start, Math.min(this.#at, start + 20)));
    this.#report("syntax/invalid-character", { start, end: this.#at }, `unexpected ${shown}`);
  }
}
