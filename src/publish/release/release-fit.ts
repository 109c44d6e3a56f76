import { SitefleetError } from "../../lib/errors.ts";
import { encodeConfig } from "../../site/codec.ts";
import { METADATA_BUDGET } from "../../site/metadata.ts";
import { HSTS_LIMIT, currentRelease, deriveConfig } from "../../site/model.ts";
import type { DomainEntry, ReleaseEntry, SiteRecord } from "../../site/model.ts";
import { DEFAULT_RULE_ROOM } from "../../site/redirect-plan.ts";
import { budgetOf, budgetText, overBudget } from "../limits/budget.ts";
import type { BudgetInput, BudgetRow } from "../limits/budget.ts";
import { refuseUnfitConfigs } from "../commit.ts";
import { LONGEST_RELEASE } from "./delta-plan.ts";
import { primaryEntry } from "../domains.ts";
import { findManifest } from "./manifest.ts";
import { refuseOpenAliases } from "../protected-aliases.ts";
import { placeOf, sha256Hex } from "../publish-deps.ts";
import type { PublishDeps, SiteRef } from "../publish-deps.ts";
import type { HeldRecord } from "../record-store.ts";
import { planRelease } from "./release-plan.ts";
import type { PlanInput, ReleasePlan } from "./release-plan.ts";
import { ON_SITE, entryOf, newSite } from "./release-record.ts";
import type { Showing } from "./release-record.ts";

/** Bytes of a config that a delta list leaves free, so that a password or a policy still fits when it is chosen later. */
const HEADROOM = 256;

/** Bytes that rules leave to delta lists: some thirty changed pages. */
const DELTA_ROOM = 150;

/** A release that would be shown. */
export interface FitInput {
  readonly plan: ReleasePlan;
  /** The record that the plan was made from; `undefined` for a new site. */
  readonly base: HeldRecord | undefined;
  /** What else the commit changes. */
  readonly also?: (record: SiteRecord) => SiteRecord;
  readonly showing?: Showing;
}

/**
 * Refuses, before anything is written, a release whose domains' configs would not fit whatever lies where, or that would
 * bring the edge to one of its limits.
 * @throws SitefleetError `site/config-too-large` naming the rule by its line, `publish/over-budget`, `site/invalid-setting`
 */
export function refuseUnfit(deps: PublishDeps, ref: SiteRef, input: FitInput): void {
  const record = trialRecord(deps, ref, { ...input, delta: undefined });
  refuseUnfitConfigs(record, input.plan.slotNames);
  refuseOpenAliases(record, input.plan);
  const over = overBudget(siteBudget(deps, ref, { record, plan: input.plan }));
  if (over.length === 0) return;
  throw new SitefleetError("publish/over-budget", `site "${ref.site}" has more than the edge can take`, {
    details: over.map(budgetText),
    hint: "remove or shorten what is named; exact redirects are objects and cost the edge nothing",
  });
}

/** What a site uses of every limit, by what its release holds. */
export function siteBudget(
  deps: PublishDeps,
  ref: SiteRef,
  { record, plan }: { readonly record: SiteRecord; readonly plan: BudgetInput["plan"] },
): readonly BudgetRow[] {
  const shown = Object.entries(record.domains).filter(([, { removing }]) => !removing);
  const later = [["a domain that is added later", TIGHTEST]] as const;
  const isShown = shown.some(([, { kind }]) => kind !== "alias");
  return budgetOf({
    record,
    domains: isShown ? shown : [...shown, ...later],
    place: placeOf(deps, ref),
    plan,
    headroom: HEADROOM,
  });
}

/**
 * What a site uses of every limit, by its record and the manifest of what it shows: nothing else is read.
 * @throws SitefleetError `site/not-found`
 */
export async function readBudget(
  deps: PublishDeps,
  ref: SiteRef,
  record: SiteRecord,
): Promise<readonly BudgetRow[]> {
  const release = currentRelease(record);
  const manifest = release && !release.dirty ? await findManifest(deps, ref, release) : undefined;
  if (!manifest) return [];
  const { files, control } = manifest;
  const plan = planRelease({
    place: placeOf(deps, ref),
    files,
    control,
    siteRules: record.rules,
    policies: record.policies,
    roomFor: roomForRules(deps, ref, record),
    strict: false,
  });
  return siteBudget(deps, ref, { record, plan: { ...plan, objects: [...manifest.objects.values()] } });
}

/** Whether a delta list leaves room in the config of every domain, and in that of one that is added later. */
export function fitsEverywhere(
  deps: PublishDeps,
  ref: SiteRef,
  input: FitInput & { readonly delta: string },
): boolean {
  const record = trialRecord(deps, ref, input);
  return entriesOf(record).every((entry) => {
    const encoded = encodeConfig(deriveConfig(record, entry, sha256Hex));
    return encoded.kind === "ok" && (input.delta === "" || encoded.bytes <= METADATA_BUDGET - HEADROOM);
  });
}

/** A domain with every choice made, so that a release without domains does not become one that no domain can show. */
const TIGHTEST: DomainEntry = { ...primaryEntry(), forceTls: true, hsts: HSTS_LIMIT, euOnly: true };

function entriesOf(record: SiteRecord): readonly DomainEntry[] {
  return [TIGHTEST, ...Object.values(record.domains).filter(({ removing }) => !removing)];
}

/**
 * Bytes that rules may take in every config of a site, with room left for a delta list and for choices made later; the
 * other rules go into buckets.
 */
export function roomForRules(
  deps: PublishDeps,
  ref: SiteRef,
  base: SiteRecord | undefined,
): PlanInput["roomFor"] {
  return ({ notFoundPages, trailingSlash }) => {
    const entry: ReleaseEntry = {
      id: LONGEST_RELEASE,
      createdAt: new Date(deps.clock.now()).toISOString(),
      files: 0,
      redirects: 0,
      bytes: 0,
      digest: "",
      base: "zzzy",
      delta: "",
      notFoundPages: [...notFoundPages],
      trailingSlash,
      buckets: null,
      slots: "",
    };
    const record = ON_SITE.show(base ?? newSite(deps, ref), entry, deps.environment);
    const taken = entriesOf(record).map((domain) => {
      const encoded = encodeConfig(deriveConfig(record, domain, sha256Hex));
      return "bytes" in encoded ? encoded.bytes : 0;
    });
    return Math.min(DEFAULT_RULE_ROOM, METADATA_BUDGET - HEADROOM - DELTA_ROOM - Math.max(...taken));
  };
}

/** The record as it would be with the release shown, under the longest id; `delta: undefined` = a full one. */
function trialRecord(
  deps: PublishDeps,
  ref: SiteRef,
  input: FitInput & { readonly delta: string | undefined },
): SiteRecord {
  const { plan, delta, showing = ON_SITE } = input;
  const placed = { release: LONGEST_RELEASE, base: LONGEST_RELEASE, delta: delta ?? "" };
  // A base release of its own makes the config name both ids: the longest that it can get.
  const base = delta === undefined ? LONGEST_RELEASE : "zzzy";
  const tag = plan.buckets.size === 0 ? undefined : LONGEST_RELEASE;
  const entry = entryOf(deps, { plan, placed: { ...placed, base }, tag });
  const record = showing.show(input.base?.record ?? newSite(deps, ref), entry, deps.environment);
  return input.also?.(record) ?? record;
}
