import { packHashes, segmentHash } from "./delta-list.ts";
import { CODEC_VERSION, CONFIG_METADATA, METADATA_BUDGET, RULE_SLOTS } from "./metadata.ts";
import type { Metadata } from "./object-metadata.ts";
import type { Sha256Hex } from "./page-key.ts";
import type { RuleSource } from "./redirect-rule.ts";
import type { RuleNote } from "./redirects-file.ts";
import { packRules, ruleText } from "./rule-slots.ts";
import type { SlotRule } from "./rule-slots.ts";

/** A rule that needs a slot, and where it was written. */
export interface PlacedRule {
  readonly rule: SlotRule;
  readonly source: RuleSource;
  readonly text: string;
}

/** Rules as the edge finds them: those of the config, and those of bucket objects by the hash of a first segment. */
export interface RuleTables {
  readonly slots: readonly PlacedRule[];
  readonly buckets: ReadonlyMap<string, readonly PlacedRule[]>;
  readonly problems: readonly RuleNote[];
}

/** Longest site uid, which every bucket names. */
const LONGEST_SITE = 40;
/** Bytes that a bucket's packed rules may take: the budget without the names and the other values. */
export const BUCKET_ROOM =
  METADATA_BUDGET -
  [CONFIG_METADATA.version, String(CODEC_VERSION), CONFIG_METADATA.site, CONFIG_METADATA.rules].join("")
    .length -
  LONGEST_SITE;
/** Longest rules tag. */
const LONGEST_TAG = 4;

/** Metadata of a bucket object: the names that a config has for the same things. */
export function bucketMetadata(bucket: {
  readonly site: string;
  readonly rules: readonly SlotRule[];
}): Metadata {
  return {
    [CONFIG_METADATA.version]: String(CODEC_VERSION),
    [CONFIG_METADATA.site]: bucket.site,
    [CONFIG_METADATA.rules]: packRules(bucket.rules),
  };
}

/** The same text for the same buckets: what decides whether a rules tag can be used again. Empty for no bucket. */
export function bucketsText(buckets: ReadonlyMap<string, readonly PlacedRule[]>): string {
  return [...buckets]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([hash, rules]) => `${hash} ${packRules(rules.map(({ rule }) => rule))}\n`)
    .join("");
}

/** What the list of buckets takes in a config, with its name and the longest tag. */
export function bucketListBytes(hashes: Iterable<string>): number {
  const list = packHashes(hashes);
  return list === "" ? 0 : CONFIG_METADATA.buckets.length + LONGEST_TAG + list.length;
}

/**
 * Divides rules, in the order in which they are tried, between the config's slots and buckets. A bucket is for all paths
 * whose first segment has its hash, and where there is one the slots are not looked at: so it also holds the rules that
 * begin with a placeholder or splat. Rules stay in slots as long as they fit, because a bucket costs a lookup; the
 * segments that take most leave first.
 *
 * @param input.room bytes of a config that the slots and the list of buckets may take together, names included
 * @param input.sha256Hex without it there are no buckets, and what does not fit in slots is a problem
 */
export function planRuleTables(input: {
  readonly rules: readonly PlacedRule[];
  readonly room: number;
  readonly sha256Hex: Sha256Hex | undefined;
}): RuleTables {
  const groups = groupRules(input.rules, input.sha256Hex);
  const moved = new Set<string>();
  const left = [...groups.entries()]
    .map(([hash, indices]) => ({ hash, bytes: packedBytes(pick(input.rules, indices)) }))
    .sort((a, b) => b.bytes - a.bytes || (a.hash < b.hash ? -1 : 1));
  let slots = slotsWithout(input.rules, groups, moved);
  let problem = slotsProblem(slots, input.room);
  while (problem !== undefined && left.length > 0) {
    const { hash } = left.shift() ?? { hash: "" };
    if (bucketListBytes([...moved, hash]) > input.room) {
      problem = listProblem(slots, { hashes: groups.size, fit: moved.size });
      break;
    }
    moved.add(hash);
    slots = slotsWithout(input.rules, groups, moved);
    problem = slotsProblem(slots, input.room - bucketListBytes(moved));
  }
  const buckets = new Map([...moved].sort().map((hash) => [hash, bucketRules(input.rules, groups, hash)]));
  const problems = [...buckets.values()].map((rules) => bucketProblem(rules));
  return { slots, buckets, problems: [problem, ...problems].filter((note) => note !== undefined) };
}

