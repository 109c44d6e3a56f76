import type { Expression, Identifier, Statement, StringLiteral, VclType } from "./ast.ts";
import type { Source, Span } from "./source.ts";

export interface AclEntry {
  readonly negated: boolean;
  readonly address: StringLiteral;
  readonly mask: number | undefined;
  readonly span: Span;
}
export interface AclDeclaration {
  readonly kind: "acl";
  readonly name: Identifier;
  readonly entries: readonly AclEntry[];
  readonly span: Span;
}
/** `.name = value;` where the value may be a nested `{ .name = value; … }` (inline probe). */
export interface Property {
  readonly name: Identifier;
  readonly value: Expression | readonly Property[];
  readonly span: Span;
}
export interface BackendDeclaration {
  readonly kind: "backend";
  readonly name: Identifier;
  readonly properties: readonly Property[];
  readonly span: Span;
}
export interface ProbeDeclaration {
  readonly kind: "probe";
  readonly name: Identifier;
  readonly properties: readonly Property[];
  readonly span: Span;
}
export interface DirectorMember {
  readonly properties: readonly Property[];
  readonly span: Span;
}
export interface DirectorDeclaration {
  readonly kind: "director";
  readonly name: Identifier;
  /** random, fallback, hash, client, chash or shield. */
  readonly type: Identifier;
  readonly properties: readonly Property[];
  readonly members: readonly DirectorMember[];
  readonly span: Span;
}
export interface TableEntry {
  readonly key: StringLiteral;
  readonly value: Expression;
  readonly span: Span;
}
export interface TableDeclaration {
  readonly kind: "table";
  readonly name: Identifier;
  readonly type: VclType;
  readonly entries: readonly TableEntry[];
  readonly span: Span;
}
export interface PenaltyboxDeclaration {
  readonly kind: "penaltybox";
  readonly name: Identifier;
  readonly span: Span;
}
export interface RatecounterDeclaration {
  readonly kind: "ratecounter";
  readonly name: Identifier;
  readonly span: Span;
}
export interface Parameter {
  readonly type: VclType;
  readonly name: Identifier;
  readonly span: Span;
}
export interface SubDeclaration {
  readonly kind: "sub";
  readonly name: Identifier;
  readonly parameters: readonly Parameter[];
  readonly type: VclType;
  readonly body: readonly Statement[];
  readonly span: Span;
}
export interface ImportDeclaration {
  readonly kind: "import";
  readonly name: Identifier;
  readonly span: Span;
}
/** `pragma optional_param max_backends 5;` and the marks `C!` and `W!` (one word), all found in generated VCL. */
export interface PragmaDeclaration {
  readonly kind: "pragma";
  readonly words: readonly string[];
  readonly span: Span;
}

export type Declaration =
  | AclDeclaration
  | BackendDeclaration
  | ProbeDeclaration
  | DirectorDeclaration
  | TableDeclaration
  | PenaltyboxDeclaration
  | RatecounterDeclaration
  | SubDeclaration
  | ImportDeclaration
  | PragmaDeclaration;

/** A whole service: every source's declarations in order, includes and macros already in their places. */
export interface VclProgram {
  readonly declarations: readonly Declaration[];
  readonly sources: readonly Source[];
}
