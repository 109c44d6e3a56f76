import { encodeConfig } from "../site/codec.ts";
import { METADATA_BUDGET } from "../site/metadata.ts";
import { HSTS_LIMIT, deriveConfig, newSiteRecord } from "../site/model.ts";
import type { DomainEntry, ReleaseEntry, SiteRecord } from "../site/model.ts";
import { releaseNumberOf } from "../site/names.ts";
import { commitChange, refuseUnfitConfigs } from "./commit.ts";
import type { CommitReport } from "./commit.ts";
import type { CurrentContent } from "./current-content.ts";
import { LONGEST_RELEASE, planDelta } from "./delta-plan.ts";
import type { PlacedRelease, StoragePlan } from "./delta-plan.ts";
import { primaryEntry } from "./domains.ts";
import { sha256Hex } from "./publish-deps.ts";
import type { PublishDeps, SiteRef } from "./publish-deps.ts";
import { changedMeanwhile } from "./record-store.ts";
import type { HeldRecord } from "./record-store.ts";
import { claimRelease, lastStored } from "./release-claim.ts";
import type { Manifest } from "./release-object.ts";
import type { PlannedObject, ReleasePlan } from "./release-plan.ts";
import { writeObjects } from "./release-upload.ts";
import type { ObjectWrite } from "./release-upload.ts";
import { reuseStored } from "./stored-content.ts";

/** Releases that the record remembers; older ones cannot be rolled back to. */
const REMEMBERED_RELEASES = 100;

/** Bytes of a config that a delta list leaves free, so that a password or a policy still fits when it is chosen later. */
const HEADROOM = 256;

/** Where a new release is shown. */
export interface Showing {
  /** The record with the release shown; the same again when applied to its own result. */
  readonly show: (record: SiteRecord, entry: ReleaseEntry) => SiteRecord;
  /** The release that is shown in that place. */
  readonly shownBy: (record: SiteRecord) => string | null;
}

/** On all the site's domains. */
export const ON_SITE: Showing = {
  show: (record, entry) => ({
    ...withRelease(record, entry),
    current: entry.id,
    previous: record.current === entry.id ? record.previous : record.current,
  }),
  shownBy: ({ current }) => current,
};

export interface NewRelease {
  readonly plan: ReleasePlan;
  /** What the release is planned against. */
  readonly content: CurrentContent;
  /** The record that the plan was made from; `undefined` for a new site. */
  readonly base: HeldRecord | undefined;
  readonly reason: string;
  /** Surrogate keys to purge besides the site's configs. */
  readonly keys?: readonly string[];
  /** What else the commit changes; comes out the same when applied to its own result. */
  readonly also?: (record: SiteRecord) => SiteRecord;
  readonly showing?: Showing;
  /** Make a full release, whatever could stay where it is. */
  readonly full?: boolean;
  /** `false`: end when the release is live. */
  readonly wait?: boolean;
}

/** What a release wrote. */
export interface WrittenCounts {
  readonly kind: StoragePlan["kind"] | "in-place";
  /** Why it is a full one. */
  readonly reason: StoragePlan["reason"];
  readonly uploaded: number;
  /** Bytes of what was uploaded. */
  readonly uploadedBytes: number;
  readonly copied: number;
}

export interface ReleaseReport extends CommitReport {
  readonly release: string;
}

export interface NewReleaseReport extends ReleaseReport {
  readonly written: WrittenCounts;
}

/**
 * Makes a release and shows it: claims an id, writes below its prefix what does not lie in the store already, then
 * commits. Until the commit nothing that a visitor sees has changed; a release is only shown over the one its plan was
 * made from.
 */
