import { z } from "zod";

import { CODEC_VERSION, CONFIG_METADATA, METADATA_BUDGET, RULE_SLOTS } from "./metadata.ts";
import { HSTS_LIMIT } from "./model.ts";
import type { AliasConfig, DomainConfig, NotFoundPolicy, ServedConfig } from "./model.ts";
import { isReleaseId, siteUidProblem } from "./names.ts";
import { metadataBytes } from "./object-metadata.ts";
import type { Metadata } from "./object-metadata.ts";
import { packRules, ruleText, slotRuleProblem, unpackRules } from "./rule-slots.ts";

const M = CONFIG_METADATA;
/** First codec version there ever was; nothing before it can be read. */
const FIRST_VERSION = 1;
const HOST = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;

export type EncodedConfig =
  | { readonly kind: "ok"; readonly metadata: Metadata; readonly bytes: number }
  /** `rule` is the index of the first rule that does not fit; absent when even the fixed fields do not. */
  | {
      readonly kind: "too-large";
      readonly bytes: number;
      readonly budget: number;
      readonly rule: number | undefined;
    }
  | { readonly kind: "too-many-rules"; readonly limit: number; readonly rule: number }
  | { readonly kind: "bad-rule"; readonly rule: number; readonly reason: string };

/** A config as the user metadata of its object. Nothing is ever left out to make it fit. */
export function encodeConfig(config: DomainConfig): EncodedConfig {
  const fixed = config.kind === "alias" ? aliasMetadata(config) : servedMetadata(config);
  const rules = config.kind === "alias" ? [] : config.rules;
  if (rules.length > RULE_SLOTS.length) {
    return { kind: "too-many-rules", limit: RULE_SLOTS.length, rule: RULE_SLOTS.length };
  }
  for (const [rule, slot] of rules.entries()) {
    const reason = slotRuleProblem(slot);
    if (reason !== undefined) return { kind: "bad-rule", rule, reason };
  }
  const metadata = rules.length === 0 ? fixed : { ...fixed, [M.rules]: packRules(rules) };
  const bytes = metadataBytes(metadata);
  if (bytes <= METADATA_BUDGET) return { kind: "ok", metadata, bytes };
  return { kind: "too-large", bytes, budget: METADATA_BUDGET, rule: firstRuleOver(fixed, config) };
}

function firstRuleOver(fixed: Metadata, config: DomainConfig): number | undefined {
  if (config.kind === "alias") return undefined;
  let bytes = metadataBytes(fixed) + M.rules.length;
  if (bytes > METADATA_BUDGET) return undefined;
  for (const [index, rule] of config.rules.entries()) {
    // Slot name and `=`, and the `|` before every rule but the first.
    bytes += ruleText(rule).length + 2 + (index === 0 ? 0 : 1);
    if (bytes > METADATA_BUDGET) return index;
  }
  return undefined;
}

function aliasMetadata(config: AliasConfig): Metadata {
  return {
    [M.version]: String(CODEC_VERSION),
    [M.site]: config.site,
    ...(config.forceTls ? { [M.forceTls]: "1" } : {}),
    [M.canonicalHost]: config.canonicalHost,
  };
}

const NOT_FOUND_LETTER = { page: "p", redirect: "r", builtin: "" } as const satisfies Record<
  NotFoundPolicy,
  string
>;

function servedMetadata(config: ServedConfig): Metadata {
  const notFound = NOT_FOUND_LETTER[config.notFound];
  return {
    [M.version]: String(CODEC_VERSION),
    [M.site]: config.site,
    [M.release]: config.release,
    ...(config.forceTls ? { [M.forceTls]: "1" } : {}),
    ...(config.hsts === undefined ? {} : { [M.hsts]: String(config.hsts) }),
    ...(notFound === "" ? {} : { [M.notFound]: notFound }),
    ...(config.strictPaths ? { [M.strictPaths]: "1" } : {}),
    ...(config.noindex ? { [M.noindex]: "1" } : {}),
    ...(config.suspended === undefined ? {} : { [M.suspended]: String(config.suspended) }),
  };
}

