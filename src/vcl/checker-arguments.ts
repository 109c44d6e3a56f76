import type { Expression, FunctionCall } from "./ast.ts";
import type { SubDeclaration } from "./ast-declarations.ts";
import { findFunction } from "./catalog.ts";
import type { FunctionRow, ParameterRow } from "./catalog-rows.ts";
import { outOfScope, report, typeHere } from "./checker-context.ts";
import type { SubContext } from "./checker-context.ts";
import { checkLiteral } from "./checker-literals.ts";
import { checkPattern } from "./checker-regex.ts";
import type { Span } from "./source.ts";
import { isAssignable } from "./types.ts";

type CheckExpression = (node: Expression, context: SubContext) => void;

const MESSAGES = /^(?:req|bereq|beresp|obj|resp)$/;
const HEADERS = /^(?:req|bereq|beresp|obj|resp)\.http\.[^*]+$/;
const COLLECTIONS = /^(?:req|bereq|beresp|obj|resp)\.(?:headers|http\.[^*]+)$/;
/** `table.lookup_integer` and its siblings, by what is behind the underscore. */
const LOOKUP = /^table\.lookup(?:_([a-z]+))?$/;

/** Checks a call whose value is used: of a function of Fastly's, or of a subroutine with a type. */
export function checkCall(call: FunctionCall, context: SubContext, checkExpression: CheckExpression): void {
  const { name, span } = call.name;
  const row = findFunction(name);
  const sub = context.symbols.subs.get(name);
  if (row !== undefined) {
    if (row.result === "VOID") report(context, "function/void", { span, message: `${name} returns nothing` });
    checkFunction(call, { row, context, checkExpression });
  } else if (sub !== undefined) {
    if (sub.type === "VOID")
      report(context, "function/void", { span, message: `${name} returns nothing; use call` });
    checkSubArguments(call, { sub, context, checkExpression });
  } else {
    report(context, "function/unknown", { span, message: `there is no function ${name}` });
    for (const argument of call.args) checkExpression(argument, context);
  }
}

/** Checks a function's scope and arguments against its row. */
export function checkFunction(
  call: FunctionCall,
  {
    row,
    context,
    checkExpression,
  }: { row: FunctionRow; context: SubContext; checkExpression: CheckExpression },
): void {
  const { name, span } = call.name;
  const where = outOfScope(row.scopes, context);
  if (where !== undefined)
    report(context, "scope/function", { span, message: `${name} is not available ${where}` });
  if (row.deprecated !== undefined) {
    report(context, "deprecated/name", { span, message: `${name} is deprecated; use ${row.deprecated}` });
  }
  checkCount(call, { row, context });
  call.args.forEach((argument, index) => {
    const parameter = row.parameters[index] ?? row.parameters.at(-1);
    if (parameter === undefined) return checkExpression(argument, context);
    checkArgument(argument, { parameter, context, checkExpression });
  });
  checkLookup(call, context);
}

function checkCount(call: FunctionCall, { row, context }: { row: FunctionRow; context: SubContext }): void {
  const least = row.parameters.filter((parameter) => !parameter.optional).length;
  const most = row.parameters.at(-1)?.variadic === true ? Number.POSITIVE_INFINITY : row.parameters.length;
  const count = call.args.length;
  if (count >= least && count <= most) return;
  const wanted =
    least === most
      ? String(least)
      : most === Number.POSITIVE_INFINITY
        ? `at least ${least}`
        : `${least} to ${most}`;
  const message = `${row.name} takes ${wanted} arguments, not ${count}`;
  report(context, "function/argument-count", { span: call.span, message });
}

function checkArgument(
  argument: Expression,
  {
    parameter,
    context,
    checkExpression,
  }: {
    parameter: ParameterRow;
    context: SubContext;
    checkExpression: CheckExpression;
  },
): void {
  if (parameter.type === "ID") return checkWord(argument, { parameter, context });
  checkExpression(argument, context);
  checkType(argument, { parameter, context });
}

function checkType(
  argument: Expression,
  { parameter, context }: { parameter: Pick<ParameterRow, "name" | "type">; context: SubContext },
): void {
  const { span } = argument;
  if (parameter.type === "REGEX" && argument.kind === "string")
    return checkPattern(argument, context.findings);
  const type = typeHere(argument, context);
  if (type === undefined) return;
  if (parameter.type === "REGEX" && type !== "REGEX") {
    const message = "a pattern is one string literal or a REGEX, never put together";
    return report(context, "regex/not-literal", { span, message });
  }
  if (isAssignable(type, parameter.type)) {
    return checkLiteral(argument, { wanted: parameter.type, what: parameter.name, context });
  }
  const message = `${parameter.name} is of type ${parameter.type}, this is ${type}`;
  report(context, "function/argument-type", { span, message });
}

/** What a bare word may be where a parameter has the type ID. */
function checkWord(
  argument: Expression,
  { parameter, context }: { parameter: ParameterRow; context: SubContext },
): void {
  const word = argument.kind === "identifier" ? argument.name : "";
  if (argument.kind === "identifier" && fitsWord(word, parameter)) return;
  const message = `${parameter.name} is ${wantedWord(parameter)}`;
  report(context, "function/argument-type", { span: argument.span, message });
}

function fitsWord(word: string, { id, words }: ParameterRow): boolean {
  switch (id) {
    case "message":
      return MESSAGES.test(word);
    case "header":
      return HEADERS.test(word);
    case "collection":
      return COLLECTIONS.test(word);
    case "word":
      return words?.includes(word) ?? true;
    default:
      return true;
  }
}

function wantedWord({ id, words }: ParameterRow): string {
  switch (id) {
    case "message":
      return "one of req, bereq, beresp, obj, resp";
    case "header":
      return "a header such as req.http.Name";
    case "collection":
      return "a collection such as req.headers";
    default:
      return words === undefined ? "a bare word" : `one of ${words.join(", ")}`;
  }
}

/** `table.lookup_bool(t, …)` needs a table of BOOL, `table.lookup` one of STRING. */
function checkLookup({ name, args }: FunctionCall, context: SubContext): void {
  const match = LOOKUP.exec(name.name);
  const table = args[0]?.kind === "identifier" ? context.symbols.tables.get(args[0].name) : undefined;
  if (match === null || table === undefined || args[0] === undefined) return;
  const wanted = (match[1] ?? "string").toUpperCase();
  if (table.type === wanted) return;
  const message = `${table.name.name} is a table of ${table.type}, ${name.name} reads tables of ${wanted}`;
  report(context, "table/lookup-type", { span: args[0].span, message });
}

/** Checks arguments against a declared subroutine's parameters. */
export function checkSubArguments(
  call: { readonly args: readonly Expression[]; readonly span: Span },
  {
    sub,
    context,
    checkExpression,
  }: { sub: SubDeclaration; context: SubContext; checkExpression: CheckExpression },
): void {
  const { length } = sub.parameters;
  if (call.args.length !== length) {
    const message = `${sub.name.name} takes ${length} arguments, not ${call.args.length}`;
    report(context, "function/argument-count", { span: call.span, message });
  }
  call.args.forEach((argument, index) => {
    checkExpression(argument, context);
    const parameter = sub.parameters[index];
    if (parameter === undefined) return;
    checkType(argument, { parameter: { name: parameter.name.name, type: parameter.type }, context });
  });
}
