import { DEBUG_HEADER } from "../../site/edge-names.ts";
import { assertNever } from "../../lib/errors.ts";
import type { Expression, FunctionCall, Statement } from "../../vcl/ast.ts";
import { literalOf, partsOf, targetOf } from "./atoms.ts";

/** Headers that carry what only the service may know, and what to call it. */
const PRIVATE_HEADERS: readonly (readonly [name: RegExp, what: string])[] = [
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

/** Follows private values through the local variables and regex captures of one subroutine, in the order of its text. */
export class PrivateFlow {
  readonly #tables: readonly string[];
  readonly #locals = new Map<string, string>();
  #captured: string | undefined;

  /** @param tables names of the dictionaries that nobody can read at Fastly */
  constructor(tables: readonly string[]) {
    this.#tables = tables;
  }

  /** What of an expression's value is private, in words; `undefined` where nothing is. */
  privateIn(node: Expression): string | undefined {
    switch (node.kind) {
      case "identifier":
        return this.#ofName(node.name.toLowerCase());
      case "group":
        return this.privateIn(node.inner);
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
    for (const part of partsOf(statement)) this.#capture(part);
    if (statement.kind === "declare" && statement.initial) {
      const what = this.privateIn(statement.initial);
      if (what !== undefined) this.#locals.set(statement.name.name.toLowerCase(), what);
    }
    const target = targetOf(statement);
    if (statement.kind === "set" && target?.startsWith("var.") === true) {
      const what = this.privateIn(statement.value);
      if (what !== undefined) this.#locals.set(target, what);
    }
  }

  #capture(part: Expression): void {
    const isMatch = part.kind === "binary" && (part.operator === "~" || part.operator === "!~");
    if (isMatch) this.#captured = this.privateIn(part.left);
  }

  #ofName(name: string): string | undefined {
    if (name.startsWith("re.group.")) return this.#captured;
    return this.#locals.get(name) ?? PRIVATE_HEADERS.find(([pattern]) => pattern.test(name))?.[1];
  }

  #ofCall(call: FunctionCall): string | undefined {
    const { name } = call.name;
    if (ONE_WAY.test(name)) return undefined;
    const [table, header] = call.args;
    if (name === "header.get" && table?.kind === "identifier" && header) {
      return this.#ofName(`${table.name}.http.${literalOf(header) ?? ""}`.toLowerCase());
    }
    if (name === "table.lookup" && table?.kind === "identifier" && this.#tables.includes(table.name)) {
      return `an item of ${table.name}`;
    }
    return this.#first(call.args);
  }

  #first(nodes: readonly Expression[]): string | undefined {
    for (const node of nodes) {
      const what = this.privateIn(node);
      if (what !== undefined) return what;
    }
    return undefined;
  }
}
