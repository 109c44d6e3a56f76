import type { Expression, VclType } from "./ast.ts";
import type {
  AclDeclaration,
  BackendDeclaration,
  Declaration,
  DirectorDeclaration,
  ProbeDeclaration,
  Property,
  TableDeclaration,
} from "./ast-declarations.ts";
import type { Acl } from "./acl.ts";
import { buildAcl } from "./acl.ts";
import type { CompileContext } from "./compiler-context.ts";
import { regexLiteral, reportError } from "./compiler-context.ts";
import { parseIp } from "./ip.ts";
import type { BackendRef, BackendSpec, DirectorSpec, LiveTable, ProbeSpec } from "./runtime.ts";
import type { VclTable, VclValue } from "./values.ts";
import { toVclString } from "./values.ts";

type Properties = ReadonlyMap<string, Property["value"]>;

function readProperties(properties: readonly Property[]): Properties {
  return new Map(properties.map((property) => [property.name.name, property.value]));
}

/** A property's expression; `undefined` when it is missing or a nested block. */
function expressionOf(properties: Properties, name: string): Expression | undefined {
  const value = properties.get(name);
  return value === undefined || isNested(value) ? undefined : value;
}

function isNested(value: Property["value"]): value is readonly Property[] {
  return Array.isArray(value);
}

/** Strings of a literal or a concatenation of literals, one per part. */
function literalLines(expression: Expression | undefined): string[] {
  if (expression === undefined) return [];
  switch (expression.kind) {
    case "string":
      return [expression.value];
    case "concat":
      return expression.parts.flatMap(literalLines);
    case "group":
      return literalLines(expression.inner);
    case "integer":
      return [expression.value.toString()];
    case "identifier":
      return [expression.name];
    default:
      return [];
  }
}

function textOf(properties: Properties, name: string): string | null {
  const lines = literalLines(expressionOf(properties, name));
  return lines.length === 0 ? null : lines.join("");
}

function numberOf(properties: Properties, name: string, otherwise: number): number {
  const expression = expressionOf(properties, name);
  if (expression === undefined) return otherwise;
  switch (expression.kind) {
    case "integer":
      return Number(expression.value);
    case "float":
    case "rtime":
    case "percent":
      return expression.value;
    case "string":
      return Number.isFinite(Number(expression.value)) ? Number(expression.value) : otherwise;
    default:
      return otherwise;
  }
}

function flagOf(properties: Properties, name: string, otherwise: boolean): boolean {
  const expression = expressionOf(properties, name);
  return expression?.kind === "bool" ? expression.value : otherwise;
}

/** Fastly's defaults (reference/vcl/declarations/backend): port 80, 1 s, 15 s, 10 s, 200 connections, certificates checked. */
export function backendSpec(
  declaration: BackendDeclaration,
  probes: ReadonlyMap<string, ProbeSpec>,
): BackendSpec {
  const properties = readProperties(declaration.properties);
  return {
    name: declaration.name.name,
    host: textOf(properties, "host") ?? "",
    port: numberOf(properties, "port", 80),
    ssl: flagOf(properties, "ssl", false),
    sslCheckCert: textOf(properties, "ssl_check_cert") !== "never",
    sslCertHostname: textOf(properties, "ssl_cert_hostname"),
    sslSniHostname: textOf(properties, "ssl_sni_hostname"),
    hostHeader: textOf(properties, "host_header"),
    alwaysUseHostHeader: flagOf(properties, "always_use_host_header", false),
    connectTimeout: numberOf(properties, "connect_timeout", 1),
    firstByteTimeout: numberOf(properties, "first_byte_timeout", 15),
    betweenBytesTimeout: numberOf(properties, "between_bytes_timeout", 10),
    maxConnections: numberOf(properties, "max_connections", 200),
    shareKey: textOf(properties, "share_key"),
    probe: probeOfBackend(properties, probes),
  };
}

function probeOfBackend(properties: Properties, probes: ReadonlyMap<string, ProbeSpec>): ProbeSpec | null {
  const value = properties.get("probe");
  if (value === undefined) return null;
  if (isNested(value)) return probeSpec(value);
  return probes.get(textOf(properties, "probe") ?? "") ?? null;
}

/** A probe's request is one line per string; missing values are Varnish's (reference/vcl/declarations/backend#probe). */
export function probeSpec(list: readonly Property[]): ProbeSpec {
  const properties = readProperties(list);
  const lines = literalLines(expressionOf(properties, "request"));
  const threshold = numberOf(properties, "threshold", 3);
  const url = textOf(properties, "url") ?? "/";
  return {
    request: lines.length === 0 ? `HEAD ${url} HTTP/1.1\r\nConnection: close` : lines.join("\r\n"),
    expectedResponse: numberOf(properties, "expected_response", 200),
    interval: numberOf(properties, "interval", 5),
    timeout: numberOf(properties, "timeout", 2),
    window: numberOf(properties, "window", 8),
    threshold,
    initial: numberOf(properties, "initial", Math.max(0, threshold - 1)),
    dummy: flagOf(properties, "dummy", false),
  };
}