export async function makeRelease(
  deps: PublishDeps,
  ref: SiteRef,
  input: NewRelease,
): Promise<NewReleaseReport> {
  const { plan, base, content, showing = ON_SITE } = input;
  const storage = await planStorage(deps, ref, input);
  const release = await claimRelease(deps, ref, {
    after: await lastUsed(deps, ref, { base, content }),
    manifestOf: (id) => manifestOf(plan, storage.placed(id)),
  });
  await writeObjects(deps, ref, {
    writes: writesOf(storage, release),
    planned: new Map(plan.objects.map((object) => [object.key, object])),
    step: "uploading",
  });
  const entry = entryOf(deps, { plan, placed: storage.placed(release) });
  const report = await commitChange(deps, ref, {
    reason: input.reason,
    ...(input.keys === undefined ? {} : { keys: input.keys }),
    ...(input.wait === undefined ? {} : { wait: input.wait }),
    known: base ?? null,
    create: () => newSite(deps, ref),
    apply(record) {
      if (showing.shownBy(record) !== release) refuseOtherBase(ref, { record, base: base?.record, showing });
      const counter = Math.max(record.counter, releaseNumberOf(release));
      const shown = showing.show({ ...record, counter }, entry);
      return input.also?.(shown) ?? shown;
    },
  });
  const shown = showing.shownBy(report.record);
  if (shown !== release) {
    throw changedMeanwhile(ref, `release ${release} was replaced by ${shown} at once`);
  }
  return { ...report, release, written: countsOf(storage) };
}

/** What a new release would write. */
export async function planStorage(
  deps: PublishDeps,
  ref: SiteRef,
  input: NewRelease,
): Promise<StoragePlan<PlannedObject>> {
  const { plan, content } = input;
  const storage = planDelta({
    current: content.kind === "known" ? content.manifest : undefined,
    next: plan.objects,
    now: deps.clock.now(),
    graceMs: deps.environment.publishing.graceHours * 3_600_000,
    fits: (delta) => fitsEverywhere(deps, ref, { ...input, delta }),
    ...(input.full === undefined ? {} : { full: input.full }),
  });
  return content.kind === "listed" ? reuseStored(deps, storage, content.stored) : storage;
}

/**
 * Refuses, before anything is written, a release whose domains' configs would not fit whatever lies where.
 * @throws SitefleetError `site/config-too-large` naming the rule by its line
 */
export function refuseUnfit(
  deps: PublishDeps,
  ref: SiteRef,
  input: Pick<NewRelease, "plan" | "base" | "also" | "showing">,
): void {
  refuseUnfitConfigs(trialRecord(deps, ref, { ...input, delta: undefined }), input.plan.slotNames);
}

/** Whether a delta list leaves room in the config of every domain, and in that of one that is added later. */
function fitsEverywhere(
  deps: PublishDeps,
  ref: SiteRef,
  input: Pick<NewRelease, "plan" | "base" | "also" | "showing" | "content"> & { readonly delta: string },
): boolean {
  const record = trialRecord(deps, ref, input);
  const tightest: DomainEntry = { ...primaryEntry(), forceTls: true, hsts: HSTS_LIMIT, euOnly: true };
  return [tightest, ...Object.values(record.domains)].every((entry) => {
    if (entry.removing) return true;
    const encoded = encodeConfig(deriveConfig(record, entry, sha256Hex));
    return encoded.kind === "ok" && (input.delta === "" || encoded.bytes <= METADATA_BUDGET - HEADROOM);
  });
}

/** The record as it would be with the release shown, under the longest id; `delta: undefined` = a full one. */
function trialRecord(
  deps: PublishDeps,
  ref: SiteRef,
  input: Pick<NewRelease, "plan" | "base" | "also" | "showing"> & { readonly delta: string | undefined },
): SiteRecord {
  const { plan, delta, showing = ON_SITE } = input;
  const placed = { release: LONGEST_RELEASE, base: LONGEST_RELEASE, delta: delta ?? "" };
  // A base release of its own makes the config name both ids: the longest that it can get.
  const base = delta === undefined ? LONGEST_RELEASE : "zzzy";
  const entry = entryOf(deps, { plan, placed: { ...placed, base } });
  const record = showing.show(input.base?.record ?? newSite(deps, ref), entry);
  return input.also?.(record) ?? record;
}

