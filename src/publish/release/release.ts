import { releaseNumberOf } from "../../site/names.ts";
import type { SiteRecord } from "../../site/model.ts";
import { commitChange } from "../commit.ts";
import type { CommitReport } from "../commit.ts";
import type { CurrentContent } from "./current-content.ts";
import { planDelta } from "./delta-plan.ts";
import type { PlacedRelease, StoragePlan } from "./delta-plan.ts";
import { sameAreas } from "../protected-aliases.ts";
import type { PublishDeps, SiteRef } from "../publish-deps.ts";
import { changedMeanwhile } from "../record-store.ts";
import { claimRelease, lastStored } from "./release-claim.ts";
import { fitsEverywhere } from "./release-fit.ts";
import type { FitInput } from "./release-fit.ts";
import type { Manifest, WrittenBuckets } from "./release-object.ts";
import type { PlannedObject, ReleasePlan } from "./release-plan.ts";
import { ON_SITE, entryOf, newSite } from "./release-record.ts";
import type { Showing } from "./release-record.ts";
import { writeObjects } from "./release-upload.ts";
import type { ObjectWrite } from "./release-upload.ts";
import { placeBuckets, writeBuckets } from "./rule-buckets-store.ts";
import { findRemovedAssets, reuseStored } from "./stored-content.ts";

export interface NewRelease extends FitInput {
  /** What the release is planned against. */
  readonly content: CurrentContent;
  readonly reason: string;
  /** Surrogate keys to purge besides the site's configs. */
  readonly keys?: readonly string[];
  /** Make a full release, whatever could stay where it is. */
  readonly full?: boolean;
  /** `false`: nothing that is removed stays readable. */
  readonly grace?: boolean;
  /** `false`: end when the release is live. */
  readonly wait?: boolean;
  /** Is asked when all is written and before the commit; throws when the release must not be shown. */
  readonly confirm?: () => Promise<void>;
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
  const bucketsIn = (id: string): WrittenBuckets | undefined => placeBuckets(plan, content, id);
  const after = await lastUsed(deps, ref, { base, content });
  const { release, placed } = await claimPlace(deps, ref, { after, plan, storage, bucketsIn });
  const buckets = bucketsIn(release);
  await writeObjects(deps, ref, {
    writes: writesOf(storage, release),
    count: storage.copy.length + storage.upload.length,
    planned: plan.objects,
    step: "uploading",
  });
  if (buckets?.tag === release) await writeBuckets(deps, ref, { plan, tag: release });
  deps.watch?.reached("uploaded");
  deps.watch?.changed([...storage.upload, ...storage.copy.map(({ object }) => object)]);
  const entry = entryOf(deps, { plan, placed, tag: buckets?.tag });
  await input.confirm?.();
  const report = await commitChange(deps, ref, {
    reason: input.reason,
    ...(input.keys === undefined ? {} : { keys: input.keys }),
    ...(input.wait === undefined ? {} : { wait: input.wait }),
    known: base ?? null,
    create: () => newSite(deps, ref),
    apply(record) {
      if (showing.shownBy(record) !== release) refuseOtherBase(ref, { record, base: base?.record, showing });
      const counter = Math.max(record.counter, releaseNumberOf(release));
      const shown = showing.show({ ...record, counter }, entry, deps.environment);
      return input.also?.(shown) ?? shown;
    },
  });
  const shown = showing.shownBy(report.record);
  if (shown !== release) {
    throw changedMeanwhile(ref, `release ${release} was replaced by ${shown} at once`);
  }
  return { ...report, release, written: countsOf(storage) };
}

/** Claims an id by the manifest of what the release will hold, of which only what the record says is kept. */
async function claimPlace(
  deps: PublishDeps,
  ref: SiteRef,
  claim: {
    readonly after: number;
    readonly plan: ReleasePlan;
    readonly storage: StoragePlan<PlannedObject>;
    readonly bucketsIn: (id: string) => WrittenBuckets | undefined;
  },
): Promise<{ readonly release: string; readonly placed: Pick<PlacedRelease, "release" | "base" | "delta"> }> {
  const { after, plan, storage, bucketsIn } = claim;
  const tried = new Map<string, Pick<PlacedRelease, "release" | "base" | "delta">>();
  const release = await claimRelease(deps, ref, {
    after,
    manifestOf(id) {
      const placed = storage.placed(id);
      tried.set(id, { release: placed.release, base: placed.base, delta: placed.delta });
      return manifestOf(plan, { placed, buckets: bucketsIn(id) });
    },
  });
  return { release, placed: tried.get(release) ?? storage.placed(release) };
}

/** What a new release would write. */
export async function planStorage(
  deps: PublishDeps,
  ref: SiteRef,
  input: NewRelease,
): Promise<StoragePlan<PlannedObject>> {
  const { plan, content } = input;
  const graceMs = graceMsOf(deps, input);
  const storage = planDelta({
    current: content.kind === "known" ? content.manifest : undefined,
    removed:
      content.kind === "listed" && graceMs > 0
        ? await findRemovedAssets(deps, ref, { stored: content.stored, next: plan.objects })
        : [],
    next: plan.objects,
    now: deps.clock.now(),
    graceMs,
    fits: (delta) => fitsEverywhere(deps, ref, { ...input, delta }),
    ...(input.full === undefined ? {} : { full: input.full }),
  });
  return content.kind === "listed" ? reuseStored(deps, storage, content.stored) : storage;
}

/** How long removed assets stay readable, in milliseconds. */
export function graceMsOf({ environment }: PublishDeps, { grace }: Pick<NewRelease, "grace">): number {
  return grace === false ? 0 : environment.publishing.graceHours * 3_600_000;
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

/** The manifest of a planned release. */
export function manifestOf(
  plan: ReleasePlan,
  made: { readonly placed: PlacedRelease; readonly buckets: WrittenBuckets | undefined },
): Manifest {
  const { release, base, objects, ghosts } = made.placed;
  const { files, control } = plan;
  return { release, base, objects, ghosts, files, control, ...(made.buckets && { buckets: made.buckets }) };
}

function* writesOf(storage: StoragePlan<PlannedObject>, to: string): Generator<ObjectWrite> {
  for (const copy of storage.copy) yield { kind: "copy", to, copy };
  for (const object of storage.upload) yield { kind: "upload", to, object };
}

function countsOf({ kind, reason, upload, copy }: StoragePlan<PlannedObject>): WrittenCounts {
  const uploadedBytes = upload.reduce((sum, { size }) => sum + size, 0);
  return { kind, reason, uploaded: upload.length, uploadedBytes, copied: copy.length };
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
  if (base && !sameAreas(record, base)) {
    throw changedMeanwhile(ref, "its passwords are asked for at other paths than when this was planned");
  }
  if (base && contentOf(record, base.current) !== contentOf(base, base.current)) {
    throw changedMeanwhile(ref, `release ${base.current} was overwritten in place meanwhile`);
  }
}

/** What a release holds, to be compared: the release that a preview was planned from may not be the current one by now. */
function contentOf(record: SiteRecord, release: string | null): string {
  const entry = record.releases.find(({ id }) => id === release);
  return `${entry?.digest} ${entry?.dirty ?? false}`;
}
