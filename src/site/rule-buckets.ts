import { packHashes, segmentHash } from "./short-hashes.ts";
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
 * segments that take most leave first. A rule that fits nowhere is a problem and in no table.
 *
 * @param input.room bytes of a config that the slots and the list of buckets may take together, names included
 * @param input.sha256Hex without it there are no buckets, and what does not fit in slots is a problem
 */
export function planRuleTables(input: {
  readonly rules: readonly PlacedRule[];
  readonly room: number;
  readonly sha256Hex: Sha256Hex | undefined;
}): RuleTables {
  const { rules, room } = input;
  const groups = groupRules(rules, input.sha256Hex);
  const moved = movedGroups(rules, groups, room);
  const slotRoom = room - bucketListBytes(moved);
  const slots = fitting(slotsWithout(rules, groups, moved), slotRoom, () => false);
  const isListFull = moved.size > 0 && moved.size < groups.size;
  const reason = isListFull ? listReason(groups.size, moved.size) : slotReason(slotRoom);
  const problems = slots.left.map((left) => noteOf(left, reason));
  const wide = new Set(slots.kept.filter(({ rule }) => isWide(rule)));
  const buckets = new Map<string, readonly PlacedRule[]>();
  for (const hash of [...moved].sort()) {
    const own = new Set(groups.get(hash));
    const members = rules.filter((rule, index) => own.has(index) || wide.has(rule));
    const bucket = fitting(members, BUCKET_ROOM + CONFIG_METADATA.rules.length, isWide);
    buckets.set(hash, bucket.kept);
    problems.push(...bucket.left.map((left) => noteOf(left, bucketReason(left.rule.rule))));
  }
  return { slots: slots.kept, buckets, problems };
}

/** The hashes of the segments whose rules leave the slots. */
function movedGroups(rules: readonly PlacedRule[], groups: Groups, room: number): ReadonlySet<string> {
  const moved = new Set<string>();
  const staying = packedBytes(rules.filter(({ rule }) => typeof rule.segments[0] !== "string"));
  const left = [...groups.entries()]
    .map(([hash, indices]) => ({ hash, bytes: packedBytes(indices.flatMap((index) => rules[index] ?? [])) }))
    .sort((a, b) => b.bytes - a.bytes || (a.hash < b.hash ? -1 : 1));
  for (const { hash } of left) {
    const slots = slotsWithout(rules, groups, moved);
    const isFitting =
      slots.length <= RULE_SLOTS.length && packedBytes(slots) <= room - bucketListBytes(moved);
    if (isFitting || bucketListBytes([...moved, hash]) + staying > room) break;
    moved.add(hash);
  }
  return moved;
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

/** What packed rules take in metadata, with the field's name. */
function packedBytes(rules: readonly PlacedRule[]): number {
  if (rules.length === 0) return 0;
  // Slot name and `=` for each rule, `|` between them, and the name of the field.
  const texts = rules.reduce((sum, { rule }) => sum + ruleText(rule).length + 3, 0);
  return texts - 1 + CONFIG_METADATA.rules.length;
}

/** A rule that found no room: one too many, or too long by so much. */
interface LeftRule {
  readonly rule: PlacedRule;
  readonly kind: "count" | "bytes";
  readonly bytes: number;
}

/** The rules that fit in one table, in their order; those for which `first` is true are taken before the others. */
function fitting(
  rules: readonly PlacedRule[],
  room: number,
  first: (rule: SlotRule) => boolean,
): { readonly kept: readonly PlacedRule[]; readonly left: readonly LeftRule[] } {
  const kept = new Set<PlacedRule>();
  const left: LeftRule[] = [];
  let bytes = 0;
  for (const rule of [
    ...rules.filter((one) => first(one.rule)),
    ...rules.filter((one) => !first(one.rule)),
  ]) {
    // The first brings the name of the field, the others a `|`.
    const more = ruleText(rule.rule).length + 2 + (kept.size === 0 ? CONFIG_METADATA.rules.length : 1);
    const isFull = kept.size >= RULE_SLOTS.length;
    if (isFull || bytes + more > room) {
      left.push({ rule, kind: isFull ? "count" : "bytes", bytes: bytes + more });
      continue;
    }
    kept.add(rule);
    bytes += more;
  }
  return { kept: rules.filter((rule) => kept.has(rule)), left };
}

type Reason = (left: LeftRule) => string;

function noteOf(left: LeftRule, reason: Reason): RuleNote {
  return { source: left.rule.source, text: left.rule.text, reason: reason(left) };
}

function slotReason(room: number): Reason {
  return ({ kind, bytes }) =>
    kind === "count"
      ? `is one too many of the rules that are tried for every path; ${RULE_SLOTS.length} is the most`
      : `does not fit: the rules that are tried for every path have ${Math.max(room, 0)} bytes, and with it they take ${bytes}`;
}

function listReason(segments: number, fit: number): Reason {
  return () =>
    `does not fit: the rules begin with ${segments} different segments, and a config can list ${fit}`;
}

function bucketReason(rule: SlotRule): Reason {
  const below = `the rules that are tried below /${rule.segments[0] ?? ""}`;
  return ({ kind, bytes }) =>
    kind === "count"
      ? `is one too many of ${below}; ${RULE_SLOTS.length} is the most`
      : `does not fit: ${below} have ${BUCKET_ROOM} bytes, and with it they take ${bytes}`;
}
