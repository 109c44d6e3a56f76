import { SitefleetError } from "../../lib/errors.ts";
import { forEachLimit } from "../../lib/for-each-limit.ts";
import { REMOVED, unpackDelta } from "../../site/delta-list.ts";
import { releasePrefix } from "../../site/layout.ts";
import type { ReleaseEntry, SiteRecord } from "../../site/model.ts";
import { encodePath, pageHash } from "../../site/page-key.ts";
import { pageSurrogateKey, siteKey } from "../../site/surrogate-keys.ts";
import { KEYS_PER_CALL } from "../../purge/purge-plan.ts";
import { commitChange, commitRecord } from "../commit.ts";
import { planInPlace } from "./in-place-plan.ts";
import type { InPlacePlan } from "./in-place-plan.ts";
import { writeManifest } from "./manifest.ts";
import { placeOf, sha256Hex } from "../publish-deps.ts";
import type { PublishDeps, SiteRef } from "../publish-deps.ts";
import { changedMeanwhile } from "../record-store.ts";
import type { HeldRecord } from "../record-store.ts";
import { graceMsOf, makeRelease, manifestOf, refuseOtherBase } from "./release.ts";
import type { NewRelease, NewReleaseReport } from "./release.ts";
import type { Manifest, WrittenBuckets } from "./release-object.ts";
import { fitsEverywhere } from "./release-fit.ts";
import { entryOf } from "./release-record.ts";
import { PARALLEL_WRITES, writeObjects } from "./release-upload.ts";
import type { ObjectWrite } from "./release-upload.ts";
import { placeBuckets } from "./rule-buckets-store.ts";

export interface InPlaceRelease extends NewRelease {
  readonly base: HeldRecord;
  /** The release that is overwritten. */
  readonly shown: ReleaseEntry;
  readonly manifest: Manifest;
}

/**
 * Overwrites the release that a site shows. The record says first that its objects are changing and what has to be purged
 * for it; then come assets, pages, removals and the manifest; last the record says that all is in place, and what changed
 * is purged hard. Visitors may see a mix meanwhile, in this order. A run that dies leaves the release marked, and the next
 * one makes a new release of what it finds.
 */
export async function publishInPlace(
  deps: PublishDeps,
  ref: SiteRef,
  input: InPlaceRelease,
): Promise<NewReleaseReport> {
  const { manifest, shown, plan } = input;
  const buckets = placeBuckets(plan, input.content, "");
  const changes = planInPlace({
    current: { ...manifest, delta: shown.delta },
    next: plan.objects,
    now: deps.clock.now(),
    graceMs: graceMsOf(deps, input),
  });
  const obstacle =
    obstacleTo(changes, { buckets, record: input.base.record }) ??
    (changes && outgrows(deps, ref, { changes, input }) ? "its delta list no longer fits" : undefined);
  if (!changes || obstacle !== undefined) {
    deps.onProgress({ step: `${obstacle}, so this becomes a release of its own` });
    return makeRelease(deps, ref, input);
  }
  const keys = [...(input.keys ?? []), ...purgeKeys(ref, changes.changed)];
  const { record } = await beginOverwriting(deps, ref, { ...input, changes, keys });
  await applyInPlace(deps, ref, { changes, input });
  await writeManifest(deps, ref, { manifest: manifestOf(plan, { placed: changes.placed, buckets }) });
  deps.watch?.reached("uploaded");
  deps.watch?.changed(
    [...changes.assets, ...changes.pages].map((write) =>
      write.kind === "upload" ? write.object : write.copy.object,
    ),
  );
  const entry = entryOf(deps, { plan, placed: changes.placed, tag: buckets?.tag });
  const report = await commitChange(deps, ref, {
    reason: `${input.reason} in place`,
    keys,
    takesOver: record.owed.at(-1)?.id,
    ...(input.wait === undefined ? {} : { wait: input.wait }),
    apply(current) {
      const releases = current.releases.map((release) => (release.id === shown.id ? entry : release));
      const next = { ...refuseTakenOver(ref, current, { shown, entry }), releases };
      return input.also?.(next) ?? next;
    },
  });
  return { ...report, release: shown.id, written: countsOf(changes) };
}

/** Whether configs have no room for what the delta list becomes: other keys may need more digits to be told apart. */
function outgrows(
  deps: PublishDeps,
  ref: SiteRef,
  { changes, input }: { readonly changes: InPlacePlan; readonly input: InPlaceRelease },
): boolean {
  const { delta } = changes.placed;
  return delta.length > input.shown.delta.length && !fitsEverywhere(deps, ref, { ...input, delta });
}

/** Why a release cannot be overwritten. */
function obstacleTo(
  changes: InPlacePlan | undefined,
  state: { readonly buckets: WrittenBuckets | undefined; readonly record: SiteRecord },
): string | undefined {
  if (!changes) return "keys collide";
  // Buckets are never overwritten: configs in caches would lead to rules of another time.
  if (state.buckets?.tag === "") return "its rule buckets change";
  return isPrunable(state.record, changes) ? "files come back that may be being pruned" : undefined;
}

/**
 * Whether what is written may be deleted by a prune that runs at this moment. It deletes by name what it found to be
 * nobody's, and looks at the record before each call, not during it. It leaves alone what lies below the prefix of a
 * release that the record remembers, and what is younger than its listing; so only old objects elsewhere are in danger.
 */
