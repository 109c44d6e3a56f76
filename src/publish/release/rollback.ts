import { SitefleetError } from "../../lib/errors.ts";
import type { ReleaseEntry, SiteRecord } from "../../site/model.ts";
import { commitChange } from "../commit.ts";
import { refuseOpenRelease, sameAreas } from "../protected-aliases.ts";
import { withFollowUp } from "../live/follow-up.ts";
import type { PublishDeps, SiteRef } from "../publish-deps.ts";
import type { EdgeWishes, Published } from "../published.ts";
import { changedMeanwhile, readSite, releaseNotFound } from "../record-store.ts";
import type { HeldRecord } from "../record-store.ts";
import { readMovedObjects } from "./moved-objects.ts";
import type { ReleaseReport } from "./release.ts";

/** What may be wanted of the edge when a release is shown again. */
export type ShowWishes = Pick<EdgeWishes, "wait" | "verify" | "warm">;

export interface RollBackRequest extends ShowWishes {
  /** Release id; absent = the one shown before the current one. */
  readonly to?: string | undefined;
}

/** A release that is shown again. */
export interface ShownAgain extends ReleaseReport, Published {
  readonly release: string;
}

/**
 * Shows an earlier release again: one write of the record, one per domain that shows the site, one purge.
 * @param request a release id alone stands for `{ to }`
 * @throws SitefleetError `release/not-found`, `release/incomplete`, `site/invalid-setting` when its rules would show
 * protected pages, `publish/not-verified`
 */
export async function rollBack(
  deps: PublishDeps,
  ref: SiteRef,
  request: string | RollBackRequest = {},
): Promise<ShownAgain> {
  const { to, ...wishes } = typeof request === "string" ? { to: request } : request;
  return withFollowUp(deps, { site: ref.site, siteEnv: ref.siteEnv, ...wishes }, async (watched) => {
    const known = await readSite(watched, ref);
    // Decided once: applied to its own result, "the previous one" would lead forward again.
    const release = rollBackTarget(known.record, to);
    return showAgain(watched, ref, { reason: "roll back", known, release, ...wishes });
  });
}

/** Commits that the site shows a release that it has: nothing is copied. */
export async function showAgain(
  deps: PublishDeps,
  ref: SiteRef,
  input: Pick<ShowWishes, "wait"> & {
    readonly reason: string;
    readonly known: HeldRecord;
    readonly release: string;
  },
): Promise<ShownAgain> {
  const { reason, known, release, wait } = input;
  await refuseOpenRelease(deps, ref, { record: known.record, release });
  const report = await commitChange(deps, ref, {
    reason,
    known,
    ...(wait === undefined ? {} : { wait }),
    apply(record) {
      if (!sameAreas(record, known.record)) throw changedMeanwhile(ref, "its passwords were changed");
      const target = rollBackTarget(record, release);
      return record.current === target ? record : showKnownRelease(record, target);
    },
  });
  const { watch } = deps;
  if (watch) {
    watch.changed(await readMovedObjects(deps, ref, { before: known.record.current, now: release }));
  }
  const { previous, site, siteEnv } = report.record;
  return { ...report, ...countsOf(report.record, release), site, siteEnv, release, previous, warnings: [] };
}

function countsOf(
  record: SiteRecord,
  release: string,
): Pick<Published, "files" | "redirects" | "patterns" | "bytes"> {
  const entry = record.releases.find(({ id }) => id === release);
  const { files = 0, redirects = 0, patterns = 0, bytes = 0 } = entry ?? {};
  return { files, redirects, patterns, bytes };
}

/**
 * The release that a roll back leads to.
 * @throws SitefleetError `release/not-found`, `release/incomplete`
 */
export function rollBackTarget(record: SiteRecord, to: string | undefined): string {
  const wanted = to ?? record.previous;
  const found = record.releases.find(({ id }) => id === wanted);
  if (found) return refuseIncomplete(record, found).id;
  throw releaseNotFound(record, wanted);
}

/** @throws SitefleetError `release/incomplete` for a release of which a publish in place has overwritten objects */
function refuseIncomplete(record: SiteRecord, release: ReleaseEntry): ReleaseEntry {
  if (!release.dirty) return release;
  throw new SitefleetError(
    "release/incomplete",
    `objects of release ${release.id} of site "${record.site}" were overwritten in place, so it cannot be shown whole`,
    { hint: "publish the site's folder again, or show another release" },
  );
}

/** The record with a release shown that it knows. */
export function showKnownRelease(record: SiteRecord, release: string): SiteRecord {
  return { ...record, current: release, previous: record.current };
}
