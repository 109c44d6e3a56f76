import { randomUUID } from "node:crypto";

import { SitefleetError } from "../../lib/errors.ts";
import { boundOwed } from "../../purge/purge-plan.ts";
import { purgeTwice } from "../../purge/purge.ts";
import { privatePrefix, recordKey, sitePrefix } from "../../site/layout.ts";
import type { DomainEntry, SiteRecord } from "../../site/model.ts";
import { domainKey, siteConfigKey, siteKey } from "../../site/surrogate-keys.ts";
import { isUnsettled, settleSite } from "../commit.ts";
import type { CommitReport } from "../commit.ts";
import { placeOf } from "../publish-deps.ts";
import type { PublishDeps, SiteRef } from "../publish-deps.ts";
import { changedMeanwhile, readSite, updateRecord } from "../record-store.ts";
import { addSwept, sweep } from "./sweep.ts";
import type { Swept } from "./sweep.ts";
import { writeTombstone } from "./tombstone.ts";

/**
 * A site is deleted in two steps. The first takes its domains off the edge and keeps everything else; it can be taken
 * back. The second deletes all objects. `site prune` does the second when the first is this many days old.
 */
export const DELETION_RETENTION_DAYS = 30;

const DAY_MS = 86_400_000;

/**
 * First step: takes all domains of a site off the edge; they are free for other sites from then on. Nothing is deleted
 * but their configs. Until it is taken back or finished the site takes no other change.
 */
export async function deleteSite(deps: PublishDeps, ref: SiteRef): Promise<CommitReport> {
  const held = await updateRecord(deps, ref, (record) => asDeleting(deps, record));
  return settleSite(deps, ref, held);
}

function asDeleting(deps: PublishDeps, record: SiteRecord): SiteRecord {
  if (record.deleting) return record;
  const domains = Object.entries(record.domains).map(([domain, entry]): [string, DomainEntry] => [
    domain,
    { ...entry, removing: true },
  ]);
  const kept = Object.entries(record.domains).filter(([, entry]) => !entry.removing);
  const keys = [
    siteConfigKey(record.site),
    siteKey(record.site),
    ...Object.keys(record.domains).map(domainKey),
  ];
  const since = new Date(deps.clock.now()).toISOString();
  const purge = { id: randomUUID(), keys, reason: "delete the site", since, sent: 0 };
  return {
    ...record,
    deleting: true,
    deletion: { since, domains: Object.fromEntries(kept) },
    domains: Object.fromEntries(domains),
    owed: [...boundOwed([...record.owed, purge], record.site)],
  };
}

/**
 * Takes the first step back: the site has its domains again, as they were. Domains that other sites have taken meanwhile
 * stay there and are told as lost. For a site that is not being deleted it does nothing.
 * @throws SitefleetError `site/deleting` when its objects are being deleted already
 */
export async function undeleteSite(deps: PublishDeps, ref: SiteRef): Promise<CommitReport> {
  const held = await updateRecord(deps, ref, (record) => asUndeleted(deps, record));
  return settleSite(deps, ref, held);
}

function asUndeleted(deps: PublishDeps, record: SiteRecord): SiteRecord {
  if (!record.deleting) return record;
  const { deletion, ...rest } = record;
  if (!deletion) {
    throw new SitefleetError(
      "site/deleting",
      `the files of site "${record.site}" are being deleted; that cannot be taken back`,
      { hint: `finish it with \`sitefleet site delete ${record.site} --purge-files --yes\`` },
    );
  }
  const domains = Object.entries(deletion.domains).map(([domain, entry]): [string, DomainEntry] => {
    const { takeOver: _, removing: __, ...state } = entry;
    return [domain, { ...state, etag: null, digest: null }];
  });
  const keys = [siteConfigKey(record.site), ...domains.map(([domain]) => domainKey(domain))];
  const since = new Date(deps.clock.now()).toISOString();
  const purge = { id: randomUUID(), keys, reason: "bring the site back", since, sent: 0 };
  return {
    ...rest,
    deleting: false,
    domains: Object.fromEntries(domains),
    owed: [...boundOwed([...record.owed, purge], record.site)],
  };
}

/** Whether the first step is still to be kept so that it can be taken back. */
export function isRetained(record: SiteRecord, now: number): boolean {
  if (!record.deletion) return false;
  return now - Date.parse(record.deletion.since) < DELETION_RETENTION_DAYS * DAY_MS;
}

/** When `site prune` finishes a deletion, ISO 8601; `undefined` when nothing holds it back. */
export function retainedUntil(record: SiteRecord): string | undefined {
  if (!record.deletion) return undefined;
  return new Date(Date.parse(record.deletion.since) + DELETION_RETENTION_DAYS * DAY_MS).toISOString();
}

/**
 * Second step: deletes all objects of a site, then what is kept beside its record, last the record. It begins with the
 * first step where that was not made. An empty object stays, so that release ids do not begin anew. Interrupted, it is finished by running it again.
 */
export async function purgeFiles(deps: PublishDeps, ref: SiteRef): Promise<Swept> {
  const place = placeOf(deps, ref);
  const { later: _, ...waiting } = deps;
  await deleteSite(waiting, ref);
  const final = await updateRecord(deps, ref, (record) => withoutReturn(ref, record));
  const tombstone = await writeTombstone(deps, ref, final.record.counter);
  const only = ({ key }: { readonly key: string }): boolean => key !== tombstone;
  const objects = await sweep(deps, deps.store.hosting, { prefix: sitePrefix(place), only });
  const beside = await sweep(deps, deps.store.config, { prefix: privatePrefix(place) });
  await purgeTwice(deps, { keys: [siteKey(ref.site)], soft: false });
  let last = await readSite(deps, ref);
  if (!last.record.deleting) throw broughtBack(ref);
  if (isUnsettled(last.record)) {
    // A run that was overtaken has noted a config of its own that has to go.
    await settleSite(waiting, ref, last);
    last = await readSite(deps, ref);
  }
  const { etag } = last;
  const outcome = await deps.store.config.delete({ key: recordKey(place), etag, signal: deps.signal });
  if (outcome.kind !== "ok") throw changedMeanwhile(ref, "its record was written while it was being deleted");
  return addSwept(objects, beside);
}

/** From here on the deletion cannot be taken back. */
function withoutReturn(ref: SiteRef, record: SiteRecord): SiteRecord {
  if (!record.deleting) throw broughtBack(ref);
  const { deletion: _, ...rest } = record;
  return rest;
}

function broughtBack(ref: SiteRef): SitefleetError {
  return changedMeanwhile(ref, "it was brought back while it was being deleted");
}
