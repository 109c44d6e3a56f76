import { z } from "zod";
import { SitefleetError } from "../lib/errors.ts";
import type { DeployPlan } from "./plan.ts";

const changes = z.array(z.strictObject({ field: z.string(), from: z.string(), to: z.string() }));
const change = z.enum(["create", "replace"]);
const named = { name: z.string().min(1) };

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
const dictionary = z.strictObject({ ...named, write_only: z.boolean() });
const settings = z.strictObject({
  "general.default_ttl": z.int(),
  "general.default_host": z.string(),
  "general.stale_if_error": z.boolean(),
});

function put<Kind extends string, Shape extends z.ZodType>(kind: Kind, object: Shape) {
  return z.strictObject({ do: z.literal("put"), kind: z.literal(kind), change, object, changes });
}

const step = z.union([
  z.strictObject({ do: z.literal("create-service"), ...named }),
  put("healthcheck", healthcheck),
  put("backend", backend),
  put("vcl", z.strictObject({ ...named, content: z.string() })),
  put("domain", z.strictObject({ ...named, comment: z.string() })),
  put("dictionary", dictionary),
  z.strictObject({
    do: z.literal("drop"),
    kind: z.enum(["healthcheck", "backend", "vcl", "domain", "dictionary"]),
    ...named,
  }),
  z.strictObject({ do: z.literal("set-main"), ...named }),
  z.strictObject({ do: z.literal("put-settings"), settings, changes }),
  z.strictObject({ do: z.literal("put-private-items"), keys: z.array(z.string()) }),
]);

const version = z.int().min(1);

const planSchema = z.strictObject({
  format: z.literal(1),
  environment: z.string(),
  service: z.strictObject({ id: z.string().nullable(), ...named }),
  baseVersion: version.nullable(),
  revision: z.string().regex(/^[0-9A-Za-z_-]{1,128}$/),
  content: z.strictObject({
    vcls: z.array(z.strictObject({ ...named, content: z.string(), main: z.boolean() })),
    backends: z.array(backend),
    healthchecks: z.array(healthcheck),
    domains: z.array(z.string()),
    dictionaries: z.array(dictionary),
    settings,
  }),
  steps: z.array(step),
  unverified: z.strictObject({ version, former: version.nullable() }).nullable(),
  warnings: z.array(z.string()),
  diffs: z.array(z.strictObject({ file: z.string(), patch: z.string() })),
});

/** The plan as a file: JSON with two spaces and a final newline. */
export function formatPlanFile(plan: DeployPlan): string {
  return `${JSON.stringify(plan, null, 2)}\n`;
}

/**
 * Reads a plan file back.
 * @throws SitefleetError `deploy/invalid-plan`
 */
export function parsePlanFile(text: string, file: string): DeployPlan {
  const parsed = planSchema.safeParse(parseJson(text, file));
  if (parsed.success) return parsed.data;
  throw new SitefleetError("deploy/invalid-plan", `"${file}" is not a deploy plan of format 1`, {
    hint: "make a new one with `sitefleet deploy plan --out FILE`",
    details: parsed.error.issues
      .slice(0, 20)
      .map((issue) => `${issue.path.join(".") || "plan"}: ${issue.message}`),
  });
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SitefleetError("deploy/invalid-plan", `"${file}" is not JSON`, {
      hint: "make a new one with `sitefleet deploy plan --out FILE`",
      cause,
    });
  }
}
