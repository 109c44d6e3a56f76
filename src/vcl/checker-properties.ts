import type { Expression, Identifier } from "./ast.ts";
import type { Property } from "./ast-declarations.ts";
import type { Findings } from "./checker-findings.ts";
import type { Symbols } from "./checker-symbols.ts";
import type { Span } from "./source.ts";

/** What a property takes. `words` are bare words. */
export type PropertyType =
  "STRING" | "INTEGER" | "RTIME" | "BOOL" | "PERCENT" | "BACKEND" | { readonly words: readonly string[] };

export type PropertyTypes = Readonly<Record<string, PropertyType>>;

/** Properties of a backend besides `.probe` (reference/vcl/declarations/backend, and those in generated VCL). */
export const BACKEND_PROPERTIES: PropertyTypes = {
  always_use_host_header: "BOOL",
  between_bytes_timeout: "RTIME",
  bypass_local_route_table: "BOOL",
  connect_timeout: "RTIME",
  dynamic: "BOOL",
  fetch_timeout: "RTIME",
  first_byte_timeout: "RTIME",
  host: "STRING",
  host_header: "STRING",
  keepalive_time: "RTIME",
  max_connections: "INTEGER",
  max_lifetime: "RTIME",
  max_tls_version: "STRING",
  max_use: "INTEGER",
  min_tls_version: "STRING",
  port: "STRING",
  prefer_ipv6: "BOOL",
  share_key: "STRING",
  ssl: "BOOL",
  ssl_ca_cert: "STRING",
  ssl_cert_hostname: "STRING",
  ssl_check_cert: { words: ["always", "never"] },
  ssl_ciphers: "STRING",
  ssl_client_cert: "STRING",
  ssl_client_key: "STRING",
  ssl_sni_hostname: "STRING",
  tcp_keepalive_enable: "BOOL",
  tcp_keepalive_interval: "INTEGER",
  tcp_keepalive_probes: "INTEGER",
  tcp_keepalive_time: "INTEGER",
};

/** Properties of a probe, inline or declared (reference/vcl/declarations/backend#probe). */
export const PROBE_PROPERTIES: PropertyTypes = {
  dummy: "BOOL",
  expected_response: "INTEGER",
  initial: "INTEGER",
  interval: "RTIME",
  request: "STRING",
  threshold: "INTEGER",
  timeout: "RTIME",
  url: "STRING",
  window: "INTEGER",
};

interface DirectorShape {
  readonly properties: PropertyTypes;
  readonly required: readonly string[];
  readonly member: PropertyTypes;
  readonly memberRequired: readonly string[];
}

const WEIGHTED = { backend: "BACKEND", weight: "INTEGER" } as const;

/** What each type of director takes (reference/vcl/declarations/director). */
export const DIRECTORS: ReadonlyMap<string, DirectorShape> = new Map<string, DirectorShape>([
  [
    "random",
    {
      properties: { quorum: "PERCENT", retries: "INTEGER" },
      required: [],
      member: WEIGHTED,
      memberRequired: ["backend", "weight"],
    },
  ],
  ["fallback", { properties: {}, required: [], member: { backend: "BACKEND" }, memberRequired: ["backend"] }],
  [
    "hash",
    {
      properties: { quorum: "PERCENT" },
      required: [],
      member: WEIGHTED,
      memberRequired: ["backend", "weight"],
    },
  ],
  [
    "client",
    {
      properties: { quorum: "PERCENT" },
      required: [],
      member: WEIGHTED,
      memberRequired: ["backend", "weight"],
    },
  ],
  [
    "chash",
    {
      properties: {
        key: { words: ["object", "client"] },
        quorum: "PERCENT",
        seed: "INTEGER",
        vnodes_per_node: "INTEGER",
      },
      required: [],
      member: { ...WEIGHTED, id: "STRING" },
      memberRequired: ["backend", "id"],
    },
  ],
  [
    "shield",
    {
      properties: { shield: "STRING", is_ssl: "BOOL" },
      required: ["shield"],
      member: {},
      memberRequired: [],
    },
  ],
]);

interface PropertiesContext {
  /** What messages call the declaration: `a backend`. */
  readonly owner: string;
  readonly types: PropertyTypes;
  readonly symbols: Symbols;
  readonly findings: Findings;
}

/** Checks that each property is known, set once, and of its type; those named `probe` are left to the caller. */
export function checkProperties(properties: readonly Property[], context: PropertiesContext): void {
  const { owner, types, findings } = context;
  const seen = new Set<string>();
  for (const { name, value } of properties) {
    if (seen.has(name.name)) findings.report("property/duplicate", name.span, `.${name.name} is already set`);
    seen.add(name.name);
    if (owner === "a backend" && name.name === "probe") continue;
    const type = Object.hasOwn(types, name.name) ? types[name.name] : undefined;
    if (type === undefined) {
      findings.report("property/unknown", name.span, `${owner} has no property .${name.name}`);
    } else if (!("kind" in value) || !fits(value, { type, context })) {
      const wanted = typeof type === "string" ? type : type.words.join(" or ");
      findings.report("property/type", valueSpan(name, value), `.${name.name} takes ${wanted}`);
    }
  }
}

function valueSpan(name: Identifier, value: Property["value"]): Span {
  return "kind" in value ? value.span : name.span;
}

function fits(
  value: Expression,
  { type, context }: { type: PropertyType; context: PropertiesContext },
): boolean {
  if (typeof type === "object") return value.kind === "identifier" && type.words.includes(value.name);
  switch (type) {
    case "STRING":
      return (
        value.kind === "string" ||
        (value.kind === "concat" && value.parts.every((part) => part.kind === "string"))
      );
    case "INTEGER":
      return value.kind === "integer";
    case "RTIME":
      return value.kind === "rtime";
    case "BOOL":
      return value.kind === "bool";
    case "PERCENT":
      return value.kind === "percent" || value.kind === "integer";
    case "BACKEND":
      return value.kind === "identifier" && checkBackendName(value, context);
    default:
      return type satisfies never;
  }
}

/** Always true, since an unknown backend is a finding of its own. */
function checkBackendName({ name, span }: Identifier, { symbols, findings }: PropertiesContext): boolean {
  const type = symbols.values.get(name);
  if (type !== "BACKEND" && type !== "DIRECTOR") {
    findings.report("name/unknown", span, `there is no backend ${name}`);
  }
  return true;
}
