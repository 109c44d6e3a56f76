import type { ReleaseEntry, SiteRecord } from "../../site/model.ts";

/** The releases that a host shows by the record: the current one, and one per preview. */
export function shownReleases(record: SiteRecord): ReadonlySet<string> {
  const previews = Object.values(record.domains).flatMap((entry) =>
    entry.kind === "preview" && !entry.removing ? [entry.release] : [],
  );
  return new Set(record.current === null ? previews : [record.current, ...previews]);
}

/**
 * The record with the time noted at which releases went out of sight. Caches may hold configs that still lead to them
 * for a while: that is what pruning waits for.
 */
export function noteHidden(before: SiteRecord, after: SiteRecord, now: number): SiteRecord {
  const was = shownReleases(before);
  const is = shownReleases(after);
  const releases = after.releases.map((release): ReleaseEntry => {
    const { hiddenSince, ...rest } = release;
    if (is.has(release.id)) return hiddenSince === undefined ? release : rest;
    return was.has(release.id) ? { ...rest, hiddenSince: new Date(now).toISOString() } : release;
  });
  return { ...after, releases };
}
