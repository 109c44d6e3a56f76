import { encodeConfig } from "../../site/codec.ts";
import { deltaCapacity, unpackDelta } from "../../site/delta-list.ts";
import { EDGE_LIMITS } from "../../site/edge-limits.ts";
import { KEY_LIMIT, releasePrefix } from "../../site/layout.ts";
import type { SitePlace } from "../../site/layout.ts";
import { CONFIG_METADATA, METADATA_BUDGET, OBJECT_METADATA, RULE_SLOTS } from "../../site/metadata.ts";
import { deriveConfig } from "../../site/model.ts";
import type { DomainConfig, DomainEntry, ServedConfig, SiteRecord } from "../../site/model.ts";
import { printable } from "../../site/names.ts";
import { metadataBytes } from "../../site/object-metadata.ts";
import type { Metadata } from "../../site/object-metadata.ts";
import { unpackHeaders } from "../../site/packed-headers.ts";
import { ruleText, unpackRules } from "../../site/rule-slots.ts";
import type { SlotRule } from "../../site/rule-slots.ts";
import { LONGEST_RELEASE } from "../release/delta-plan.ts";
import { sha256Hex } from "../publish-deps.ts";
import type { ReleaseObject } from "../release/release-object.ts";
import { dearestRule, workspaceBound } from "./workspace-bound.ts";

/** How much of one limit a site uses. */
export interface BudgetRow {
  readonly what: BudgetItem;
  /** Domain, file, or rule with its file and line. */
  readonly where: string;
  readonly used: number;
  readonly limit: number;
  readonly unit: "bytes" | "rules" | "headers" | "restarts" | "entries";
}

export type BudgetItem =
  | "config metadata"
  | "rule slots"
  | "rules of a bucket"
  | "metadata of a bucket"
  | "delta list"
  | "object metadata"
  | "response headers"
  | "size of response headers"
  | "storage key"
  | "request path"
  | "location"
  | "restarts"
  | "workspace";

export interface BudgetInput {
  /** As it is, or would be after a change. */
  readonly record: SiteRecord;
  /** Entries of the record, and others that are to be counted, by name. */
  readonly domains: readonly (readonly [string, DomainEntry])[];
  readonly place: SitePlace;
  /** What the release that the record shows holds. */
  readonly plan: {
    readonly objects: readonly ReleaseObject[];
    /** Metadata of rule buckets by the hash of a first path segment. */
    readonly buckets: ReadonlyMap<string, Metadata>;
    /** What each slot's rule is called, in their order. */
    readonly slotNames: readonly string[];
  };
  /** Bytes of each config that a delta list leaves free. */
  readonly headroom: number;
}

/**
 * Everything of which a site can have too much, computed before anything is uploaded: one row for each domain and bucket,
 * and one for the file or rule that uses most of each other limit.
 */
export function budgetOf(input: BudgetInput): readonly BudgetRow[] {
  const configs = input.domains.map(
    ([domain, entry]) => [domain, deriveConfig(input.record, entry, sha256Hex)] as const,
  );
  const served = configs.flatMap(([domain, config]) =>
    config.kind === "site" ? [[domain, config] as const] : [],
  );
  return [
    ...configs.map(configRow),
    ...slotRows(served, input.plan.slotNames),
    ...[...input.plan.buckets].flatMap(bucketRows),
    ...deltaRows(served, input),
    ...objectRows(input),
    ...locationRows(input, served),
    ...passRows(input, served),
  ];
}

/** Rows by how near they are to their limits, the nearest first. */
export function tightestFirst(rows: readonly BudgetRow[]): readonly BudgetRow[] {
  return rows.toSorted((a, b) => b.used / b.limit - a.used / a.limit);
}

/** Rows that are over their limits. */
export function overBudget(rows: readonly BudgetRow[]): readonly BudgetRow[] {
  return tightestFirst(rows.filter(({ used, limit }) => used > limit));
}

/** A row for people. */
export function budgetText({ what, where, used, limit, unit }: BudgetRow): string {
  return `${what}: ${used} of ${limit} ${unit} (${where})`;
}