/** Indices of the rules that belong to one first segment, by its hash. */
type Groups = ReadonlyMap<string, readonly number[]>;

function groupRules(rules: readonly PlacedRule[], sha256Hex: Sha256Hex | undefined): Groups {
  const groups = new Map<string, number[]>();
  if (sha256Hex === undefined) return groups;
  for (const [index, { rule }] of rules.entries()) {
    const [first] = rule.segments;
    if (typeof first !== "string") continue;
    const hash = segmentHash(first, sha256Hex);
    const group = groups.get(hash);
    if (group) group.push(index);
    else groups.set(hash, [index]);
  }
  return groups;
}

function pick(rules: readonly PlacedRule[], indices: readonly number[]): readonly PlacedRule[] {
  return indices.flatMap((index) => rules[index] ?? []);
}

function slotsWithout(
  rules: readonly PlacedRule[],
  groups: Groups,
  moved: ReadonlySet<string>,
): readonly PlacedRule[] {
  const gone = new Set([...moved].flatMap((hash) => groups.get(hash) ?? []));
  return rules.filter((_, index) => !gone.has(index));
}

/** Whether a rule can match below any first segment. One for `/` alone never does. */
function isWide(rule: SlotRule): boolean {
  return rule.segments.length === 0 ? rule.splat : rule.segments[0] === null;
}

function bucketRules(rules: readonly PlacedRule[], groups: Groups, hash: string): readonly PlacedRule[] {
  const own = new Set(groups.get(hash));
  return rules.filter(({ rule }, index) => own.has(index) || isWide(rule));
}

function packedBytes(rules: readonly PlacedRule[]): number {
  if (rules.length === 0) return 0;
  // Slot name and `=` for each rule, `|` between them, and the name of the field.
  const texts = rules.reduce((sum, { rule }) => sum + ruleText(rule).length + 3, 0);
  return texts - 1 + CONFIG_METADATA.rules.length;
}

function slotsProblem(rules: readonly PlacedRule[], room: number): RuleNote | undefined {
  const over = firstOver(rules, room);
  if (over === undefined) return undefined;
  const reason =
    over.kind === "count"
      ? `is number ${RULE_SLOTS.length + 1} of the rules that need a slot of their own; a site has ${RULE_SLOTS.length}`
      : `does not fit: the rules that are tried for every path have ${Math.max(room, 0)} bytes, and with it they take ${over.bytes}`;
  return { source: over.at.source, text: over.at.text, reason };
}

function listProblem(
  rules: readonly PlacedRule[],
  count: { readonly hashes: number; readonly fit: number },
): RuleNote | undefined {
  const at = rules[RULE_SLOTS.length] ?? rules.at(-1);
  const reason = `does not fit: the rules begin with ${count.hashes} different segments, and a config can list ${count.fit}`;
  return at && { source: at.source, text: at.text, reason };
}

function bucketProblem(rules: readonly PlacedRule[]): RuleNote | undefined {
  const over = firstOver(rules, BUCKET_ROOM + CONFIG_METADATA.rules.length);
  if (over === undefined) return undefined;
  const first = rules.find(({ rule }) => !isWide(rule))?.rule.segments[0] ?? "";
  const reason =
    over.kind === "count"
      ? `is number ${RULE_SLOTS.length + 1} of the rules that are tried below /${first}; ${RULE_SLOTS.length} is the most`
      : `does not fit: the rules that are tried below /${first} have ${BUCKET_ROOM} bytes, and with it they take ${over.bytes}`;
  return { source: over.at.source, text: over.at.text, reason };
}

type Over = { readonly kind: "count" | "bytes"; readonly at: PlacedRule; readonly bytes: number };

/** The first rule that is one too many, or the bytes of which are. */
function firstOver(rules: readonly PlacedRule[], room: number): Over | undefined {
  const extra = rules[RULE_SLOTS.length];
  if (extra) return { kind: "count", at: extra, bytes: 0 };
  if (packedBytes(rules) <= room) return undefined;
  for (const [index, at] of rules.entries()) {
    const bytes = packedBytes(rules.slice(0, index + 1));
    if (bytes > room) return { kind: "bytes", at, bytes };
  }
  return undefined;
}