function newSite(deps: PublishDeps, ref: SiteRef): SiteRecord {
  return newSiteRecord({ ...ref, counter: 0, precedence: deps.environment.publishing.precedence });
}

async function lastUsed(
  deps: PublishDeps,
  ref: SiteRef,
  known: Pick<NewRelease, "base" | "content">,
): Promise<number> {
  const counter = known.base?.record.counter ?? 0;
  // Where the record or a manifest got lost, claims may be lost too; what was written below their prefixes is not.
  const isSure = known.base !== undefined && known.content.kind !== "listed";
  return isSure ? counter : Math.max(counter, await lastStored(deps, ref));
}

function manifestOf(plan: ReleasePlan, placed: PlacedRelease): Manifest {
  const { release, base, objects, ghosts } = placed;
  return { release, base, objects, ghosts, files: plan.files, control: plan.control };
}

function writesOf(storage: StoragePlan<PlannedObject>, to: string): readonly ObjectWrite[] {
  return [
    ...storage.copy.map((copy) => ({ kind: "copy" as const, to, copy })),
    ...storage.upload.map((object) => ({ kind: "upload" as const, to, object })),
  ];
}

function countsOf({ kind, reason, upload, copy }: StoragePlan<PlannedObject>): WrittenCounts {
  const uploadedBytes = upload.reduce((sum, { size }) => sum + size, 0);
  return { kind, reason, uploaded: upload.length, uploadedBytes, copied: copy.length };
}

/** What the record says of a release. */
export function entryOf(
  deps: PublishDeps,
  made: {
    readonly plan: ReleasePlan;
    readonly placed: Pick<PlacedRelease, "release" | "base" | "delta">;
  },
): ReleaseEntry {
  const { plan, placed } = made;
  return {
    id: placed.release,
    createdAt: new Date(deps.clock.now()).toISOString(),
    ...plan.counts,
    digest: plan.digest,
    base: placed.base,
    delta: placed.delta,
    notFoundPages: [...plan.notFoundPages],
    trailingSlash: plan.trailingSlash,
    buckets: null,
    slots: plan.slots,
  };
}

/**
 * Refuses to change a site that is not as it was when the change was planned.
 * @throws SitefleetError `site/changed-meanwhile`
 */
export function refuseOtherBase(
  ref: SiteRef,
  seen: {
    readonly record: SiteRecord;
    readonly base: SiteRecord | undefined;
    readonly showing?: Showing;
  },
): void {
  const { record, base, showing = ON_SITE } = seen;
  const shown = showing.shownBy(record);
  if (shown !== (base ? showing.shownBy(base) : null)) {
    throw changedMeanwhile(ref, `release ${shown} was published while this one was being uploaded`);
  }
  if (base && record.rules.join("\n") !== base.rules.join("\n")) {
    throw changedMeanwhile(ref, "its redirect rules are not those that this release was made with");
  }
  if (base && currentDigest(record) !== currentDigest(base)) {
    throw changedMeanwhile(ref, `release ${shown} was overwritten in place meanwhile`);
  }
}

function currentDigest(record: SiteRecord): string {
  const entry = record.releases.find(({ id }) => id === record.current);
  return `${entry?.digest} ${entry?.dirty ?? false}`;
}

/** The record with a release added; the oldest that nothing names are forgotten. */
export function withRelease(record: SiteRecord, entry: ReleaseEntry): SiteRecord {
  const releases = [...record.releases.filter(({ id }) => id !== entry.id), entry];
  const named = new Set([record.current, record.previous, entry.id]);
  for (const domain of Object.values(record.domains))
    if (domain.kind === "preview") named.add(domain.release);
  return {
    ...record,
    releases: releases.filter(
      ({ id }, index) => named.has(id) || index >= releases.length - REMEMBERED_RELEASES,
    ),
  };
}
