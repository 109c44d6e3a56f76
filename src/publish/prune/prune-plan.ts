import type { Environment } from "../../settings/environment.ts";
import { REMOVED, unpackDelta } from "../../site/delta-list.ts";
import type { ReleaseEntry, SiteRecord } from "../../site/model.ts";
import { isExpired } from "../previews/previews.ts";
import { shownReleases } from "../release/shown-releases.ts";

/** What may go. A release goes only when both say so. */
export interface PruneRules {
  /** How many of a site's newest releases stay in any case. */
  readonly keep: number;
  /** Releases that were shown in this time stay, in milliseconds; never less than `minimumAge`. */
  readonly olderThan: number;
}

/** What a prune takes out of a site's record. */
export interface PrunePlan {
  /** Releases that cannot be shown again from then on. */
  readonly releases: readonly string[];
  /** Hosts of previews that have expired. */
  readonly previews: readonly string[];
}

const MARGIN_SECONDS = 3_600;

/**
 * How long, in milliseconds, after a release went out of sight some cache may still ask for it in the worst case: one
 * that no purge reached keeps the config for its TTL, and as stale while the store fails. The margin is for clocks that
 * disagree.
 */
export function minimumAge({ ttl }: Environment): number {
  return (ttl.config + ttl.staleIfError + MARGIN_SECONDS) * 1_000;
}

/**
 * Decides what goes from a record. What a host shows, the release before it and the newest ones stay.
 * @param choice.now epoch milliseconds
 * @param choice.minimumAge milliseconds, see `minimumAge`
 */
export function planPrune(
  record: SiteRecord,
  choice: PruneRules & { readonly minimumAge: number; readonly now: number },
): PrunePlan {
  const { now } = choice;
  const age = Math.max(choice.olderThan, choice.minimumAge);
  const shown = shownReleases(record);
  // One that cannot be shown again takes no other's place.
  const whole = record.releases.filter(({ dirty }) => !dirty);
  const newest = new Set(whole.slice(Math.max(0, whole.length - choice.keep)).map(({ id }) => id));
  const goes = (release: ReleaseEntry): boolean =>
    !shown.has(release.id) &&
    release.id !== record.previous &&
    !(choice.keep > 0 && newest.has(release.id)) &&
    now - Date.parse(release.hiddenSince ?? release.createdAt) >= age;
  return {
    releases: record.releases.filter(goes).map(({ id }) => id),
    previews: Object.entries(record.domains).flatMap(([host, entry]) =>
      isExpired(entry, now) && !entry.removing ? [host] : [],
    ),
  };
}

/** Where the objects of a release lie: under its base's prefix and under those that the delta list names. */
export function prefixesOf(state: { readonly base: string; readonly delta: string }): ReadonlySet<string> {
  const tags = unpackDelta(state.delta)?.values() ?? [];
  return new Set([state.base, ...[...tags].filter((tag) => tag !== REMOVED)]);
}