const DIRECTOR_TYPES: readonly DirectorSpec["type"][] = [
  "random",
  "fallback",
  "hash",
  "client",
  "chash",
  "shield",
];

/** Members name backends or other directors; quorum defaults to 0 %, weight to 1 (reference/vcl/declarations/director). */
export function directorSpec(
  declaration: DirectorDeclaration,
  context: Pick<CompileContext, "diagnostics">,
): DirectorSpec {
  const properties = readProperties(declaration.properties);
  const type = DIRECTOR_TYPES.find((known) => known === declaration.type.name);
  if (type === undefined) {
    const message = `there is no director type "${declaration.type.name}"`;
    context.diagnostics.push({
      severity: "error",
      rule: "compile/director",
      message,
      span: declaration.type.span,
    });
  }
  const retries =
    expressionOf(properties, "retries") === undefined ? null : numberOf(properties, "retries", 0);
  return {
    name: declaration.name.name,
    type: type ?? "random",
    shield: textOf(properties, "shield"),
    quorumPercent: numberOf(properties, "quorum", 0),
    retries,
    members: declaration.members.map((member) => {
      const fields = readProperties(member.properties);
      return {
        backend: textOf(fields, "backend") ?? "",
        weight: numberOf(fields, "weight", 1),
        id: textOf(fields, "id"),
      };
    }),
  };
}

export function declaredAcl(declaration: AclDeclaration): Acl {
  return buildAcl(
    declaration.name.name,
    declaration.entries.map(({ negated, address, mask }) => ({ negated, address: address.value, mask })),
  );
}

/** Every backend and director of the program by name, in order of declaration. */
export function declaredBackends(
  declarations: readonly Declaration[],
  context: Pick<CompileContext, "diagnostics">,
): Map<string, BackendRef> {
  const probes = new Map(
    declarations
      .filter((declaration): declaration is ProbeDeclaration => declaration.kind === "probe")
      .map((declaration) => [declaration.name.name, probeSpec(declaration.properties)]),
  );
  const backends = new Map<string, BackendRef>();
  for (const declaration of declarations) {
    if (declaration.kind === "backend") {
      backends.set(declaration.name.name, { kind: "backend", spec: backendSpec(declaration, probes) });
    } else if (declaration.kind === "director") {
      backends.set(declaration.name.name, { kind: "director", spec: directorSpec(declaration, context) });
    }
  }
  return backends;
}

// ---- tables --------------------------------------------------------------------------------------------------

/** A table of the program text as functions see it. Later entries of a key win. */
export function declaredTable(
  declaration: TableDeclaration,
  context: Omit<CompileContext, "tables">,
): VclTable {
  const entries = new Map<string, VclValue>();
  for (const entry of declaration.entries) {
    entries.set(entry.key.value, tableValue(entry.value, declaration.type, context));
  }
  return {
    kind: "table",
    name: declaration.name.name,
    type: declaration.type,
    lookup: (key) => entries.get(key),
  };
}

function tableValue(
  expression: Expression,
  type: VclType,
  context: Omit<CompileContext, "tables">,
): VclValue {
  switch (expression.kind) {
    case "string":
      if (type === "IP") return parseIp(expression.value);
      if (type === "REGEX")
        return regexLiteral({ ...context, tables: new Map() }, expression.value, expression);
      return expression.value;
    case "integer":
      return type === "INTEGER" ? expression.value : Number(expression.value);
    case "float":
    case "rtime":
    case "bool":
      return expression.value;
    case "identifier": {
      const named = context.backends.get(expression.name) ?? context.acls.get(expression.name);
      if (named !== undefined) return named;
      break;
    }
    default:
      break;
  }
  const message = `a table of type ${type} cannot hold this value`;
  reportError({ ...context, tables: new Map() }, expression, { rule: "compile/table-value", message });
  return null;
}

/** A dictionary whose items change while the program runs. */
export function liveTable(name: string, table: LiveTable): VclTable {
  return { kind: "table", name, type: "STRING", lookup: (key) => table.get(key) };
}

/** What the edge and the inspector see of a table in the program text. */
export function asLiveTable(table: VclTable): LiveTable {
  const get = (key: string): string | undefined => {
    const value = table.lookup(key);
    return value === undefined ? undefined : (toVclString(value, table.type) ?? undefined);
  };
  return { get, has: (key) => table.lookup(key) !== undefined };
}