function configRow([domain, config]: readonly [string, DomainConfig]): BudgetRow {
  const encoded = encodeConfig(config);
  const used = "bytes" in encoded ? encoded.bytes : METADATA_BUDGET + 1;
  return { what: "config metadata", where: domain, used, limit: METADATA_BUDGET, unit: "bytes" };
}

type Served = readonly (readonly [string, ServedConfig])[];

function slotRows(served: Served, names: readonly string[]): readonly BudgetRow[] {
  const most = Math.max(0, ...served.map(([, { rules }]) => rules.length));
  const last = served.find(([, { rules }]) => rules.length === most)?.[1].rules.at(-1);
  if (!last) return [];
  const where = `the last is ${names[most - 1] ?? `"${ruleText(last)}"`}`;
  return [{ what: "rule slots", where, used: most, limit: RULE_SLOTS.length, unit: "rules" }];
}

function bucketRows([hash, metadata]: readonly [string, Metadata]): readonly BudgetRow[] {
  const rules = bucketRules(metadata);
  const first = rules[0];
  const where = `bucket ${hash}${first ? `, from "${ruleText(first)}" on` : ""}`;
  return [
    { what: "rules of a bucket", where, used: rules.length, limit: RULE_SLOTS.length, unit: "rules" },
    {
      what: "metadata of a bucket",
      where,
      used: metadataBytes(metadata),
      limit: METADATA_BUDGET,
      unit: "bytes",
    },
  ];
}

function bucketRules(metadata: Metadata): readonly SlotRule[] {
  const unpacked = unpackRules(metadata[CONFIG_METADATA.rules] ?? "");
  return unpacked.kind === "ok" ? unpacked.rules : [];
}

/** What a delta list may grow to before a publish makes a full release instead: never an error. */
function deltaRows(served: Served, { plan, headroom }: BudgetInput): readonly BudgetRow[] {
  const rooms = served.map(([domain, config]) => {
    const encoded = encodeConfig(config);
    const bytes = "bytes" in encoded ? encoded.bytes : METADATA_BUDGET;
    return { domain, delta: config.delta, left: Math.max(0, METADATA_BUDGET - headroom - bytes) };
  });
  const [tightest] = rooms.toSorted((a, b) => a.left - b.left);
  if (!tightest) return [];
  const { delta, left, domain: where } = tightest;
  const entries = unpackDelta(delta)?.size ?? 0;
  const used = delta.length;
  const limit = Math.max(entries, deltaCapacity(used + left, plan.objects.length));
  return [
    { what: "delta list", where, used, limit: used + left, unit: "bytes" },
    { what: "delta list", where, used: entries, limit, unit: "entries" },
  ];
}

function objectRows({ plan, place }: BudgetInput): readonly BudgetRow[] {
  const prefix = Buffer.byteLength(releasePrefix(place, LONGEST_RELEASE));
  const row = (
    limits: Omit<BudgetRow, "where" | "used">,
    measure: (object: ReleaseObject, index: number) => number,
  ): readonly BudgetRow[] => {
    const most = heaviest(plan.objects, measure);
    return most ? [{ ...limits, where: printable(most.object.key), used: most.used }] : [];
  };
  const { responseHeaders, responseHeaderBytes, path } = EDGE_LIMITS;
  const costs = plan.objects.map(headersCost);
  return [
    ...row({ what: "object metadata", limit: METADATA_BUDGET, unit: "bytes" }, ({ metadata }) =>
      metadataBytes(metadata),
    ),
    ...row(
      { what: "response headers", limit: responseHeaders, unit: "headers" },
      (_, index) => costs[index]?.headers ?? 0,
    ),
    ...row(
      { what: "size of response headers", limit: responseHeaderBytes, unit: "bytes" },
      (_, index) => costs[index]?.bytes ?? 0,
    ),
    ...row(
      { what: "storage key", limit: KEY_LIMIT, unit: "bytes" },
      ({ key }) => prefix + Buffer.byteLength(key),
    ),
    // The longest spelling of a page's path that is looked up, with its slash.
    ...row({ what: "request path", limit: path, unit: "bytes" }, ({ key }) => Buffer.byteLength(key) + 1),
  ];
}

