import { randomUUID } from "node:crypto";

import { SitefleetError } from "../lib/errors.ts";
import { boundOwed } from "../purge/purge-plan.ts";
import { SECOND_PURGE_MS, purgeAgain, purgeOnce } from "../purge/purge.ts";
import { deriveConfig } from "../site/model.ts";
import type { DomainEntry, OwedPurge, SiteRecord } from "../site/model.ts";
import { domainKey, siteConfigKey, siteKey } from "../site/surrogate-keys.ts";
import { fittingMetadata, syncConfigs } from "./config-sync.ts";
import type { SyncReport } from "./config-sync.ts";
import { sha256Hex } from "./publish-deps.ts";
import type { PublishDeps, SiteRef } from "./publish-deps.ts";
import { updateRecord } from "./record-store.ts";
import type { HeldRecord, UpdateOptions } from "./record-store.ts";
import { noteHidden } from "./release/shown-releases.ts";
import { storeTime } from "./store-clock.ts";

export interface Change extends UpdateOptions {
  /** Why the purge is owed; shown to whoever finds it. */
  readonly reason: string;
  /** Surrogate keys to purge besides the site's configs. */
  readonly keys?: readonly string[];
  /** Must come out the same when applied to its own result; throws when it is impossible. */
  readonly apply: (record: SiteRecord) => SiteRecord;
  /** `false`: end when the change is live and leave the second purge owed, for whoever comes next. */
  readonly wait?: boolean;
  /** Id of a purge that this same run wrote down before, for a part of the change that no config shows; this one takes it over. */
  readonly takesOver?: string | undefined;
}

export interface CommitReport {
  /** The record after everything was done. */
  readonly record: SiteRecord;
  /** Domains that another site has taken, and which one where that can be read. */
  readonly lost: readonly { readonly domain: string; readonly owner: string | undefined }[];
  /** When visitors began to get what is new: after the first purge (ISO 8601). */
  readonly liveAt: string | undefined;
}

/**
 * The one way in which a site changes. The record is the commit point: it holds the change and the purge that the change
 * makes necessary before any config says something new. What follows (configs, purge, taking the purge out) is done by
 * `settleSite`, here or, after a crash, by whoever comes next.
 */
export async function commitChange(deps: PublishDeps, ref: SiteRef, change: Change): Promise<CommitReport> {
  const held = await commitRecord(deps, ref, change);
  deps.watch?.reached("committed");
  deps.onProgress({ step: "committed" });
  try {
    return await settleSite(deps, ref, held, change);
  } catch (error) {
    throw afterCommit(ref, error);
  }
}

/** Writes the change, and the purge that it makes necessary, into the record; nothing else happens yet. */
export async function commitRecord(deps: PublishDeps, ref: SiteRef, change: Change): Promise<HeldRecord> {
  const owed: OwedPurge = {
    id: randomUUID(),
    keys: [...new Set([siteConfigKey(ref.site), ...(change.keys ?? [])])].sort(),
    reason: change.reason,
    since: new Date(deps.clock.now()).toISOString(),
    sent: 0,
  };
  return updateRecord(
    deps,
    ref,
    (record) => {
      refuseDeleting(record);
      const next = noteHidden(record, change.apply(record), deps.clock.now());
      refuseUnfitConfigs(next);
      const before = next.owed.filter(({ id }) => id !== owed.id && id !== change.takesOver);
      const taken = next.owed.find(({ id }) => id === change.takesOver);
      const keys = [...new Set([...owed.keys, ...(taken?.keys ?? [])])].sort();
      const domains = before.length === 0 ? next.domains : unknownDomains(next.domains);
      return { ...next, domains, owed: [...boundOwed([...before, { ...owed, keys }], ref.site)] };
    },
    change,
  );
}

/**
 * Domains of a record that is not settled: an earlier run may have written their configs without coming to say so, and
 * what the record remembers of them may be what they are to become again.
 */
function unknownDomains(domains: SiteRecord["domains"]): SiteRecord["domains"] {
  const entries = Object.entries(domains).map(
    ([domain, entry]) => [domain, { ...entry, digest: null }] as const,
  );
  return Object.fromEntries(entries);
}

/** What goes wrong once the record says the new state is told as such: the command must not be taken for without effect. */
export function afterCommit(ref: SiteRef, error: unknown): unknown {
  if (!(error instanceof SitefleetError)) return error;
  return new SitefleetError(
    error.code,
    `the change of site "${ref.site}" is committed, but finishing it failed: ${error.message}`,
    {
      cause: error,
      details: error.details,
      hint: `what is left (configs, purges) is done by the next command on the site, or by \`sitefleet purge --owed --send\`${
        error.hint === undefined ? "" : `; ${error.hint}`
      }`,
    },
  );
}

