import type { VclType } from "./ast.ts";
import type { Transaction, VclState } from "./runtime.ts";
import type { VclValue } from "./values.ts";

/** Where something may be used: everywhere, nowhere, or in the listed subroutines. */
export type Scopes = readonly VclState[] | "all" | "none";

/** A header of one of the five messages whose headers VCL can reach. */
export interface HeaderPlace {
  readonly message: "req" | "bereq" | "beresp" | "obj" | "resp";
  readonly header: string;
  /** As `lowerName` gives it. */
  readonly lower: string;
}

/**
 * One variable. The checker, the compiler and the documentation read the same row. A row without `get` (or without
 * `set` where `write` is not "none") is a name that Fastly has and this engine does not execute.
 */
export interface VariableRow {
  readonly name: string;
  readonly type: VclType;
  readonly read: Scopes;
  readonly write: Scopes;
  readonly unset: Scopes;
  /** Path below https://www.fastly.com/documentation/. */
  readonly doc: string;
  readonly get?: (t: Transaction) => VclValue;
  /** The same as `get` where the type is STRING. */
  readonly text?: (t: Transaction) => string | null;
  readonly set?: (t: Transaction, value: VclValue) => void;
  readonly clear?: (t: Transaction) => void;
  /** Set where the variable is one whole header. */
  readonly header?: HeaderPlace;
  /** A fixture may give the value (see `client-facts.ts`). */
  readonly fact?: true;
  /** What to use instead. */
  readonly deprecated?: string;
}

/** What a bare word means where a parameter has the type ID. */
export type IdMeaning =
  /** `req`, `bereq`, `beresp`, `obj` or `resp`. */
  | "message"
  /** One header: `req.http.X`. */
  | "header"
  /** A collection that can be counted: `req.headers`, `req.http.X`. */
  | "collection"
  /** One of `words`. */
  | "word";

export interface ParameterRow {
  readonly name: string;
  readonly type: VclType;
  /** May be left out; only at the end. */
  readonly optional: boolean;
  /** May be repeated; only the last one. */
  readonly variadic: boolean;
  /** Set where `type` is ID. */
  readonly id?: IdMeaning;
  readonly words?: readonly string[];
}

/** One function. A row without `call` is a name that Fastly has and this engine does not execute. */
export interface FunctionRow {
  readonly name: string;
  readonly result: VclType;
  readonly parameters: readonly ParameterRow[];
  readonly scopes: Scopes;
  readonly doc: string;
  /** Arguments have the parameters' types; optional ones left out are missing from the end. */
  readonly call?: FunctionBody;
  readonly deprecated?: string;
}

export type FunctionBody = (t: Transaction, args: readonly VclValue[]) => VclValue;

/** Whether a scope list admits a state. */
export function isInScope(scopes: Scopes, state: VclState): boolean {
  return scopes === "all" || (scopes !== "none" && scopes.includes(state));
}
