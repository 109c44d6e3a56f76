import { SitefleetError } from "../../lib/errors.ts";
import type { VclType } from "../ast.ts";
import { VCL_STATES } from "../states.ts";
import { VCL_TYPES } from "../ast.ts";
import type {
  FunctionBody,
  FunctionRow,
  IdMeaning,
  ParameterRow,
  Scopes,
  VariableRow,
} from "../catalog-rows.ts";
import type { IpAddress } from "../ip.ts";
import type { BackendRef, Transaction, VclState } from "../runtime.ts";
import type { VclValue } from "../values.ts";

const TYPES: ReadonlySet<string> = new Set(VCL_TYPES);

function isType(word: string): word is VclType {
  return TYPES.has(word);
}

function typeNamed(word: string): VclType {
  if (!isType(word))
    throw new SitefleetError("fault/internal", `the catalog names an unknown type "${word}"`);
  return word;
}

/** `"all"`, `"none"`, or state names separated by blanks. */
export function scopesOf(text: string): Scopes {
  if (text === "all" || text === "none") return text;
  const words = text.split(" ");
  const states = VCL_STATES.filter((state) => words.includes(state));
  if (states.length !== words.length) {
    throw new SitefleetError("fault/internal", `the catalog names an unknown subroutine in "${text}"`);
  }
  return states satisfies readonly VclState[];
}

const SIGNATURE = /^([A-Z]+) ([a-z0-9_.]+)\((.*)\)$/;
const PARAMETER = /^(\[)?([A-Z]+)(?:<([a-z0-9_ ]+)>)?(\.\.\.)? ([a-z0-9_]+)\]?$/;

interface FunctionOptions {
  /** Folder of the reference page, e.g. `strings`. */
  readonly category: string;
  readonly scopes?: string;
  readonly deprecated?: string;
}

/**
 * A row from a signature as the reference prints it: `STRING substr(STRING s, INTEGER offset, [INTEGER length])`.
 * Brackets mark an optional parameter, `...` a repeated one, and `ID<header>` or `ID<sha256 sha1>` what a bare word
 * may be.
 */
export function defineFunction(
  signature: string,
  options: FunctionOptions,
  call?: FunctionBody,
): FunctionRow {
  const match = SIGNATURE.exec(signature);
  const [, result = "", name = "", list = ""] = match ?? [];
  const page = name.replaceAll(/[._]/g, "-");
  return {
    name,
    result: typeNamed(result),
    parameters: list === "" ? [] : list.split(", ").map(parameterOf),
    scopes: scopesOf(options.scopes ?? "all"),
    doc: `reference/vcl/functions/${options.category}/${page}`,
    ...(call === undefined ? {} : { call }),
    ...(options.deprecated === undefined ? {} : { deprecated: options.deprecated }),
  };
}

const MEANINGS: ReadonlyMap<string, IdMeaning> = new Map([
  ["message", "message"],
  ["header", "header"],
  ["collection", "collection"],
]);

function parameterOf(text: string): ParameterRow {
  const match = PARAMETER.exec(text);
  const [, bracket, type = "", words, dots, name = ""] = match ?? [];
  const row = {
    name,
    type: typeNamed(type),
    optional: bracket !== undefined,
    variadic: dots !== undefined,
  };
  if (words === undefined) return row;
  const id = MEANINGS.get(words);
  return id === undefined ? { ...row, id: "word", words: words.split(" ") } : { ...row, id };
}

interface VariableOptions {
  readonly name: string;
  readonly read: string;
  readonly write?: string;
  readonly unset?: string;
  readonly category: string;
  readonly fact?: true;
  readonly deprecated?: string;
}

interface Access<T> {
  readonly get?: (t: Transaction) => T;
  readonly set?: (t: Transaction, value: T) => void;
  readonly clear?: (t: Transaction) => void;
}

function variable(
  type: VclType,
  options: VariableOptions,
  access: {
    readonly get?: ((t: Transaction) => VclValue) | undefined;
    readonly set?: ((t: Transaction, value: VclValue) => void) | undefined;
    readonly clear?: ((t: Transaction) => void) | undefined;
  },
): VariableRow {
  return {
    name: options.name,
    type,
    read: scopesOf(options.read),
    write: scopesOf(options.write ?? "none"),
    unset: scopesOf(options.unset ?? "none"),
    doc: `reference/vcl/variables/${options.category}/${options.name.toLowerCase().replaceAll(/[._]/g, "-")}`,
    ...(access.get === undefined ? {} : { get: access.get }),
    ...(access.set === undefined ? {} : { set: access.set }),
    ...(access.clear === undefined ? {} : { clear: access.clear }),
    ...(options.fact === undefined ? {} : { fact: options.fact }),
    ...(options.deprecated === undefined ? {} : { deprecated: options.deprecated }),
  };
}

/** A STRING variable; `null` is not set. */
export function stringVariable(options: VariableOptions, access: Access<string | null>): VariableRow {
  const { get, set } = access;
  const row = variable("STRING", options, {
    ...access,
    set: set && ((t, value) => set(t, textOrNull(value))),
  });
  return get === undefined ? row : { ...row, text: get };
}

export function integerVariable(options: VariableOptions, access: Access<bigint>): VariableRow {
  const { set } = access;
  return variable("INTEGER", options, { ...access, set: set && ((t, value) => set(t, integer(value))) });
}

/** A FLOAT, RTIME or TIME variable. */
export function numberVariable(
  type: "FLOAT" | "RTIME" | "TIME",
  options: VariableOptions,
  access: Access<number>,
): VariableRow {
  const { set } = access;
  return variable(type, options, { ...access, set: set && ((t, value) => set(t, number(value))) });
}

export function boolVariable(options: VariableOptions, access: Access<boolean>): VariableRow {
  const { set } = access;
  return variable("BOOL", options, { ...access, set: set && ((t, value) => set(t, bool(value))) });
}

export function ipVariable(options: VariableOptions, get: (t: Transaction) => IpAddress | null): VariableRow {
  return variable("IP", options, { get });
}

export function backendVariable(options: VariableOptions, access: Access<BackendRef | null>): VariableRow {
  const { set } = access;
  return variable("BACKEND", options, { ...access, set: set && ((t, value) => set(t, backend(value))) });
}

/** A name without a value of its own: a collection, or a family that the compiler resolves. */
export function knownVariable(type: VclType, options: VariableOptions): VariableRow {
  return variable(type, options, {});
}

// ---- reading values of a known static type -------------------------------------------------------------------

/** A STRING as text; not set reads as empty. */
export function text(value: VclValue | undefined): string {
  return typeof value === "string" ? value : "";
}

/** A STRING, `null` when not set. */
export function textOrNull(value: VclValue | undefined): string | null {
  return typeof value === "string" ? value : null;
}

export function integer(value: VclValue | undefined): bigint {
  return typeof value === "bigint" ? value : 0n;
}

/** A FLOAT, RTIME or TIME. */
export function number(value: VclValue | undefined): number {
  return typeof value === "number" ? value : 0;
}

export function bool(value: VclValue | undefined): boolean {
  return value === true;
}

export function ip(value: VclValue | undefined): IpAddress | null {
  return typeof value === "object" && value !== null && value.kind === "ip" ? value : null;
}

export function backend(value: VclValue | undefined): BackendRef | null {
  if (typeof value !== "object" || value === null) return null;
  return value.kind === "backend" || value.kind === "director" ? value : null;
}

/** The word of an ID argument. */
export function word(value: VclValue | undefined): string {
  return typeof value === "object" && value !== null && value.kind === "id" ? value.name : "";
}
