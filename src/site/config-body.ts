import { z } from "zod";

import { parseJson } from "../lib/json.ts";
import { decodeConfig, encodeConfig } from "./codec.ts";
import type { DecodedConfig } from "./codec.ts";
import { CODEC_VERSION, RULE_SLOTS } from "./metadata.ts";
import { NOT_FOUND_POLICIES } from "./model.ts";
import type { DomainConfig } from "./model.ts";
import { ruleText, unpackRules } from "./rule-slots.ts";

/**
 * The body of a config object: the config with its fields spelled out, as canonical JSON, plus `rev`, which must be new
 * on every write because the ETag of an object is made from the body alone.
 */
export function configBody(config: DomainConfig, rev: string): string {
  return canonicalJson({ ...configDocument(config), rev });
}

/** The same text for the same config, whoever writes it and when: what digests are made from. */
export function configFingerprint(config: DomainConfig): string {
  return canonicalJson(configDocument(config));
}

function configDocument(config: DomainConfig): object {
  if (config.kind === "alias") return { version: CODEC_VERSION, ...config };
  return { version: CODEC_VERSION, ...config, rules: config.rules.map(ruleText) };
}

const bodySchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("alias"),
    version: z.int(),
    rev: z.string(),
    site: z.string(),
    canonicalHost: z.string(),
    forceTls: z.boolean(),
  }),
  z.strictObject({
    kind: z.literal("site"),
    version: z.int(),
    rev: z.string(),
    site: z.string(),
    base: z.string(),
    release: z.string(),
    delta: z.string(),
    forceTls: z.boolean(),
    hsts: z.int().optional(),
    notFound: z.enum(NOT_FOUND_POLICIES),
    notFoundDirectories: z.array(z.string()),
    paths: z.enum(["redirect", "strict", "literal"]),
    noindex: z.boolean(),
    suspended: z.union([z.literal(410), z.literal(503)]).optional(),
    euOnly: z.boolean(),
    protectedAreas: z.array(z.strictObject({ prefix: z.string(), salt: z.string(), verifier: z.string() })),
    expiresAt: z.int().optional(),
    rules: z.array(z.string()),
    buckets: z.strictObject({ tag: z.string(), segments: z.array(z.string()) }).optional(),
  }),
]);

/** Reads the body of a config object: the same config as its metadata, by the same rules. */
export function decodeConfigBody(body: string): DecodedConfig {
  const parsed = bodySchema.safeParse(parseJson(body));
  if (!parsed.success) return { kind: "refused", reason: "is not a config as JSON" };
  const { version, rev: _, ...fields } = parsed.data;
  if (version !== CODEC_VERSION) return { kind: "refused", reason: `has codec version ${version}` };
  if (fields.kind === "alias") return checked(fields);
  const rules = unpackRules(
    fields.rules.map((text, index) => `${RULE_SLOTS.charAt(index)}=${text}`).join("|"),
  );
  if (rules.kind === "refused") return { kind: "refused", reason: `rules: ${rules.reason}` };
  const { hsts, suspended, expiresAt, buckets } = fields;
  return checked({ ...fields, hsts, suspended, expiresAt, buckets, rules: rules.rules });
}

/** What the metadata could not say either is refused here too. */
function checked(config: DomainConfig): DecodedConfig {
  const encoded = encodeConfig(config);
  return encoded.kind === "ok"
    ? decodeConfig(encoded.metadata)
    : { kind: "refused", reason: "does not fit in metadata" };
}

/** JSON whose text depends on the value alone: names in code unit order, no white space. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
