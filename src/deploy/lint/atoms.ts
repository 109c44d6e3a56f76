import type { Expression, FunctionCall, Statement } from "../../vcl/ast.ts";
import { expressionsOf, walkExpression } from "../../vcl/walk.ts";
import type { AtomTest } from "./reached.ts";

/** Names of headers and variables compare without regard to case. */
export function isNamed(node: Expression | undefined, name: string): boolean {
  return node?.kind === "identifier" && node.name.toLowerCase() === name.toLowerCase();
}

/** The text of a literal, also of one in parentheses; `undefined` for anything else. */
export function literalOf(node: Expression): string | undefined {
  if (node.kind === "group") return literalOf(node.inner);
  if (node.kind === "string") return node.value;
  return node.kind === "integer" ? String(node.value) : undefined;
}

/** `name == "text"` (or its opposite, found false). */
export function equals(name: string, text: string): AtomTest {
  return (atom, holds) =>
    atom.kind === "binary" &&
    atom.operator === (holds ? "==" : "!=") &&
    isNamed(atom.left, name) &&
    literalOf(atom.right) === text;
}

/** A variable that is a condition by itself: `req.backend.is_origin`, or a header that is there. */
export function isTrue(name: string): AtomTest {
  return (atom, holds) => holds && isNamed(atom, name);
}

/** The same found false: `!req.backend.is_origin`. */
export function isFalse(name: string): AtomTest {
  return (atom, holds) => !holds && isNamed(atom, name);
}

/** Any of several. */
export function anyOf(...tests: readonly AtomTest[]): AtomTest {
  return (atom, holds) => tests.some((test) => test(atom, holds));
}

/** This is the hop that the visitor talks to. */
export const AT_EDGE = anyOf(
  equals("req.http.SF-Hop", "edge"),
  equals("fastly.ff.visits_this_service", "0"),
  (atom, holds) =>
    !holds &&
    atom.kind === "binary" &&
    atom.operator === ">" &&
    isNamed(atom.left, "fastly.ff.visits_this_service"),
);

/** The very first pass of a visitor's request. */
export const FIRST_PASS = anyOf(
  equals("fastly.ff.visits_this_service", "0"),
  equals("req.restarts", "0"),
  equals("req.http.SF-Hop", "edge"),
);

/** `name == "text"` and `name != "text"` and `<`, `>=` and so on alike: a condition upon this, whatever it says. */
export function asks(name: string): AtomTest {
  return (atom) => isNamed(atom.kind === "binary" ? atom.left : atom, name);
}

/** The hop talks to the store and not to a shield. */
export const AT_ORIGIN = isTrue("req.backend.is_origin");

/**
 * The header that a statement sets, adds or unsets, in lower case: `beresp.http.set-cookie`; else the variable. Headers may
 * be named by a function as well (`header.set`, `header.unset`: reference/vcl/functions/headers).
 */
export function targetOf(statement: Statement): string | undefined {
  const known = TARGETS.get(statement);
  if (known !== undefined) return known;
  const target = findTarget(statement);
  if (target !== undefined) TARGETS.set(statement, target);
  return target;
}

/** A statement may be reached on many ways, and every rule asks for its target and its parts. */
const TARGETS = new WeakMap<Statement, string>();
const PARTS = new WeakMap<Statement, readonly Expression[]>();

function findTarget(statement: Statement): string | undefined {
  if (statement.kind === "call-function") return headerOfCall(statement.call);
  if (statement.kind !== "set" && statement.kind !== "add" && statement.kind !== "unset") return undefined;
  return statement.target.name.toLowerCase();
}

function headerOfCall({ name, args }: FunctionCall): string | undefined {
  if (name.name !== "header.set" && name.name !== "header.unset") return undefined;
  const [message, header] = args;
  const text = header && literalOf(header);
  if (message?.kind !== "identifier" || text === undefined) return undefined;
  return `${message.name}.http.${text}`.toLowerCase();
}

/** Whether a statement takes a header away: `unset`, or the function that does the same. */
export function isUnset(statement: Statement): boolean {
  return (
    statement.kind === "unset" ||
    (statement.kind === "call-function" && statement.call.name.name === "header.unset")
  );
}

/** Every expression inside the ones directly in a statement. */
export function partsOf(statement: Statement): readonly Expression[] {
  const known = PARTS.get(statement) ?? expressionsOf(statement).flatMap(partsIn);
  PARTS.set(statement, known);
  return known;
}

/** Names of variables and headers, in lower case, that a statement reads. */
export function namesRead(statement: Statement): readonly string[] {
  return partsOf(statement).flatMap(namesOf);
}

/** The name that an expression is, or that a function reads a header by. */
export function namesOf(part: Expression): readonly string[] {
  if (part.kind === "identifier") return [part.name.toLowerCase()];
  if (part.kind !== "call" || part.name.name !== "header.get") return [];
  const [message, header] = part.args;
  if (message?.kind !== "identifier" || !header) return [];
  return [`${message.name}.http.${literalOf(header) ?? "*"}`.toLowerCase()];
}

/** An expression and everything in it. */
export function partsIn(node: Expression): readonly Expression[] {
  const parts: Expression[] = [];
  walkExpression(node, (part) => void parts.push(part));
  return parts;
}

/** Whether a name in lower case is this header or one of these: `req.http.sf-*`. */
export function matchesName(name: string, pattern: string): boolean {
  const wanted = pattern.toLowerCase();
  return wanted.endsWith("*") ? name.startsWith(wanted.slice(0, -1)) : name === wanted;
}

/** The literal arguments of `header.filter_except(<message>, …)`, in lower case; `undefined` for any other statement. */
export function keptHeaders(statement: Statement, message: string): readonly string[] | undefined {
  if (statement.kind !== "call-function" || statement.call.name.name !== "header.filter_except")
    return undefined;
  const [first, ...names] = statement.call.args;
  if (!isNamed(first, message)) return undefined;
  return names.flatMap((name) => literalOf(name)?.toLowerCase() ?? []);
}
