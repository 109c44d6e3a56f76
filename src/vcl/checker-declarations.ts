import type { Expression, IntegerLiteral, VclType } from "./ast.ts";
import type {
  AclDeclaration,
  BackendDeclaration,
  Declaration,
  DirectorDeclaration,
  Property,
  SubDeclaration,
  TableDeclaration,
  VclProgram,
} from "./ast-declarations.ts";
import type { Findings } from "./checker-findings.ts";
import { BACKEND_PROPERTIES, checkProperties, DIRECTORS, PROBE_PROPERTIES } from "./checker-properties.ts";
import { checkPattern } from "./checker-regex.ts";
import type { Symbols } from "./checker-symbols.ts";
import { parseIp } from "./ip.ts";
import { stateOfSub } from "./states.ts";

/** As many results as a probe remembers; Varnish 2.1 keeps them in 64 bits. */
const MAX_WINDOW = 64n;

/** How many backends a service has unless Fastly raises it; generated VCL says so in a pragma. */
const DEFAULT_MAX_BACKENDS = 5;

/** reference/vcl/subroutines: what parameters and results may be. */
const SUB_TYPES: ReadonlySet<VclType> = new Set<VclType>([
  "ACL",
  "BACKEND",
  "BOOL",
  "FLOAT",
  "INTEGER",
  "IP",
  "REGEX",
  "RTIME",
  "STRING",
  "TIME",
]);

/** In the VCL that Fastly generates, though nothing runs it. */
const PIPE = "vcl_pipe";

interface DeclarationContext {
  readonly symbols: Symbols;
  readonly findings: Findings;
}

/** Checks everything outside of subroutines' bodies. */
export function checkDeclarations(program: VclProgram, context: DeclarationContext): void {
  for (const declaration of program.declarations) checkDeclaration(declaration, context);
  checkBackendCount(program, context.findings);
}

function checkDeclaration(node: Declaration, context: DeclarationContext): void {
  switch (node.kind) {
    case "acl":
      return checkAcl(node, context.findings);
    case "backend":
      return checkBackend(node, context);
    case "probe":
      return checkProbe(node.properties, context);
    case "director":
      return checkDirector(node, context);
    case "table":
      return checkTable(node, context);
    case "sub":
      return checkSignature(node, context.findings);
    default:
  }
}

function checkAcl({ entries }: AclDeclaration, findings: Findings): void {
  for (const { address, mask } of entries) {
    const ip = parseIp(address.value);
    const bits = ip?.family === 6 ? 128 : 32;
    if (ip === null) {
      findings.report("acl/address", address.span, `${JSON.stringify(address.value)} is no IP address`);
    } else if (mask !== undefined && mask > bits) {
      findings.report("acl/mask", address.span, `an IPv${ip.family} address has ${bits} bits, not ${mask}`);
    }
  }
}

function checkBackend({ name, properties }: BackendDeclaration, context: DeclarationContext): void {
  checkProperties(properties, { ...context, owner: "a backend", types: BACKEND_PROPERTIES });
  if (!properties.some((property) => property.name.name === "host")) {
    context.findings.report("backend/missing-host", name.span, `${name.name} has no .host`);
  }
  for (const property of properties) {
    if (property.name.name === "probe") checkProbeProperty(property, context);
  }
}

/** `.probe = { … }`, or the name of a declared probe. */
function checkProbeProperty({ name, value }: Property, context: DeclarationContext): void {
  if (!("kind" in value)) {
    return checkProbe(value, context);
  }
  if (value.kind === "identifier" && context.symbols.probes.has(value.name)) return;
  const shown = value.kind === "identifier" ? `there is no probe ${value.name}` : ".probe takes a probe";
  context.findings.report("backend/probe", name.span, shown);
}

function checkProbe(properties: readonly Property[], context: DeclarationContext): void {
  checkProperties(properties, { ...context, owner: "a probe", types: PROBE_PROPERTIES });
  const window = integerOf(properties, "window");
  const threshold = integerOf(properties, "threshold");
  if (window !== undefined && window.value > MAX_WINDOW) {
    context.findings.report("backend/probe-window", window.span, `.window is at most ${MAX_WINDOW}`);
  }
  if (threshold !== undefined && threshold.value > (window?.value ?? MAX_WINDOW)) {
    const message = `.threshold is at most ${window === undefined ? MAX_WINDOW : ".window"}`;
    context.findings.report("backend/probe-window", threshold.span, message);
  }
}

function integerOf(properties: readonly Property[], name: string): IntegerLiteral | undefined {
  const value = properties.find((property) => property.name.name === name)?.value;
  return value !== undefined && "kind" in value && value.kind === "integer" ? value : undefined;
}

