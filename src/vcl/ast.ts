import type { VclState } from "./runtime.ts";
import type { Span } from "./source.ts";

/** The types of Fastly VCL (reference/vcl/types). `VOID` is the type of a subroutine or function without a value. */
export const VCL_TYPES = [
  "ACL",
  "BACKEND",
  "BOOL",
  "DIRECTOR",
  "FLOAT",
  "ID",
  "INTEGER",
  "IP",
  "PENALTYBOX",
  "RATECOUNTER",
  "REGEX",
  "RTIME",
  "STRING",
  "SUBROUTINE",
  "TABLE",
  "TIME",
  "VOID",
] as const;
export type VclType = (typeof VCL_TYPES)[number];

export interface Identifier {
  readonly kind: "identifier";
  /** Dotted name with its header part and subfield as written: `req.http.Cookie:session`, `var.count`, `F_origin`. */
  readonly name: string;
  readonly span: Span;
}

// ---- expressions ---------------------------------------------------------------------------------------------

export interface StringLiteral {
  readonly kind: "string";
  /** The bytes meant: escapes of `"…"` decoded, `{"…"}` and `{X"…"X}` as they stand. The word `LF` is the long string of a newline. */
  readonly value: string;
  readonly long: boolean;
  readonly span: Span;
}
export interface IntegerLiteral {
  readonly kind: "integer";
  readonly value: bigint;
  readonly span: Span;
}
export interface FloatLiteral {
  readonly kind: "float";
  readonly value: number;
  readonly span: Span;
}
/** A duration such as `10s`; the value is in seconds. */
export interface RTimeLiteral {
  readonly kind: "rtime";
  readonly value: number;
  readonly span: Span;
}
export interface BoolLiteral {
  readonly kind: "bool";
  readonly value: boolean;
  readonly span: Span;
}
/** `50%`, legal in director quorums. */
export interface PercentLiteral {
  readonly kind: "percent";
  readonly value: number;
  readonly span: Span;
}
/** Juxtaposed strings, with or without `+`. */
export interface Concatenation {
  readonly kind: "concat";
  readonly parts: readonly Expression[];
  readonly span: Span;
}
export interface Group {
  readonly kind: "group";
  readonly inner: Expression;
  readonly span: Span;
}
export interface FunctionCall {
  readonly kind: "call";
  readonly name: Identifier;
  readonly args: readonly Expression[];
  readonly span: Span;
}
/** `if(condition, then, else)` as an expression. */
export interface IfExpression {
  readonly kind: "if-expression";
  readonly condition: Expression;
  readonly then: Expression;
  readonly otherwise: Expression;
  readonly span: Span;
}
/** A minus sign is part of the number it stands before: only literals may be negated (reference/vcl/operators). */
export type UnaryOperator = "!";
export interface UnaryExpression {
  readonly kind: "unary";
  readonly operator: UnaryOperator;
  readonly operand: Expression;
  readonly span: Span;
}
/**
 * `+` and `-` only ever stand between a TIME and an RTIME literal (`now + 5m`); every other `+` is a concatenation.
 * There is no other arithmetic inside expressions: `set` has operators for it.
 */
export type BinaryOperator = "==" | "!=" | "~" | "!~" | "<" | "<=" | ">" | ">=" | "&&" | "||" | "+" | "-";
export interface BinaryExpression {
  readonly kind: "binary";
  readonly operator: BinaryOperator;
  readonly left: Expression;
  readonly right: Expression;
  readonly span: Span;
}
export type Expression =
  | Identifier
  | StringLiteral
  | IntegerLiteral
  | FloatLiteral
  | RTimeLiteral
  | BoolLiteral
  | PercentLiteral
  | Concatenation
  | Group
  | FunctionCall
  | IfExpression
  | UnaryExpression
  | BinaryExpression;

// ---- statements ----------------------------------------------------------------------------------------------

export type AssignmentOperator =
  | "="
  | "+="
  | "-="
  | "*="
  | "/="
  | "%="
  | "|="
  | "&="
  | "^="
  | "<<="
  | ">>="
  | "rol="
  | "ror="
  | "&&="
  | "||=";