function heaviest(
  objects: readonly ReleaseObject[],
  measure: (object: ReleaseObject, index: number) => number,
): { readonly object: ReleaseObject; readonly used: number } | undefined {
  let most: { readonly object: ReleaseObject; readonly used: number } | undefined;
  for (const [index, object] of objects.entries()) {
    const used = measure(object, index);
    if (!most || used > most.used) most = { object, used };
  }
  return most;
}

/**
 * Headers that S3 sends with any object (S3 API, "GetObject", response syntax) and that the edge, Fastly's and ours, puts on
 * any answer, also for who knows the debug token; and bytes that they take together.
 */
const OF_ALL: HeadersCost = { headers: 20 + 24, bytes: 4_096 };

interface HeadersCost {
  readonly headers: number;
  readonly bytes: number;
}

/** What the headers of an answer are at most; once for each object of a release, of which there may be many thousands. */
function headersCost({ headers: native, metadata }: ReleaseObject): HeadersCost {
  let { headers, bytes } = OF_ALL;
  const add = (name: string, value: string): void => {
    headers += 1;
    // The colon, the space and the line's end.
    bytes += name.length + value.length + 4;
  };
  for (const [name, value] of Object.entries<string | undefined>({ ...native })) {
    if (value !== undefined && value !== "") add(name, value);
  }
  for (const [name, value] of Object.entries(metadata)) add(`x-amz-meta-${name}`, value);
  const packed = metadata[OBJECT_METADATA.headers];
  const unpacked = packed === undefined ? undefined : unpackHeaders(packed);
  if (unpacked?.kind !== "ok") return { headers, bytes };
  for (const header of unpacked.headers) if (header.kind === "set") add(header.name, header.value);
  return { headers, bytes };
}

/** A Location longer than the edge reads URLs would lead a visitor to an error, were it of this service. */
function locationRows({ plan }: BudgetInput, served: Served): readonly BudgetRow[] {
  const rules = [
    ...served.flatMap(([, config]) => config.rules),
    ...[...plan.buckets.values()].flatMap(bucketRules),
  ].map((rule) => ({ where: `"${ruleText(rule)}"`, used: rule.target.length }));
  const objects = plan.objects.map(({ key, metadata }) => ({
    where: printable(key),
    used: metadata[OBJECT_METADATA.location]?.length ?? 0,
  }));
  let most = { where: "", used: 0 };
  for (const row of [...rules, ...objects]) if (row.used > most.used) most = row;
  return most.used === 0 ? [] : [{ what: "location", ...most, limit: EDGE_LIMITS.url, unit: "bytes" }];
}

function passRows({ plan }: BudgetInput, served: Served): readonly BudgetRow[] {
  const buckets = [...plan.buckets.values()].map(bucketRules);
  const object = plan.objects.reduce((most, { metadata }) => Math.max(most, metadataBytes(metadata)), 0);
  const bounds = served.map(([domain, config]) => ({
    domain,
    used: workspaceBound({ host: domain.length, config, buckets, object }),
  }));
  const [most] = bounds.toSorted((a, b) => b.used - a.used);
  if (!most) return [];
  const rule = dearestName([
    { rules: served[0]?.[1].rules ?? [], names: plan.slotNames },
    ...buckets.map((rules) => ({ rules, names: [] })),
  ]);
  return [
    {
      what: "restarts",
      where: buckets.length > 0 ? "config, rule bucket, last answer" : "config, last answer",
      used: buckets.length > 0 ? 3 : 2,
      limit: EDGE_LIMITS.restarts,
      unit: "restarts",
    },
    {
      what: "workspace",
      where: rule === undefined ? most.domain : `most by the rule ${rule}`,
      used: most.used,
      limit: EDGE_LIMITS.workspace,
      unit: "bytes",
    },
  ];
}

/** What the rule is called that takes most of the workspace. */
function dearestName(
  tables: readonly { readonly rules: readonly SlotRule[]; readonly names: readonly string[] }[],
): string | undefined {
  let most: { readonly name: string; readonly bytes: number } | undefined;
  for (const { rules, names } of tables) {
    const found = dearestRule(rules);
    const rule = found && rules[found.index];
    if (!found || !rule || (most && most.bytes >= found.bytes)) continue;
    most = { name: names[found.index] ?? `"${ruleText(rule)}"`, bytes: found.bytes };
  }
  return most?.name;
}
