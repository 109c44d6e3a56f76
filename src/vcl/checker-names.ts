import type { Identifier, VclType } from "./ast.ts";
import type { Scopes, VariableRow } from "./catalog-rows.ts";
import { outOfScope, report } from "./checker-context.ts";
import type { SubContext } from "./checker-context.ts";
import { PROTECTED_HEADERS } from "./protected-headers.ts";

const HEADER = /^(?:req|bereq|beresp|obj|resp)\.http\.([^:*]*)(:?)/;
/** Names that speak of something declared. */
const FAMILY = /^(backend|director|ratecounter)\.([A-Za-z0-9_-]+)\./;

/** Checks a name that is read: that it exists, may be read, and may be read here. */
export function checkRead(identifier: Identifier, context: SubContext): void {
  const { name, span } = identifier;
  if (name.startsWith("var.")) {
    if (context.locals.use(name) === undefined) reportUndeclared(identifier, context);
    return;
  }
  if (name.endsWith("*")) {
    return report(context, "name/wildcard", { span, message: "a * can only end the header of an unset" });
  }
  const row = context.variables.find(name);
  if (row === undefined) {
    if (context.symbols.values.has(name)) return;
    return report(context, "name/unknown", { span, message: `there is no ${name}` });
  }
  checkFamily(identifier, context);
  checkDeprecated(identifier, { row, context });
  if (row.read === "none") {
    return report(context, "access/write-only", { span, message: `${name} cannot be read` });
  }
  checkScope(identifier, { scopes: row.read, verb: "be read", context });
}

/** Checks the target of `set`, `add` or `unset`; answers its type when it has one. */
export function checkTarget(
  identifier: Identifier,
  { verb, context }: { verb: "set" | "unset"; context: SubContext },
): VclType | undefined {
  const { name, span } = identifier;
  if (name.startsWith("var.")) return checkLocalTarget(identifier, { verb, context });
  const isWildcard = name.endsWith("*");
  if (isWildcard && (verb === "set" || name.includes(":"))) {
    report(context, "name/wildcard", { span, message: "a * can only end the header of an unset" });
    return undefined;
  }
  const row = context.variables.find(isWildcard ? `${name.slice(0, -1)}x` : name);
  if (row === undefined) {
    report(context, "name/unknown", { span, message: `there is no variable ${name}` });
    return undefined;
  }
  checkProtected(identifier, { verb, context });
  checkDeprecated(identifier, { row, context });
  const scopes = verb === "set" ? row.write : row.unset;
  if (scopes === "none") {
    const rule = verb === "set" ? "access/read-only" : "access/unset";
    report(context, rule, { span, message: `${name} cannot be ${verb}` });
  } else {
    checkScope(identifier, { scopes, verb: `be ${verb}`, context });
  }
  return row.type;
}

function checkLocalTarget(
  identifier: Identifier,
  { verb, context }: { verb: "set" | "unset"; context: SubContext },
): VclType | undefined {
  const type = context.locals.use(identifier.name);
  if (type === undefined) reportUndeclared(identifier, context);
  else if (verb === "unset") {
    const message = `${identifier.name} is a local variable and cannot be unset`;
    report(context, "access/unset", { span: identifier.span, message });
  }
  return type;
}

function reportUndeclared({ name, span }: Identifier, context: SubContext): void {
  report(context, "local/undeclared", { span, message: `${name} is not declared before this` });
}

/** `backend.NAME.healthy` and the like need a declared NAME. */
function checkFamily({ name, span }: Identifier, context: SubContext): void {
  const [, kind = "", owner = ""] = FAMILY.exec(name) ?? [];
  if (kind === "" || owner === "conn" || owner === "socket") return;
  const type = context.symbols.values.get(owner);
  const fits = kind === "ratecounter" ? type === "RATECOUNTER" : type === "BACKEND" || type === "DIRECTOR";
  if (!fits) report(context, "name/unknown", { span, message: `there is no ${kind} ${owner}` });
}

function checkProtected(
  { name, span }: Identifier,
  { verb, context }: { verb: string; context: SubContext },
): void {
  const header = HEADER.exec(name)?.[1]?.toLowerCase();
  if (header === undefined || !PROTECTED_HEADERS.has(header)) return;
  report(context, "access/protected-header", { span, message: `${name} is protected and cannot be ${verb}` });
}

function checkDeprecated(
  { name, span }: Identifier,
  { row, context }: { row: VariableRow; context: SubContext },
): void {
  if (row.deprecated === undefined) return;
  report(context, "deprecated/name", { span, message: `${name} is deprecated; use ${row.deprecated}` });
}

function checkScope(
  { name, span }: Identifier,
  { scopes, verb, context }: { scopes: Scopes; verb: string; context: SubContext },
): void {
  const where = outOfScope(scopes, context);
  if (where !== undefined)
    report(context, "scope/variable", { span, message: `${name} cannot ${verb} ${where}` });
}

/** Whether the name is a whole header: neither a subfield nor a wildcard. */
export function isWholeHeader(name: string): boolean {
  const match = HEADER.exec(name);
  return match !== null && match[2] === "" && !name.endsWith("*") && match[1] !== "";
}
