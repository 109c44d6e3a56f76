import { z } from "zod";

/** Form of the plan in a plan file; unknown fields are refused, for a later program may mean something by them. */
const changes = z.array(z.strictObject({ field: z.string(), from: z.string(), to: z.string() }));
const change = z.enum(["create", "replace"]);
const named = { name: z.string().min(1) };
const version = z.int().min(1);

const backend = z.strictObject({
  ...named,
  address: z.string(),
  port: z.int(),
  use_ssl: z.boolean(),
  ssl_check_cert: z.boolean(),
  ssl_cert_hostname: z.string(),
  ssl_sni_hostname: z.string(),
  min_tls_version: z.string(),
  override_host: z.string(),
  shield: z.string(),
  healthcheck: z.string(),
  request_condition: z.string(),
  auto_loadbalance: z.boolean(),
  connect_timeout: z.int(),
  first_byte_timeout: z.int(),
  between_bytes_timeout: z.int(),
  max_conn: z.int(),
});
const healthcheck = z.strictObject({
  ...named,
  host: z.string(),
  path: z.string(),
  method: z.string(),
  http_version: z.string(),
  expected_response: z.int(),
  check_interval: z.int(),
  timeout: z.int(),
  window: z.int(),
  threshold: z.int(),
  initial: z.int(),
});
const snippet = z.strictObject({
  ...named,
  type: z.string(),
  dynamic: z.boolean(),
  priority: z.int(),
  content: z.string(),
});
const dictionary = z.strictObject({ ...named, write_only: z.boolean() });
const item = z.strictObject({ key: z.string(), value: z.string() });
const rule = z.strictObject({
  ip: z.string(),
  subnet: z.int().nullable(),
  negated: z.boolean(),
  comment: z.string(),
});
const logging = z.strictObject({
  kind: z.string().regex(/^[a-z0-9]+$/),
  ...named,
  fields: z.record(z.string(), z.union([z.string(), z.strictObject({ env: z.string() })])),
});
const settings = z.strictObject({
  "general.default_ttl": z.int(),
  "general.default_host": z.string(),
  "general.stale_if_error": z.boolean(),
});

function put<Kind extends string, Shape extends z.ZodType>(kind: Kind, object: Shape) {
  return z.strictObject({ do: z.literal("put"), kind: z.literal(kind), change, object, changes });
}

const packageSchema = z.strictObject({ filesHash: z.string().regex(/^[0-9a-f]{128}$/), size: z.int() });
const store = z.strictObject({
  kind: z.enum(["config", "secret"]),
  role: z.enum(["settings", "private", "state"]),
  ...named,
});
const link = z.strictObject({ ...named, store: z.string() });
const compute = z.strictObject({
  package: packageSchema.nullable(),
  stores: z.array(store),
  links: z.array(link),
  settings: z.string().nullable(),
});

const record = z.strictObject({
  owned: z.array(z.string()),
  written: z.array(z.string()),
  adopted: z.array(z.string()),
  former: z.array(z.string()),
  kinds: z.array(z.string()),
});

const step = z.union([
  z.strictObject({ do: z.literal("create-service"), ...named }),
  put("healthcheck", healthcheck),
  put("backend", backend),
  put("vcl", z.strictObject({ ...named, content: z.string() })),
  put("snippet", snippet),
  put("domain", z.strictObject({ ...named, comment: z.string() })),
  put("dictionary", dictionary),
  put("acl", z.strictObject(named)),
  put("logging", logging),
  put("link", link),
  z.strictObject({ do: z.literal("create-store"), store }),
  z.strictObject({ do: z.literal("put-package"), package: packageSchema, from: packageSchema.nullable() }),
  z.strictObject({ do: z.literal("put-app-settings"), changes }),
  z.strictObject({
    do: z.literal("drop"),
    kind: z.enum(["healthcheck", "backend", "vcl", "snippet", "domain", "dictionary", "acl"]),
    ...named,
  }),
  z.strictObject({
    do: z.literal("drop"),
    kind: z.literal("logging"),
    endpoint: z.string().regex(/^[a-z0-9]+$/),
    ...named,
  }),
  z.strictObject({ do: z.literal("set-main"), ...named }),
  z.strictObject({ do: z.literal("put-settings"), settings, changes }),
  z.strictObject({
    do: z.literal("put-private-items"),
    dictionary: z.string(),
    keys: z.array(z.string()),
    remove: z.array(z.string()),
  }),
  z.strictObject({
    do: z.literal("put-items"),
    dictionary: z.string(),
    put: z.array(item),
    remove: z.array(z.string()),
    changes,
    seen: z.string().nullable(),
  }),
  z.strictObject({
    do: z.literal("put-entries"),
    acl: z.string(),
    put: z.array(rule),
    remove: z.array(rule),
    seen: z.string().nullable(),
  }),
  z.strictObject({ do: z.literal("put-record"), record }),
]);

const drift = z.strictObject({
  kind: z.enum([
    "activation",
    "vcl",
    "backend",
    "healthcheck",
    "domain",
    "dictionary",
    "acl",
    "snippet",
    "logging",
    "setting",
    "item",
    "entry",
    "package",
    "link",
    "app-settings",
  ]),
  name: z.string(),
  change: z.enum(["added", "changed", "removed"]),
  changes,
  edit: z.string().nullable(),
});

const range = z.strictObject({ start: z.int(), lines: z.int() });
const diff = z.strictObject({
  file: z.string(),
  patch: z.string(),
  hunks: z.array(
    z.strictObject({
      templates: z.array(z.strictObject({ template: z.string(), line: z.int() })),
      before: range,
      after: range,
      lines: z.array(z.string()),
    }),
  ),
});

export const planSchema = z.strictObject({
  format: z.literal(2),
  environment: z.string(),
  service: z.strictObject({
    id: z.string().nullable(),
    ...named,
    target: z.enum(["vcl", "compute"]).default("vcl"),
  }),
  baseVersion: version.nullable(),
  revision: z.string().regex(/^[0-9A-Za-z_-]{1,128}$/),
  commit: z
    .string()
    .regex(/^[0-9a-f]{7,40}(-dirty)?$/)
    .nullable(),
  content: z.strictObject({
    vcls: z.array(z.strictObject({ ...named, content: z.string(), main: z.boolean() })),
    backends: z.array(backend),
    healthchecks: z.array(healthcheck),
    domains: z.array(z.string()),
    dictionaries: z.array(
      z.union([z.strictObject({ ...dictionary.shape, items: z.array(item) }), dictionary]),
    ),
    acls: z.array(z.strictObject({ ...named, entries: z.array(rule) })),
    snippets: z.array(snippet),
    loggings: z.array(logging),
    settings,
    compute: compute.nullable().default(null),
  }),
  steps: z.array(step),
  unverified: z.strictObject({ version, former: version.nullable() }).nullable(),
  drift: z.array(drift),
  takeover: z.boolean(),
  driftChoice: z.enum(["refuse", "overwrite", "adopt"]),
  warnings: z.array(z.string()),
  diffs: z.array(diff),
});