function isPrunable({ releases }: SiteRecord, { revived }: InPlacePlan): boolean {
  return [...revived].some((prefix) => !releases.some(({ id }) => id === prefix));
}

/** Surrogate keys of pages; of a site when they are too many for one call. */
function purgeKeys(ref: SiteRef, changed: readonly string[]): readonly string[] {
  if (changed.length > KEYS_PER_CALL) return [siteKey(ref.site)];
  return changed.map((key) =>
    pageSurrogateKey(pageHash({ site: ref.site, encodedKey: encodePath(key) }, sha256Hex)),
  );
}

/**
 * Marks the release, and the earlier ones that read what is about to be overwritten: they are no longer what they were, so
 * they are not shown again. The record keeps them as long as a cache may lead to them: until then pruning deletes nothing
 * that they read.
 */
async function beginOverwriting(
  deps: PublishDeps,
  ref: SiteRef,
  input: InPlaceRelease & { readonly changes: InPlacePlan; readonly keys: readonly string[] },
): Promise<HeldRecord> {
  const { shown, base, changes, keys } = input;
  deps.onProgress({ step: `overwriting release ${shown.id}` });
  const written = writtenPrefixes(changes);
  const now = new Date(deps.clock.now()).toISOString();
  return commitRecord(deps, ref, {
    reason: `${input.reason} in place`,
    keys,
    known: base,
    apply(record) {
      refuseOtherBase(ref, { record, base: base.record });
      if (isPrunable(record, changes)) throw changedMeanwhile(ref, "earlier releases of it were pruned");
      const readers = record.releases.filter(readsFrom(written));
      refusePreviewed(record, readers);
      const lost = new Set(readers.flatMap(({ id }) => (id === shown.id ? [] : [id])));
      const marked = (release: ReleaseEntry): ReleaseEntry => {
        if (release.id === shown.id) return { ...release, dirty: true };
        return lost.has(release.id)
          ? { ...release, dirty: true, hiddenSince: release.hiddenSince ?? now }
          : release;
      };
      return {
        ...record,
        previous: record.previous !== null && lost.has(record.previous) ? null : record.previous,
        releases: record.releases.map(marked),
      };
    },
  });
}

function writtenPrefixes(changes: InPlacePlan): ReadonlySet<string> {
  const writes = [...changes.assets, ...changes.pages].map(({ to }) => to);
  return new Set([...writes, ...changes.removals.map(({ at }) => at)]);
}

function readsFrom(prefixes: ReadonlySet<string>): (release: ReleaseEntry) => boolean {
  return ({ base, delta }) => {
    const tags = [...(unpackDelta(delta)?.values() ?? [])].filter((tag) => tag !== REMOVED);
    return [base, ...tags].some((prefix) => prefixes.has(prefix));
  };
}

function refusePreviewed(record: SiteRecord, readers: readonly ReleaseEntry[]): void {
  for (const [domain, entry] of Object.entries(record.domains)) {
    if (entry.kind !== "preview" || entry.removing) continue;
    if (!readers.some(({ id }) => id === entry.release)) continue;
    throw new SitefleetError(
      "publish/shared-files",
      `"${domain}" shows files that would be overwritten in place`,
      { hint: "publish without --in-place, or take the preview down first" },
    );
  }
}

async function applyInPlace(
  deps: PublishDeps,
  ref: SiteRef,
  { changes, input }: { readonly changes: InPlacePlan; readonly input: InPlaceRelease },
): Promise<void> {
  const { assets, pages } = changes;
  const { objects: planned } = input.plan;
  const { signal } = deps;
  const steps = [
    { writes: assets, count: assets.length, step: "overwriting assets" },
    { writes: pages, count: pages.length, step: "overwriting pages" },
  ];
  for (const step of steps) await writeObjects(deps, ref, { ...step, planned });
  await forEachLimit(changes.removals, { limit: PARALLEL_WRITES, signal }, async ({ key, at }) => {
    await deps.store.hosting.delete({ key: releasePrefix(placeOf(deps, ref), at) + key, signal });
  });
}

/** Someone else has shown another release, or has begun to overwrite this one, since we marked it. */
function refuseTakenOver(
  ref: SiteRef,
  record: SiteRecord,
  { shown, entry }: { readonly shown: ReleaseEntry; readonly entry: ReleaseEntry },
): SiteRecord {
  const now = record.releases.find(({ id }) => id === shown.id);
  const isOurs = now?.dirty === true && now.digest === shown.digest;
  if (record.current === shown.id && (isOurs || now?.digest === entry.digest)) return record;
  throw changedMeanwhile(
    ref,
    `release ${record.current} was published while ${shown.id} was being overwritten`,
  );
}

function countsOf(changes: InPlacePlan): NewReleaseReport["written"] {
  const writes = [...changes.assets, ...changes.pages];
  const uploads = writes.flatMap((write: ObjectWrite) => (write.kind === "upload" ? [write.object] : []));
  return {
    kind: "in-place",
    reason: undefined,
    uploaded: uploads.length,
    uploadedBytes: uploads.reduce((sum, { size }) => sum + size, 0),
    copied: writes.length - uploads.length,
  };
}
