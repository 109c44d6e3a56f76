import { z } from "zod";

import { assertNever } from "../lib/errors.ts";
import { unpackDelta } from "./delta-list.ts";
import { packHashes, unpackHashes } from "./short-hashes.ts";
import { CODEC_VERSION, CONFIG_METADATA, METADATA_BUDGET, RULE_SLOTS } from "./metadata.ts";
import { HSTS_LIMIT } from "./model.ts";
import type { AliasConfig, DomainConfig, NotFoundPolicy, RuleBuckets, ServedConfig } from "./model.ts";
import { isReleaseId, siteUidProblem } from "./names.ts";
import { metadataBytes } from "./object-metadata.ts";
import type { Metadata } from "./object-metadata.ts";
import { packAreas, unpackAreas } from "./protected-areas.ts";
import { packRules, ruleText, slotRuleProblem, unpackRules } from "./rule-slots.ts";

const M = CONFIG_METADATA;
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

const NOT_FOUND_LETTER = { page: "p", redirect: "r", spa: "s", builtin: "" } as const satisfies Record<
  NotFoundPolicy,
  string
>;
const PATHS_LETTER = { redirect: "", strict: "1", literal: "2" } as const satisfies Record<
  ServedConfig["paths"],
  string
>;

function servedMetadata(config: ServedConfig): Metadata {
  const { buckets, base, release } = config;
  const optional = {
    [M.release]: release === base ? "" : release,
    [M.delta]: config.delta,
    [M.forceTls]: config.forceTls ? "1" : "",
    [M.hsts]: config.hsts === undefined ? "" : String(config.hsts),
    [M.notFound]: NOT_FOUND_LETTER[config.notFound],
    [M.notFoundDirectories]: packHashes(config.notFoundDirectories),
    [M.paths]: PATHS_LETTER[config.paths],
    [M.noindex]: config.noindex ? "1" : "",
    [M.suspended]: config.suspended === undefined ? "" : String(config.suspended),
    [M.euOnly]: config.euOnly ? "1" : "",
    [M.protectedAreas]: packAreas(config.protectedAreas),
    [M.expires]: config.expiresAt === undefined ? "" : String(config.expiresAt),
    [M.buckets]: buckets === undefined ? "" : buckets.tag + packHashes(buckets.segments),
  };
  return {
    [M.version]: String(CODEC_VERSION),
    [M.site]: config.site,
    [M.base]: base,
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== "")),
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
const release = z.string().refine(isReleaseId);
const served = {
  [M.version]: z.string(),
  [M.site]: siteUid,
  [M.base]: release,
  [M.forceTls]: flag,
  [M.hsts]: z
    .string()
    .regex(/^(?:0|[1-9][0-9]{0,7})$/)
    .refine((text) => Number(text) <= HSTS_LIMIT)
    .optional(),
  [M.noindex]: flag,
  [M.suspended]: z.enum(["410", "503"]).optional(),
  [M.rules]: z.string().min(1).optional(),
};
/** Fields that a config may lack in any version. */
const NOTHING = {
  [M.release]: undefined,
  [M.delta]: undefined,
  [M.notFoundDirectories]: undefined,
  [M.euOnly]: undefined,
  [M.protectedAreas]: undefined,
  [M.expires]: undefined,
  [M.buckets]: undefined,
} as const;
const later = z
  .strictObject({
    ...served,
    [M.release]: release.optional(),
    [M.delta]: z.string().min(1).optional(),
    [M.notFound]: z.enum(["p", "r", "s"]).optional(),
    [M.notFoundDirectories]: z.string().min(1).optional(),
    [M.paths]: z.enum(["1", "2"]).optional(),
    [M.euOnly]: flag,
    [M.protectedAreas]: z.string().min(1).optional(),
    [M.expires]: z
      .string()
      .regex(/^[1-9][0-9]{0,10}$/)
      .optional(),
    [M.buckets]: z.string().min(1).optional(),
  })
  .transform((data) => ({ ...NOTHING, ...data }));
/** Version 1 had neither delta lists nor buckets, areas, regions, expiry and directories. */
const servedSchemaOf = {
  "1": z
    .strictObject({ ...served, [M.notFound]: z.enum(["p", "r"]).optional(), [M.paths]: flag })
    .transform((data) => ({ ...NOTHING, ...data })),
  "2": later,
  "3": later,
} as const;
/** Reads the user metadata of a config object, of this codec version or one before; nothing is guessed. */
export function decodeConfig(metadata: Metadata): DecodedConfig {
  const version = metadata[M.version];
  if (version === undefined) return { kind: "refused", reason: "has no codec version" };
  if (version !== "1" && version !== "2" && version !== "3") {
    return { kind: "refused", reason: `has codec version "${version}"; readable: 1, 2, 3` };
  }
  return metadata[M.canonicalHost] === undefined ? decodeServed(metadata, version) : decodeAlias(metadata);
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

function decodeServed(metadata: Metadata, version: keyof typeof servedSchemaOf): DecodedConfig {
  const parsed = servedSchemaOf[version].safeParse(metadata);
  if (!parsed.success) return refuse(parsed.error);
  const { data } = parsed;
  const rules = unpackRules(data[M.rules] ?? "");
  if (rules.kind === "refused") return { kind: "refused", reason: `"${M.rules}" ${rules.reason}` };
  const lists = {
    delta: unpackDelta(data[M.delta] ?? "", version === "3" ? "any" : "former"),
    notFoundDirectories: unpackHashes(data[M.notFoundDirectories] ?? "", 8),
    protectedAreas: unpackAreas(data[M.protectedAreas] ?? ""),
    buckets: unpackBuckets(data[M.buckets]),
  };
  const { notFoundDirectories, protectedAreas, buckets } = lists;
  if (!lists.delta || !notFoundDirectories || !protectedAreas || buckets === "malformed") {
    return { kind: "refused", reason: "has a list that is malformed" };
  }
  const hsts = data[M.hsts];
  const suspended = data[M.suspended];
  const expires = data[M.expires];
  return {
    kind: "ok",
    config: {
      kind: "site",
      site: data[M.site],
      base: data[M.base],
      release: data[M.release] ?? data[M.base],
      delta: data[M.delta] ?? "",
      forceTls: data[M.forceTls] === "1",
      hsts: hsts === undefined ? undefined : Number(hsts),
      notFound: notFoundOf(data[M.notFound]),
      notFoundDirectories,
      paths: pathsOf(data[M.paths]),
      noindex: data[M.noindex] === "1",
      suspended: suspended === undefined ? undefined : suspended === "410" ? 410 : 503,
      euOnly: data[M.euOnly] === "1",
      protectedAreas,
      expiresAt: expires === undefined ? undefined : Number(expires),
      rules: rules.rules,
      buckets,
    },
  };
}

function unpackBuckets(text: string | undefined): RuleBuckets | undefined | "malformed" {
  if (text === undefined) return undefined;
  const comma = text.indexOf(",");
  const tag = text.slice(0, comma);
  const segments = unpackHashes(text.slice(comma), 4);
  return comma > 0 && isReleaseId(tag) && segments ? { tag, segments } : "malformed";
}

function notFoundOf(letter: "p" | "r" | "s" | undefined): NotFoundPolicy {
  switch (letter) {
    case undefined:
      return "builtin";
    case "p":
      return "page";
    case "r":
      return "redirect";
    case "s":
      return "spa";
    default:
      return assertNever(letter);
  }
}

function pathsOf(letter: "1" | "2" | undefined): ServedConfig["paths"] {
  return letter === undefined ? "redirect" : letter === "1" ? "strict" : "literal";
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