function checkDirector(node: DirectorDeclaration, context: DeclarationContext): void {
  const { findings } = context;
  const shape = DIRECTORS.get(node.type.name);
  if (shape === undefined) {
    return findings.report("director/type", node.type.span, `there is no director of type ${node.type.name}`);
  }
  const owner = `a ${node.type.name} director`;
  checkProperties(node.properties, { ...context, owner, types: shape.properties });
  requireProperties(node.properties, { required: shape.required, at: node.name, findings });
  for (const member of node.members) {
    checkProperties(member.properties, { ...context, owner: `a member of ${owner}`, types: shape.member });
    requireProperties(member.properties, { required: shape.memberRequired, at: member, findings });
  }
  if (node.members.length === 0 && shape.memberRequired.length > 0) {
    findings.report("director/empty", node.name.span, `${node.name.name} has no backend`);
  }
}

function requireProperties(
  properties: readonly Property[],
  {
    required,
    at,
    findings,
  }: {
    required: readonly string[];
    at: Pick<DirectorDeclaration, "span">;
    findings: Findings;
  },
): void {
  for (const wanted of required) {
    if (properties.some(({ name }) => name.name === wanted)) continue;
    findings.report("director/missing-property", at.span, `.${wanted} is missing`);
  }
}

function checkTable(node: TableDeclaration, context: DeclarationContext): void {
  const { findings } = context;
  const isKnown = TABLE_VALUES.has(node.type);
  if (!isKnown) findings.report("table/type", node.name.span, `a table cannot hold ${node.type}`);
  const seen = new Set<string>();
  for (const { key, value } of node.entries) {
    if (seen.has(key.value)) {
      findings.report(
        "table/duplicate-key",
        key.span,
        `${JSON.stringify(key.value)} is already in the table`,
      );
    }
    seen.add(key.value);
    if (isKnown) checkTableValue(value, { type: node.type, context });
  }
}

/** Which expressions a table of each type holds (reference/vcl/declarations/table#type-variations). */
const TABLE_VALUES: ReadonlyMap<VclType, readonly Expression["kind"][]> = new Map<
  VclType,
  readonly Expression["kind"][]
>([
  ["STRING", ["string"]],
  ["INTEGER", ["integer"]],
  ["FLOAT", ["float", "integer"]],
  ["BOOL", ["bool"]],
  ["RTIME", ["rtime"]],
  ["IP", ["string"]],
  ["REGEX", ["string"]],
  ["BACKEND", ["identifier"]],
  ["ACL", ["identifier"]],
]);

function checkTableValue(
  value: Expression,
  { type, context }: { type: VclType; context: DeclarationContext },
): void {
  const { symbols, findings } = context;
  if (TABLE_VALUES.get(type)?.includes(value.kind) !== true) {
    return findings.report("table/value", value.span, `the table holds ${type}`);
  }
  if (value.kind === "identifier") {
    const found = symbols.values.get(value.name);
    if (found === type || (type === "BACKEND" && found === "DIRECTOR")) return;
    findings.report("name/unknown", value.span, `there is no ${type} ${value.name}`);
  }
  if (value.kind !== "string") return;
  if (type === "REGEX") checkPattern(value, findings);
  if (type === "IP" && parseIp(value.value) === null) {
    findings.report("table/value", value.span, `${JSON.stringify(value.value)} is no IP address`);
  }
}

function checkSignature({ name, parameters, type }: SubDeclaration, findings: Findings): void {
  const isReserved = name.name.startsWith("vcl_");
  if (isReserved && name.name !== PIPE && stateOfSub(name.name) === undefined) {
    findings.report("sub/reserved-name", name.span, `the prefix vcl_ is reserved; ${name.name} is no state`);
  }
  if (stateOfSub(name.name) !== undefined && (parameters.length > 0 || type !== "VOID")) {
    findings.report("sub/signature", name.span, `${name.name} has neither parameters nor a type`);
  }
  if (type !== "VOID" && !SUB_TYPES.has(type)) {
    findings.report("sub/type", name.span, `a subroutine cannot return ${type}`);
  }
  for (const parameter of parameters) {
    if (!SUB_TYPES.has(parameter.type)) {
      findings.report("sub/type", parameter.span, `a parameter cannot be of type ${parameter.type}`);
    }
    if (!parameter.name.name.startsWith("var.")) {
      findings.report("local/name", parameter.name.span, `${parameter.name.name} must be named var.…`);
    }
  }
}

function checkBackendCount(program: VclProgram, findings: Findings): void {
  let limit = DEFAULT_MAX_BACKENDS;
  const backends: BackendDeclaration[] = [];
  for (const declaration of program.declarations) {
    if (declaration.kind === "backend") backends.push(declaration);
    if (declaration.kind === "pragma" && declaration.words[1] === "max_backends") {
      limit = Math.max(limit, Number(declaration.words[2]) || 0);
    }
  }
  const first = backends[limit];
  if (first === undefined) return;
  const message = `the service has ${backends.length} backends, the usual limit is ${limit}`;
  findings.report("limit/backends", first.name.span, message);
}
