import type { Expression, Identifier, VclType } from "./ast.ts";
import type { SubDeclaration } from "./ast-declarations.ts";
import { findVariable } from "./catalog.ts";
import type { Scopes, VariableRow } from "./catalog-rows.ts";
import { isInScope } from "./catalog-rows.ts";
import type { Findings } from "./checker-findings.ts";
import { placeOf } from "./checker-symbols.ts";
import type { Symbols } from "./checker-symbols.ts";
import type { RuleId } from "./rules.ts";
import type { VclState } from "./runtime.ts";
import type { Span } from "./source.ts";
import { stateOfSub } from "./states.ts";
import { typeOf } from "./types.ts";
import type { TypeScope } from "./types.ts";

/** What is known while one subroutine is checked. */
export interface SubContext {
  readonly sub: SubDeclaration;
  readonly symbols: Symbols;
  readonly findings: Findings;
  /** Where the subroutine may run; empty when nothing calls it, and then no scope is checked. */
  readonly states: readonly VclState[];
  readonly locals: Locals;
  readonly types: TypeScope;
  readonly variables: Variables;
}

/** Rows of the catalog by name. Headers' rows are made when asked for, so one check asks once for each. */
export class Variables {
  readonly #rows = new Map<string, VariableRow | undefined>();

  find(name: string): VariableRow | undefined {
    const known = this.#rows.get(name);
    if (known !== undefined || this.#rows.has(name)) return known;
    const row = findVariable(name);
    this.#rows.set(name, row);
    return row;
  }
}

/** Notes a finding in a subroutine. */
export function report(context: SubContext, rule: RuleId, at: { span: Span; message: string }): void {
  context.findings.report(rule, at.span, at.message);
}

/** The static type of an expression here, `undefined` where another rule has already said that it has none. */
export function typeHere(expression: Expression, context: SubContext): VclType | undefined {
  const type = typeOf(expression, context.types);
  return type === "VOID" ? undefined : type;
}

/** `in vcl_fetch` or `in vcl_fetch, which calls fix_headers`, when the scopes leave a state out; else `undefined`. */
export function outOfScope(scopes: Scopes, { states, sub }: SubContext): string | undefined {
  const missing = states.filter((state) => !isInScope(scopes, state));
  if (missing.length === 0) return undefined;
  const names = missing.map((state) => `vcl_${state}`).join(", ");
  return stateOfSub(sub.name.name) === undefined
    ? `in ${names}, from where ${sub.name.name} is called`
    : `in ${names}`;
}

interface Local {
  readonly name: Identifier;
  readonly type: VclType;
  isUsed: boolean;
}

/**
 * The local variables of one subroutine: those of scope `local` from their declaration to the subroutine's end, those
 * of scope `block` to the end of their braces (reference/vcl/declarations/local-variables).
 */
export class Locals {
  readonly #findings: Findings;
  readonly #function = new Map<string, Local>();
  readonly #blocks: Map<string, Local>[] = [];

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  /** A parameter; nobody is told off for not using one. */
  addParameter(name: Identifier, type: VclType): void {
    this.#add(this.#function, { name, type, isUsed: true });
  }

  declare(scope: "local" | "block", { name, type }: { name: Identifier; type: VclType }): void {
    const block = this.#blocks.at(-1);
    if (scope === "local" || block === undefined) {
      this.#add(this.#function, { name, type, isUsed: false });
      return;
    }
    const hidden = block.has(name.name) ? undefined : this.#find(name.name);
    if (hidden !== undefined) {
      this.#findings.report(
        "local/shadowing",
        name.span,
        `${name.name} hides the one ${placeOf(hidden.name)}`,
      );
    }
    this.#add(block, { name, type, isUsed: false });
  }

  /** Type of a variable in scope, which counts as its use. */
  use(name: string): VclType | undefined {
    const local = this.#find(name);
    if (local !== undefined) local.isUsed = true;
    return local?.type;
  }

  typeOf(name: string): VclType | undefined {
    return this.#find(name)?.type;
  }

  inBlock(check: () => void): void {
    this.#blocks.push(new Map());
    check();
    this.#reportUnused(this.#blocks.pop() ?? new Map());
  }

  end(): void {
    this.#reportUnused(this.#function);
  }

  #add(scope: Map<string, Local>, local: Local): void {
    const earlier = scope.get(local.name.name);
    if (earlier === undefined) {
      scope.set(local.name.name, local);
      return;
    }
    const message = () => `${local.name.name} is already declared ${placeOf(earlier.name)}`;
    this.#findings.report("local/duplicate", local.name.span, message);
  }

  #find(name: string): Local | undefined {
    for (let depth = this.#blocks.length - 1; depth >= 0; depth -= 1) {
      const local = this.#blocks[depth]?.get(name);
      if (local !== undefined) return local;
    }
    return this.#function.get(name);
  }

  #reportUnused(scope: ReadonlyMap<string, Local>): void {
    for (const { name, isUsed } of scope.values()) {
      if (!isUsed) this.#findings.report("local/unused", name.span, `nothing uses ${name.name}`);
    }
  }
}