/** @throws SitefleetError `site/config-too-large` when a domain's config would not fit in metadata */
export function refuseUnfitConfigs(record: SiteRecord, ruleNames?: readonly string[]): void {
  for (const [domain, entry] of Object.entries(record.domains)) {
    if (!entry.removing) fittingMetadata(domain, deriveConfig(record, entry, sha256Hex), ruleNames);
  }
}

/** @throws SitefleetError `site/deleting` for a site whose deletion has begun */
export function refuseDeleting(record: SiteRecord): void {
  if (!record.deleting) return;
  throw new SitefleetError("site/deleting", `site "${record.site}" is being deleted`, {
    hint: `bring it back with \`sitefleet site delete ${record.site} --undo\`, or finish it with --purge-files`,
  });
}

/** Whether a run has left something undone. */
export function isUnsettled(record: SiteRecord): boolean {
  return record.owed.length > 0;
}

/**
 * Brings configs and caches to what the record says: configs, purge ("live"), purge again, then the owed purges are taken
 * out. With `deps.later`, or without `wait`, it ends when the change is live; the second purge stays owed, unless an earlier
 * run has sent the first.
 */
export async function settleSite(
  deps: PublishDeps,
  ref: SiteRef,
  held: HeldRecord,
  { wait = true }: { readonly wait?: boolean } = {},
): Promise<CommitReport> {
  if (!isUnsettled(held.record)) return { record: held.record, lost: [], liveAt: undefined };
  const synced = await syncConfigs(deps, ref, held.record);
  deps.watch?.reached("configsWritten");
  deps.onProgress({ step: "configs written, purging" });
  const passAt = storeTime(deps);
  const purge = await purgeOnce(deps, { keys: owedKeys(synced.record), soft: false });
  const liveAt = new Date(deps.clock.now()).toISOString();
  deps.watch?.live(synced.record);
  deps.onProgress({ step: "live" });
  const finish = (sentAgain: boolean): Promise<SiteRecord> =>
    finishSettling(deps, ref, { synced, known: held, passAt, sentAgain });
  const lost = lostDomains(synced);
  if (deps.later) {
    deps.later({ ref, purge, finish: async () => void (await finish(true)) });
    return { record: synced.record, lost, liveAt };
  }
  // Where an earlier run made the first pass, this one's was the second.
  const isAgain = wait && !synced.record.owed.every((owed) => isSecondPass(owed, passAt));
  if (isAgain) await purgeAgain(deps, purge);
  return { record: await finish(isAgain), lost, liveAt };
}

/**
 * Brings configs to what the record says and purges once, but leaves the purge owed: for a run that will commit and
 * settle itself in a moment.
 */
export async function rollForward(deps: PublishDeps, ref: SiteRef, held: HeldRecord): Promise<void> {
  if (!isUnsettled(held.record)) return;
  deps.onProgress({ step: "finishing what an earlier run left" });
  const synced = await syncConfigs(deps, ref, held.record);
  await purgeOnce(deps, { keys: owedKeys(synced.record), soft: false });
}

/**
 * How far apart two passes must be by the store's clock to count as the first and the second: its `Date` has whole
 * seconds, and either run may have read it up to one late.
 */
const PASSES_APART_MS = SECOND_PURGE_MS + 2_000;

/** Whether a purge that is sent at `passAt` (by the store's clock) was sent by an earlier run, long enough before. */
function isSecondPass({ sent, sentAt }: OwedPurge, passAt: number): boolean {
  return sent > 0 && sentAt !== undefined && passAt - Date.parse(sentAt) >= PASSES_APART_MS;
}

/**
 * All keys of what a record owes. With the configs of a site go the keys of its domains, whatever serves it: where the edge
 * cannot see an answer before it is stored, its configs have no other (compute/differences.ts, `no-http-cache`). The owed
 * purge does not name them: the record has the domains, and one that is taken off it is named.
 */
function owedKeys({ site, owed, domains }: SiteRecord): readonly string[] {
  const named = new Set(owed.flatMap(({ keys }) => keys));
  if (!named.has(siteConfigKey(site)) && !named.has(siteKey(site))) return [...named];
  return [...new Set([...named, ...Object.keys(domains).map(domainKey)])];
}

/** Notes in the record what is done: configs as they were written, purges that were sent twice, or once. */
async function finishSettling(
  deps: PublishDeps,
  ref: SiteRef,
  done: {
    readonly synced: SyncReport;
    readonly known: HeldRecord;
    /** When the first pass of this run began, by the store's clock. */
    readonly passAt: number;
    /** Whether this run made the second pass too. */
    readonly sentAgain: boolean;
  },
): Promise<SiteRecord> {
  const { synced, known, passAt, sentAgain } = done;
  const sent = new Map(
    synced.record.owed.map((owed) => [
      owed.id,
      sentAgain || isSecondPass(owed, passAt) ? undefined : sentOnce(owed, passAt),
    ]),
  );
  const shift = { since: synced.record.owed.map(({ since }) => since), until: storeTime(deps) };
  const since = new Date(deps.clock.now()).toISOString();
  const stray = { id: randomUUID(), reason: "take back what was removed meanwhile", since, sent: 0 };
  const held = await updateRecord(
    deps,
    ref,
    (current) => {
      const settled = {
        ...current,
        owed: current.owed.flatMap((owed) => (sent.has(owed.id) ? (sent.get(owed.id) ?? []) : [owed])),
        domains: settledDomains(current, synced),
        releases: hiddenLater(current.releases, shift),
      };
      return withStrays(settled, synced, stray);
    },
    known.record.revision === synced.record.revision ? { known } : {},
  );
  if (!held.record.owed.some(({ id }) => id === stray.id)) return held.record;
  deps.onProgress({ step: "taking back configs of domains that were removed meanwhile" });
  return (await settleSite(unwatched(deps), ref, held)).record;
}

