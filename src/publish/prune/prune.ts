import { SitefleetError } from "../../lib/errors.ts";
import { privatePrefix, releasePrefix, sitePrefix } from "../../site/layout.ts";
import type { SiteRecord } from "../../site/model.ts";
import { newSiteRecord } from "../../site/model.ts";
import { isReleaseId, releaseNumberOf } from "../../site/names.ts";
import { domainKey } from "../../site/surrogate-keys.ts";
import { commitChange, isUnsettled, settleSite } from "../commit.ts";
import type { ConfiguredSites } from "./configured-sites.ts";
import { withoutDomains } from "../previews/previews.ts";
import { readMarks } from "./prune-marks.ts";
import type { Marks } from "./prune-marks.ts";
import { minimumAge, planPrune } from "./prune-plan.ts";
import type { PruneRules } from "./prune-plan.ts";
import { placeOf } from "../publish-deps.ts";
import type { PublishDeps, SiteRef } from "../publish-deps.ts";
import { changedMeanwhile, readRecord, readSite, updateRecord } from "../record-store.ts";
import { isRetained, purgeFiles } from "./site-deletion.ts";
import { deletionTime } from "../store-clock.ts";
import { NOTHING_SWEPT, addSwept, sweep } from "./sweep.ts";
import type { Swept } from "./sweep.ts";
import { tombstonesOf } from "./tombstone.ts";

/** What a prune took away. */
export interface PruneReport extends SiteRef, Swept {
  /** Releases that the site had and cannot show again. */
  readonly releases: readonly string[];
  /** How many it still has. */
  readonly kept: number;
  /** Hosts of previews that had expired. */
  readonly previews: readonly string[];
  /** `deleted`: the site's deletion was old enough to be finished; `retained`: it is not yet. */
  readonly state: "pruned" | "deleted" | "retained";
}

/**
 * Deletes what no host can ask for any more: first the record forgets releases and expired previews, then everything goes
 * that neither the record nor a config as it is in the bucket names. What is younger than the time for which caches may
 * be wrong stays, and with it what a publish that is under way has written. It stops when the site is changed meanwhile.
 * Interrupted at any moment, nothing is lost that is needed, and the next run goes on.
 * @throws SitefleetError `site/not-found`, `site/unreadable`, `site/changed-meanwhile`
 */
export async function pruneSite(deps: PublishDeps, ref: SiteRef, rules: PruneRules): Promise<PruneReport> {
  const found = await readSite(deps, ref);
  if (found.record.deleting) return pruneDeleted(deps, ref, found.record);
  // What an interrupted run left goes out first: until then a cache may hold what the record knows nothing of.
  if (isUnsettled(found.record)) await settleSite(waiting(deps), ref, found);
  const choice = { ...rules, minimumAge: minimumAge(deps.environment), now: deletionTime(deps) };
  const stored = await storedReleases(deps, ref);
  const { record, releases, previews } = await forget(deps, ref, { ...choice, stored });
  const marks = await readMarks(deps, ref, record);
  const before = choice.now - choice.minimumAge;
  const swept = await sweepSite(deps, ref, { record, marks, stored, before });
  return { ...ref, ...swept, releases, previews, kept: record.releases.length, state: "pruned" };
}

/**
 * The same for a site that has no record: what a first publish left that never came to its commit.
 * @returns `undefined` for a site that has one, and for one of which only its tombstone is left
 * @throws SitefleetError `site/unreadable` for a site that a host shows: its record got lost
 */
export async function pruneStray(
  deps: PublishDeps,
  ref: SiteRef,
  configured: ConfiguredSites,
): Promise<PruneReport | undefined> {
  if (await readRecord(deps, ref)) return undefined;
  const found = await storedReleases(deps, ref);
  const gone = await tombstonesOf(deps, ref, found);
  if (found.every((id) => gone.has(id))) return undefined;
  const host = (await configured.in(ref.siteEnv)).get(ref.site);
  if (host !== undefined) {
    throw new SitefleetError(
      "site/unreadable",
      `site "${ref.site}" has no record, but the config of "${host}" names it`,
      { hint: "nothing was deleted; restore the record, or publish the site's folder again" },
    );
  }
  const named = await readMarks(deps, ref, newSiteRecord({ ...ref, counter: 0 }));
  const marks = { ...named, whole: new Set([...named.whole, ...gone]) };
  const before = deletionTime(deps) - minimumAge(deps.environment);
  const stored = await storedReleases(deps, ref);
  const swept = await sweepSite(deps, ref, { record: undefined, marks, stored, before });
  return { ...ref, ...swept, releases: [], previews: [], kept: 0, state: "pruned" };
}

async function pruneDeleted(deps: PublishDeps, ref: SiteRef, record: SiteRecord): Promise<PruneReport> {
  const none = { ...ref, releases: [], previews: [], kept: record.releases.length };
  if (isRetained(record, deletionTime(deps))) return { ...none, ...NOTHING_SWEPT, state: "retained" };
  return { ...none, ...(await purgeFiles(deps, ref)), kept: 0, state: "deleted" };
}

interface Forgotten {
  readonly record: SiteRecord;
  readonly releases: readonly string[];
  readonly previews: readonly string[];
}