export interface SetStatement {
  readonly kind: "set";
  readonly target: Identifier;
  readonly operator: AssignmentOperator;
  readonly value: Expression;
  readonly span: Span;
}
export interface AddStatement {
  readonly kind: "add";
  readonly target: Identifier;
  readonly value: Expression;
  readonly span: Span;
}
/** `unset` and its old name `remove`. */
export interface UnsetStatement {
  readonly kind: "unset";
  readonly target: Identifier;
  readonly span: Span;
}
export interface DeclareStatement {
  readonly kind: "declare";
  /** `local` lives to the subroutine's end, `block` to the end of the braces around it (declarations/local-variables). */
  readonly scope: "local" | "block";
  readonly name: Identifier;
  readonly type: VclType;
  readonly initial: Expression | undefined;
  readonly span: Span;
}
export interface CallStatement {
  readonly kind: "call-sub";
  readonly name: Identifier;
  readonly args: readonly Expression[];
  readonly span: Span;
}
export interface IfBranch {
  readonly condition: Expression;
  readonly body: readonly Statement[];
}
export interface IfStatement {
  readonly kind: "if";
  /** The `if` and every `else if`/`elsif`/`elseif`. */
  readonly branches: readonly IfBranch[];
  readonly otherwise: readonly Statement[] | undefined;
  readonly span: Span;
}
export interface SwitchCase {
  /** `undefined` for `default:`; `regex` for `case ~ "…"`. */
  readonly test: { readonly regex: boolean; readonly value: StringLiteral } | undefined;
  readonly body: readonly Statement[];
  /** How the case ends. */
  readonly end: "break" | "fallthrough" | "none";
  readonly span: Span;
}
export interface SwitchStatement {
  readonly kind: "switch";
  readonly control: Expression;
  readonly cases: readonly SwitchCase[];
  readonly span: Span;
}
export interface BlockStatement {
  readonly kind: "block";
  readonly body: readonly Statement[];
  readonly span: Span;
}
/** `return(lookup)`, `return;`, or `return value;` in a subroutine with a type. */
export interface ReturnStatement {
  readonly kind: "return";
  /** The word returned when it is a bare identifier, in parentheses or not; a checker decides between action and variable. */
  readonly action: Identifier | undefined;
  /** Whatever is returned; the same identifier as `action` when that is set. `undefined` in `return;` only. */
  readonly value: Expression | undefined;
  readonly span: Span;
}
export interface ErrorStatement {
  readonly kind: "error";
  readonly status: Expression | undefined;
  readonly reason: Expression | undefined;
  readonly span: Span;
}
export interface RestartStatement {
  readonly kind: "restart";
  readonly span: Span;
}
export interface EsiStatement {
  readonly kind: "esi";
  readonly span: Span;
}
export interface LogStatement {
  readonly kind: "log";
  readonly value: Expression;
  readonly span: Span;
}
export interface SyntheticStatement {
  readonly kind: "synthetic";
  readonly base64: boolean;
  readonly value: Expression;
  readonly span: Span;
}
export interface GotoStatement {
  readonly kind: "goto";
  readonly label: Identifier;
  readonly span: Span;
}
export interface LabelStatement {
  readonly kind: "label";
  readonly name: Identifier;
  readonly span: Span;
}
export interface CallFunctionStatement {
  readonly kind: "call-function";
  readonly call: FunctionCall;
  readonly span: Span;
}
/** `#FASTLY recv` with the statements that the service's objects put there. */
export interface MacroStatement {
  readonly kind: "macro";
  /** The state's name in lower case. */
  readonly name: VclState;
  readonly body: readonly Statement[];
  readonly span: Span;
}
/** `include "file";` inside a subroutine, with that file's statements. */
export interface IncludeStatement {
  readonly kind: "include";
  readonly name: string;
  readonly body: readonly Statement[];
  readonly span: Span;
}

export type Statement =
  | SetStatement
  | AddStatement
  | UnsetStatement
  | DeclareStatement
  | CallStatement
  | IfStatement
  | SwitchStatement
  | BlockStatement
  | ReturnStatement
  | ErrorStatement
  | RestartStatement
  | EsiStatement
  | LogStatement
  | SyntheticStatement
  | GotoStatement
  | LabelStatement
  | CallFunctionStatement
  | MacroStatement
  | IncludeStatement;
