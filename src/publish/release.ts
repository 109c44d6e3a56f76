import { sitePrefix } from "../site/layout.ts";
import { newSiteRecord } from "../site/model.ts";
import type { ReleaseEntry, SiteRecord } from "../site/model.ts";
import { LAST_RELEASE_NUMBER, isReleaseId, releaseIdOf, releaseNumberOf } from "../site/names.ts";
import { commitChange, refuseDeleting, refuseUnfitConfigs } from "./commit.ts";
import type { CommitReport } from "./commit.ts";
import { writeManifest } from "./manifest.ts";
import { placeOf } from "./publish-deps.ts";
import type { PublishDeps, SiteRef } from "./publish-deps.ts";
import { changedMeanwhile, updateRecord } from "./record-store.ts";
import type { HeldRecord } from "./record-store.ts";
import type { ReleasePlan } from "./release-plan.ts";
import { uploadRelease } from "./release-upload.ts";
import type { FileSource } from "./release-upload.ts";

/** Releases that the record remembers; older ones cannot be rolled back to. */
const REMEMBERED_RELEASES = 100;

export interface NewRelease {
  readonly plan: ReleasePlan;
  readonly source: FileSource;
  readonly folderRules: string | undefined;
  /** The record that the plan was made from; `undefined` for a new site. */
  readonly base: HeldRecord | undefined;
  readonly reason: string;
  /** Surrogate keys to purge besides the site's configs. */
  readonly keys?: readonly string[];
  /** What else the commit changes; comes out the same when applied to its own result. */
  readonly also?: (record: SiteRecord) => SiteRecord;
}

export interface ReleaseReport extends CommitReport {
  readonly release: string;
}

/**
 * Makes a release and shows it: reserves an id, uploads below its prefix, then commits. Until the commit nothing that a
 * visitor sees has changed; a release is only shown over the one its plan was made from.
 */
export async function makeRelease(
  deps: PublishDeps,
  ref: SiteRef,
  input: NewRelease,
): Promise<ReleaseReport> {
  const { plan, base } = input;
  const { held, release } = await reserveRelease(deps, ref, base);
  await uploadRelease(deps, ref, { release, plan, source: input.source });
  const { files, redirects } = plan;
  await writeManifest(deps, ref, { release, folderRules: input.folderRules, files, redirects });
  const entry = entryOf(deps, release, plan);
  const report = await commitChange(deps, ref, {
    reason: input.reason,
    ...(input.keys === undefined ? {} : { keys: input.keys }),
    known: held,
    apply(record) {
      if (record.current !== release) refuseOtherBase(ref, record, base?.record);
      const shown = record.current === release ? record : showRelease(record, entry);
      return input.also?.(shown) ?? shown;
    },
  });
  if (report.record.current !== release) {
    throw changedMeanwhile(ref, `release ${release} was replaced by ${report.record.current} at once`);
  }
  return { ...report, release };
}

/**
 * Refuses, before anything is written, a release whose domains' configs would not fit.
 * @throws SitefleetError `site/config-too-large` naming the rule by its line
 */
export function refuseUnfit(
  deps: PublishDeps,
  ref: SiteRef,
  input: Pick<NewRelease, "plan" | "base" | "also">,
): void {
  const record = input.base?.record ?? newSiteRecord({ ...ref, counter: 0 });
  const trial = showRelease(record, entryOf(deps, releaseIdOf(LAST_RELEASE_NUMBER), input.plan));
  refuseUnfitConfigs(input.also?.(trial) ?? trial, input.plan.slotNames);
}

async function reserveRelease(
  deps: PublishDeps,
  ref: SiteRef,
  base: HeldRecord | undefined,
): Promise<{ readonly held: HeldRecord; readonly release: string }> {
  const counter = base ? 0 : await lastStoredRelease(deps, ref);
  const held = await updateRecord(
    deps,
    ref,
    (record) => {
      refuseDeleting(record);
      releaseIdOf(record.counter + 1);
      return { ...record, counter: record.counter + 1 };
    },
    {
      create: () => newSiteRecord({ ...ref, counter }),
      ...(base === undefined ? {} : { known: base }),
    },
  );
  return { held, release: releaseIdOf(held.record.counter) };
}

/** A site without a record may have had one: ids whose prefixes hold objects are never handed out again. */
async function lastStoredRelease(deps: PublishDeps, ref: SiteRef): Promise<number> {
  const prefix = sitePrefix(placeOf(deps, ref));
  let last = 0;
  for await (const entry of deps.store.hosting.list({ prefix, delimiter: "/", signal: deps.signal })) {
    const id = entry.key.slice(prefix.length).replace(/\/$/, "");
    if (entry.kind === "prefix" && isReleaseId(id)) last = Math.max(last, releaseNumberOf(id));
  }
  return last;
}

function entryOf(deps: PublishDeps, id: string, plan: ReleasePlan): ReleaseEntry {
  return {
    id,
    createdAt: new Date(deps.clock.now()).toISOString(),
    files: plan.files.filter(({ hidden }) => !hidden).length,
    redirects: plan.redirects.length,
    bytes: plan.bytes,
    digest: plan.digest,
    base: id,
    delta: "",
    notFoundPages: plan.notFoundPage ? [""] : [],
    trailingSlash: "auto",
    buckets: null,
    slots: plan.slots,
  };
}

function refuseOtherBase(ref: SiteRef, record: SiteRecord, base: SiteRecord | undefined): void {
  if (record.current !== (base?.current ?? null)) {
    throw changedMeanwhile(ref, `release ${record.current} was published while this one was being uploaded`);
  }
  if (base && record.rules.join("\n") !== base.rules.join("\n")) {
    throw changedMeanwhile(ref, "its redirect rules are not those that this release was made with");
  }
}

function showRelease(record: SiteRecord, entry: ReleaseEntry): SiteRecord {
  const releases = [...record.releases, entry];
  return {
    ...record,
    current: entry.id,
    previous: record.current,
    releases: releases.filter(
      ({ id }, index) => id === record.current || index >= releases.length - REMEMBERED_RELEASES,
    ),
  };
}