export type DecodedConfig =
  | { readonly kind: "ok"; readonly config: DomainConfig }
  | { readonly kind: "refused"; readonly reason: string };

const flag = z.literal("1").optional();
const siteUid = z.string().refine((text) => siteUidProblem(text) === undefined);
const aliasSchema = z.strictObject({
  [M.version]: z.string(),
  [M.site]: siteUid,
  [M.forceTls]: flag,
  [M.canonicalHost]: z.string().regex(HOST),
});
const servedSchema = z.strictObject({
  [M.version]: z.string(),
  [M.site]: siteUid,
  [M.release]: z.string().refine(isReleaseId),
  [M.forceTls]: flag,
  [M.hsts]: z
    .string()
    .regex(/^(?:0|[1-9][0-9]{0,7})$/)
    .refine((text) => Number(text) <= HSTS_LIMIT)
    .optional(),
  [M.notFound]: z.enum(["p", "r"]).optional(),
  [M.strictPaths]: flag,
  [M.noindex]: flag,
  [M.suspended]: z.enum(["410", "503"]).optional(),
  [M.rules]: z.string().min(1).optional(),
});

/** Reads the user metadata of a config object, of this codec version or the one before; nothing is guessed. */
export function decodeConfig(metadata: Metadata): DecodedConfig {
  const version = metadata[M.version];
  const readable = [CODEC_VERSION, CODEC_VERSION - 1].filter((number) => number >= FIRST_VERSION);
  if (version === undefined) return { kind: "refused", reason: "has no codec version" };
  if (!readable.map(String).includes(version)) {
    return { kind: "refused", reason: `has codec version "${version}"; readable: ${readable.join(", ")}` };
  }
  return metadata[M.canonicalHost] === undefined ? decodeServed(metadata) : decodeAlias(metadata);
}

function decodeAlias(metadata: Metadata): DecodedConfig {
  const parsed = aliasSchema.safeParse(metadata);
  if (!parsed.success) return refuse(parsed.error);
  const { data } = parsed;
  return {
    kind: "ok",
    config: {
      kind: "alias",
      site: data[M.site],
      canonicalHost: data[M.canonicalHost],
      forceTls: data[M.forceTls] === "1",
    },
  };
}

function decodeServed(metadata: Metadata): DecodedConfig {
  const parsed = servedSchema.safeParse(metadata);
  if (!parsed.success) return refuse(parsed.error);
  const { data } = parsed;
  const rules = unpackRules(data[M.rules] ?? "");
  if (rules.kind === "refused") return { kind: "refused", reason: `"${M.rules}" ${rules.reason}` };
  const hsts = data[M.hsts];
  const suspended = data[M.suspended];
  return {
    kind: "ok",
    config: {
      kind: "site",
      site: data[M.site],
      release: data[M.release],
      forceTls: data[M.forceTls] === "1",
      hsts: hsts === undefined ? undefined : Number(hsts),
      notFound: notFoundOf(data[M.notFound]),
      strictPaths: data[M.strictPaths] === "1",
      noindex: data[M.noindex] === "1",
      suspended: suspended === undefined ? undefined : suspended === "410" ? 410 : 503,
      rules: rules.rules,
    },
  };
}

function notFoundOf(letter: "p" | "r" | undefined): NotFoundPolicy {
  return letter === undefined ? "builtin" : letter === "p" ? "page" : "redirect";
}

function refuse(error: z.ZodError): DecodedConfig {
  const names = error.issues.flatMap((issue) =>
    issue.code === "unrecognized_keys" ? issue.keys : [issue.path.join(".")],
  );
  return {
    kind: "refused",
    reason: `has a missing, unknown or malformed field: ${[...new Set(names)].join(", ")}`,
  };
}