/** The purge with one pass more; the time is that of the first one, which a second has to keep its distance from. */
function sentOnce(owed: OwedPurge, passAt: number): OwedPurge {
  const sentAt = owed.sent > 0 ? owed.sentAt : undefined;
  return { ...owed, sent: owed.sent + 1, sentAt: sentAt ?? new Date(passAt).toISOString() };
}

/**
 * The releases, with those that the settled changes took out of sight hidden only since the configs say so: after a crash
 * that may be days after the commit, and caches have the configs of before for a full lifetime from then on.
 */
function hiddenLater(
  releases: SiteRecord["releases"],
  shift: { readonly since: readonly string[]; readonly until: number },
): SiteRecord["releases"] {
  const from = Math.min(...shift.since.map((since) => Date.parse(since)));
  return releases.map((release) => {
    const hidden = Date.parse(release.hiddenSince ?? "");
    if (!(hidden >= from && hidden < shift.until)) return release;
    return { ...release, hiddenSince: new Date(shift.until).toISOString() };
  });
}

/**
 * The record with the domains noted whose configs this run wrote after somebody took them off the site: where nothing was
 * written yet, whoever takes a domain off finds nothing to delete, and nothing to clash with. They are to be deleted, and
 * purged after that; whoever comes next knows of it.
 * @param owed a purge of no keys yet
 */
function withStrays(record: SiteRecord, { outcomes }: SyncReport, owed: Omit<OwedPurge, "keys">): SiteRecord {
  const strays = [...outcomes].flatMap(([domain, outcome]): [string, DomainEntry][] => {
    const entry = Object.hasOwn(record.domains, domain) ? record.domains[domain] : undefined;
    if (outcome.kind !== "written" || (entry && !entry.removing)) return [];
    return [[domain, strayEntry(outcome.etag)]];
  });
  if (strays.length === 0) return record;
  const purge = { ...owed, keys: strays.map(([domain]) => domainKey(domain)).sort() };
  const before = record.owed.filter(({ id }) => id !== owed.id);
  return {
    ...record,
    domains: { ...record.domains, ...Object.fromEntries(strays) },
    owed: [...boundOwed([...before, purge], record.site)],
  };
}

/** Only to be deleted: what the domain was to be does not matter any more. */
function strayEntry(etag: string): DomainEntry {
  const nothing = { forceTls: false, hsts: null, euOnly: false, digest: null };
  return { kind: "primary", ...nothing, etag, removing: true };
}

/** What a run settles besides its own change is nothing that whoever watches it, or finishes it later, has to know of. */
function unwatched(deps: PublishDeps): PublishDeps {
  const { later: _, watch: __, ...rest } = deps;
  return { ...rest, onProgress: () => undefined };
}

function lostDomains({ outcomes }: SyncReport): CommitReport["lost"] {
  return [...outcomes].flatMap(([domain, outcome]) =>
    outcome.kind === "lost" ? [{ domain, owner: outcome.owner }] : [],
  );
}

function settledDomains(record: SiteRecord, synced: SyncReport): SiteRecord["domains"] {
  const entries = Object.entries(record.domains).flatMap(([domain, entry]): [string, DomainEntry][] => {
    const outcome = synced.outcomes.get(domain);
    const isAsSeen = synced.record.domains[domain]?.etag === entry.etag;
    if (outcome?.kind === "written") {
      // Where another run has noted its write meanwhile, ours was before it.
      return [[domain, isAsSeen ? writtenEntry(entry, outcome) : entry]];
    }
    // An entry that was put back meanwhile stays; its own run writes it. So does one that is to be removed again, because
    // another run wrote its config after this one had deleted it.
    if (outcome?.kind === "removed" && entry.removing && isAsSeen) return [];
    if (outcome?.kind === "lost" && !entry.takeOver) return [];
    return [[domain, entry]];
  });
  return Object.fromEntries(entries);
}

function writtenEntry(
  entry: DomainEntry,
  outcome: { readonly etag: string; readonly digest: string },
): DomainEntry {
  const { takeOver: _, ...rest } = entry;
  return { ...rest, etag: outcome.etag, digest: outcome.digest };
}