type Choice = Parameters<typeof planPrune>[1];

/** Takes out of the record what goes, so that nobody can come to show it while it is being deleted. */
async function forget(
  deps: PublishDeps,
  ref: SiteRef,
  choice: Choice & { readonly stored: readonly string[] },
): Promise<Forgotten> {
  const first = await readSite(deps, ref);
  // An id without a commit is never handed out again: a publish that took it would lose its objects to the sweep.
  const last = Math.max(0, ...choice.stored.map(releaseNumberOf));
  const apply = (record: SiteRecord): SiteRecord => {
    const plan = planPrune(record, choice);
    const releases = record.releases.filter(({ id }) => !plan.releases.includes(id));
    const counter = Math.max(record.counter, last);
    return withoutDomains({ ...record, releases, counter }, plan.previews);
  };
  const plan = planPrune(first.record, choice);
  const { previews } = plan;
  let { record } = first;
  if (previews.length > 0) {
    const change = { reason: "expired previews", keys: previews.map(domainKey), known: first, apply };
    ({ record } = await commitChange(waiting(deps), ref, change));
  } else if (plan.releases.length > 0 || last > record.counter) {
    ({ record } = await updateRecord(deps, ref, apply, { known: first }));
  }
  const left = new Set(record.releases.map(({ id }) => id));
  const releases = first.record.releases.filter(({ id }) => !left.has(id)).map(({ id }) => id);
  return { record, previews, releases };
}

/** Deleting begins only when caches have been purged twice: nobody else may take the second purge over. */
function waiting(deps: PublishDeps): PublishDeps {
  const { later: _, ...rest } = deps;
  return rest;
}

/** The releases that have objects. */
async function storedReleases(deps: PublishDeps, ref: SiteRef): Promise<readonly string[]> {
  const prefix = sitePrefix(placeOf(deps, ref));
  const ids: string[] = [];
  for await (const entry of deps.store.hosting.list({ prefix, delimiter: "/", signal: deps.signal })) {
    const id = entry.key.slice(prefix.length).replace(/\/$/, "");
    if (entry.kind === "prefix" && isReleaseId(id)) ids.push(id);
  }
  return ids;
}

interface SweepLimits {
  /** What the marks were made from; `undefined` for a site without a record. */
  readonly record: SiteRecord | undefined;
  readonly marks: Marks;
  readonly stored: readonly string[];
  /** Only what was written before this time goes; epoch milliseconds. */
  readonly before: number;
}

/**
 * Objects are deleted by their names, and the marks are as old as the record they were made from. Publishing in place
 * writes where objects lie already: a name that was listed as nobody's may be a page by now. Its record says so first;
 * and what a call that is under way may delete it does not write over (`in-place.ts`).
 */
async function refuseChanged(deps: PublishDeps, ref: SiteRef, seen: SiteRecord | undefined): Promise<void> {
  const now = (await readRecord(deps, ref))?.record;
  if (now?.revision === seen?.revision && now?.stamp === seen?.stamp) return;
  throw changedMeanwhile(ref, "it was published or edited while its old objects were being deleted");
}

async function sweepSite(deps: PublishDeps, ref: SiteRef, limits: SweepLimits): Promise<Swept> {
  const place = placeOf(deps, ref);
  const { marks, before } = limits;
  const confirm = (): Promise<void> => refuseChanged(deps, ref, limits.record);
  let swept = NOTHING_SWEPT;
  for (const id of limits.stored) {
    if (marks.whole.has(id)) continue;
    const prefix = releasePrefix(place, id);
    const stays = (key: string): boolean =>
      marks.partial.has(id) && marks.objects.has(`${id}/${key.slice(prefix.length)}`);
    const only = ({ key, modifiedAt }: { readonly key: string; readonly modifiedAt: number }): boolean =>
      modifiedAt < before && !stays(key);
    swept = addSwept(swept, await sweep(deps, deps.store.hosting, { prefix, only, confirm }));
  }
  // Manifests go after the objects and the rules: as long as there is one, no publish can take the id.
  const prefix = privatePrefix(place);
  const only = privateFilter(prefix, limits);
  swept = addSwept(swept, await sweep(deps, deps.store.config, { prefix: `${prefix}rules/`, only, confirm }));
  return addSwept(swept, await sweep(deps, deps.store.config, { prefix, only, confirm }));
}

/** Which of the objects beside a record may go; those of an unknown kind stay. */
function privateFilter(
  prefix: string,
  { marks, before }: Pick<SweepLimits, "marks" | "before">,
): (object: { readonly key: string; readonly modifiedAt: number }) => boolean {
  return ({ key, modifiedAt }) => {
    const [, kind, id] = /^(releases|receipts|rules)\/([0-9a-z]{1,4})(?:\.jsonl|\.json|\/[0-9a-f]{4})$/.exec(
      key.slice(prefix.length),
    ) ?? [undefined, undefined, undefined];
    if (kind === undefined || id === undefined || modifiedAt >= before) return false;
    return kind === "rules" ? !marks.buckets.has(id) : !marks.releases.has(id);
  };
}
