import type { Identifier, VclType } from "./ast.ts";
import type { Declaration, SubDeclaration, TableDeclaration, VclProgram } from "./ast-declarations.ts";
import type { Findings } from "./checker-findings.ts";
import { positionOf } from "./diagnostics.ts";

/** Everything a program declares, by name. */
export interface Symbols {
  readonly subs: ReadonlyMap<string, SubDeclaration>;
  /** Types of backends, directors, ACLs, tables, penaltyboxes and ratecounters, which share one set of names. */
  readonly values: ReadonlyMap<string, VclType>;
  readonly tables: ReadonlyMap<string, TableDeclaration>;
  readonly probes: ReadonlySet<string>;
}

/** Names become identifiers of C, as in Varnish 2.1, from which Fastly's compiler comes. */
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Reads the declarations; the first of two with one name stays, the second is reported. */
export function collectSymbols(program: VclProgram, findings: Findings): Symbols {
  const subs = new Map<string, SubDeclaration>();
  const values = new Map<string, VclType>();
  const tables = new Map<string, TableDeclaration>();
  const probes = new Set<string>();
  const seen = new Map<string, Identifier>();
  for (const declaration of program.declarations) {
    if (declaration.kind === "pragma" || declaration.kind === "import") continue;
    const { name } = declaration;
    if (!NAME.test(name.name)) {
      const message = `${name.name} is no name; it takes letters, digits and underscores`;
      findings.report("name/characters", name.span, message);
    }
    const key = `${namespaceOf(declaration)} ${name.name}`;
    const earlier = seen.get(key);
    if (earlier !== undefined) {
      findings.report(
        "name/duplicate",
        name.span,
        () => `${name.name} is already declared ${placeOf(earlier)}`,
      );
      continue;
    }
    seen.set(key, name);
    const type = valueType(declaration);
    if (type !== undefined) values.set(name.name, type);
    if (declaration.kind === "sub") subs.set(name.name, declaration);
    if (declaration.kind === "table") tables.set(name.name, declaration);
    if (declaration.kind === "probe") probes.add(name.name);
  }
  return { subs, values, tables, probes };
}

function namespaceOf(declaration: Declaration): string {
  return declaration.kind === "sub" || declaration.kind === "probe" ? declaration.kind : "value";
}

function valueType(declaration: Declaration): VclType | undefined {
  switch (declaration.kind) {
    case "acl":
      return "ACL";
    case "backend":
      return "BACKEND";
    case "director":
      return "DIRECTOR";
    case "table":
      return "TABLE";
    case "penaltybox":
      return "PENALTYBOX";
    case "ratecounter":
      return "RATECOUNTER";
    default:
      return undefined;
  }
}

/** `in main.vcl:12` for messages that point at a second place. */
export function placeOf({ span }: Identifier): string {
  return `in ${span.source.name}:${positionOf(span.source, span.start).line}`;
}
