import type { Environment } from "../../settings/environment.ts";
import { newSiteRecord } from "../../site/model.ts";
import type { ReleaseEntry, SiteRecord } from "../../site/model.ts";
import type { PlacedRelease } from "./delta-plan.ts";
import { minimumAge } from "../prune/prune-plan.ts";
import type { PublishDeps, SiteRef } from "../publish-deps.ts";
import type { ReleasePlan } from "./release-plan.ts";

/** Releases that the record remembers in any case; older ones only as long as a cache may lead to them. */
const REMEMBERED_RELEASES = 100;

/** Where a new release is shown. */
export interface Showing {
  /** The record with the release shown; the same again when applied to its own result. */
  readonly show: (record: SiteRecord, entry: ReleaseEntry, environment: Environment) => SiteRecord;
  /** The release that is shown in that place. */
  readonly shownBy: (record: SiteRecord) => string | null;
}

/** On all the site's domains. */
export const ON_SITE: Showing = {
  show: (record, entry, environment) => ({
    ...withRelease(record, entry, environment),
    current: entry.id,
    previous: record.current === entry.id ? record.previous : record.current,
  }),
  shownBy: ({ current }) => current,
};

/** What the record says of a release. */
export function entryOf(
  deps: PublishDeps,
  made: {
    readonly plan: ReleasePlan;
    readonly placed: Pick<PlacedRelease, "release" | "base" | "delta">;
    /** Of its rule buckets, if it has some. */
    readonly tag: string | undefined;
  },
): ReleaseEntry {
  const { plan, placed, tag } = made;
  return {
    id: placed.release,
    createdAt: new Date(deps.clock.now()).toISOString(),
    ...plan.counts,
    digest: plan.digest,
    base: placed.base,
    delta: placed.delta,
    notFoundPages: [...plan.notFoundPages],
    trailingSlash: plan.trailingSlash,
    buckets: tag === undefined ? null : { tag, segments: [...plan.buckets.keys()] },
    slots: plan.slots,
  };
}

/**
 * The record with a release added; the oldest that nothing names are forgotten. One that went out of sight lately stays
 * however many there are: pruning takes what no record names for something that no cache leads to any more.
 */
export function withRelease(record: SiteRecord, entry: ReleaseEntry, environment: Environment): SiteRecord {
  const before = Date.parse(entry.createdAt) - minimumAge(environment);
  const releases = [...record.releases.filter(({ id }) => id !== entry.id), entry];
  const named = new Set([record.current, record.previous, entry.id]);
  for (const domain of Object.values(record.domains))
    if (domain.kind === "preview") named.add(domain.release);
  return {
    ...record,
    releases: releases.filter(
      ({ id, hiddenSince, createdAt }, index) =>
        named.has(id) ||
        index >= releases.length - REMEMBERED_RELEASES ||
        Date.parse(hiddenSince ?? createdAt) > before,
    ),
  };
}

/** The record of a site that has none yet. */
export function newSite(deps: PublishDeps, ref: SiteRef): SiteRecord {
  return newSiteRecord({ ...ref, counter: 0, precedence: deps.environment.publishing.precedence });
}
