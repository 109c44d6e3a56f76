import { DEBUG_HEADER } from "../../site/edge-names.ts";
import { assertNever } from "../../lib/errors.ts";
import type { VclProgram } from "../../vcl/ast-declarations.ts";
import type { Expression, FunctionCall, Statement } from "../../vcl/ast.ts";
import { walkStatements } from "../../vcl/walk.ts";
import { literalOf, partsOf, targetOf } from "./atoms.ts";

/** Names of headers and variables in lower case, and what to call what they hold. */
export type NamedSources = readonly (readonly [name: RegExp, what: string])[];

/** Where values come from that are followed. */
export interface FlowSources {
  readonly names: NamedSources;
  /** Dictionaries. */
  readonly tables: readonly string[];
}

/** Headers that carry what only the service may know. */
const PRIVATE_HEADERS: NamedSources = [
  [/^(?:req|bereq)\.http\.(?:proxy-)?authorization(?::|$)/, "an Authorization header"],
  [/^(?:req|bereq)\.http\.cookie(?::|$)/, "a visitor's cookie"],
  [/^(?:req|bereq)\.http\.sf-credentials$/, "a visitor's password"],
  [new RegExp(`^(?:req|bereq)\\.http\\.${DEBUG_HEADER.toLowerCase()}$`), "the debug token"],
  // Once it is signed, the path of a config ends in the secret segment.
  [/^bereq\.url(?:\.|$)/, "the path of a config"],
];

/** Functions whose result does not tell what they were given. */
const ONE_WAY =
  /^(?:digest\.(?!base64)|std\.(?:strlen|prefixof|suffixof)$|table\.contains$|ratelimit\.|crypto\.)/;

/** What only the service may know. @param tables names of the dictionaries that nobody can read at Fastly */
export function privateSources(tables: readonly string[]): FlowSources {
  return { names: PRIVATE_HEADERS, tables };
}

/** Follows values through the local variables and regex captures of one subroutine, in the order of its text. */
export class ValueFlow {
  readonly #sources: FlowSources;
  readonly #results: ReadonlyMap<string, string>;
  readonly #locals = new Map<string, string>();
  #captured: string | undefined;

  /** @param results subroutines that return such a value, and what it is; see `resultsOf` */
  constructor(sources: FlowSources, results: ReadonlyMap<string, string> = new Map()) {
    this.#sources = sources;
    this.#results = results;
  }

  /** What of an expression's value is from a source, in words; `undefined` where nothing is. */
  found(node: Expression): string | undefined {
    switch (node.kind) {
      case "identifier":
        return this.#ofName(node.name.toLowerCase());
      case "group":
        return this.found(node.inner);
      case "concat":
        return this.#first(node.parts);
      case "if-expression":
        return this.#first([node.then, node.otherwise]);
      case "call":
        return this.#ofCall(node);
      case "unary":
      case "binary":
      case "string":
      case "integer":
      case "float":
      case "rtime":
      case "bool":
      case "percent":
        return undefined;
      default:
        return assertNever(node);
    }
  }

  /** Takes note of what a statement does to locals and captures. */
  follow(statement: Statement): void {
    this.#capture(partsOf(statement));
    if (statement.kind === "declare" && statement.initial) {
      const what = this.found(statement.initial);
      if (what !== undefined) this.#locals.set(statement.name.name.toLowerCase(), what);
    }
    const target = targetOf(statement);
    if (statement.kind === "set" && target?.startsWith("var.") === true) {
      const what = this.found(statement.value);
      if (what !== undefined) this.#locals.set(target, what);
    }
  }

  /** Of several matches in one statement each may be the one that the branches see. */
  #capture(parts: readonly Expression[]): void {
    const matches = parts.flatMap((part) =>
      part.kind === "binary" && (part.operator === "~" || part.operator === "!~") ? [part.left] : [],
    );
    if (matches.length > 0) this.#captured = this.#first(matches);
  }

  #ofName(name: string): string | undefined {
    if (name.startsWith("re.group.")) return this.#captured;
    return this.#locals.get(name) ?? this.#sources.names.find(([pattern]) => pattern.test(name))?.[1];
  }

  #ofCall(call: FunctionCall): string | undefined {
    const { name } = call.name;
    if (ONE_WAY.test(name)) return undefined;
    const result = this.#results.get(name);
    if (result !== undefined) return result;
    const [table, header] = call.args;
    if (name === "header.get" && table?.kind === "identifier" && header) {
      return this.#ofName(`${table.name}.http.${literalOf(header) ?? ""}`.toLowerCase());
    }
    if (
      name === "table.lookup" &&
      table?.kind === "identifier" &&
      this.#sources.tables.includes(table.name)
    ) {
      return `an item of ${table.name}`;
    }
    return this.#first(call.args);
  }

  #first(nodes: readonly Expression[]): string | undefined {
    for (const node of nodes) {
      const what = this.found(node);
      if (what !== undefined) return what;
    }
    return undefined;
  }
}

/** Subroutines of a program that return what is from a source, with what it is. */
export function resultsOf({ declarations }: VclProgram, sources: FlowSources): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const node of declarations) {
    if (node.kind !== "sub") continue;
    const flow = new ValueFlow(sources, found);
    walkStatements(node.body, (statement) => {
      const what = statement.kind === "return" && statement.value && flow.found(statement.value);
      if (what) found.set(node.name.name, what);
      flow.follow(statement);
    });
  }
  return found;
}
