import { randomUUID } from "node:crypto";

import { forEachLimit } from "../lib/for-each-limit.ts";
import { purgeOnce, purgeTwice } from "../purge/purge.ts";
import { privatePrefix, recordKey, sitePrefix } from "../site/layout.ts";
import type { DomainEntry, SitePolicies, SiteRecord } from "../site/model.ts";
import { domainKey, siteConfigKey, siteKey } from "../site/surrogate-keys.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { commitChange } from "./commit.ts";
import type { CommitReport } from "./commit.ts";
import { syncConfigs } from "./config-sync.ts";
import { placeOf } from "./publish-deps.ts";
import type { PublishDeps, SiteRef } from "./publish-deps.ts";
import { changedMeanwhile, updateRecord } from "./record-store.ts";

const PARALLEL_DELETES = 32;

/** Changes policies of a site; what is absent stays. */
export async function setPolicies(
  deps: PublishDeps,
  ref: SiteRef,
  policies: Partial<SitePolicies>,
): Promise<CommitReport> {
  return commitChange(deps, ref, {
    reason: `set ${Object.keys(policies).join(", ")}`,
    apply: (record) => ({ ...record, policies: { ...record.policies, ...policies } }),
  });
}

/**
 * Deletes a site: its domains first, so that nothing leads to it, then its objects, last its record. Interrupted, it is
 * finished by running it again; until then the site takes no other change.
 * @returns how many objects were deleted
 */
export async function deleteSite(deps: PublishDeps, ref: SiteRef): Promise<{ readonly objects: number }> {
  const place = placeOf(deps, ref);
  const held = await updateRecord(deps, ref, (record) => asDeleting(deps, record));
  const { record } = await syncConfigs(deps, ref, held.record);
  const keys = record.owed.flatMap((owed) => owed.keys);
  await purgeOnce(deps, { keys, soft: false });
  const objects = await deleteAll(deps, deps.store.hosting, sitePrefix(place));
  await purgeTwice(deps, { keys, soft: false });
  await deleteAll(deps, deps.store.config, privatePrefix(place));
  const { etag } = held;
  const outcome = await deps.store.config.delete({ key: recordKey(place), etag, signal: deps.signal });
  if (outcome.kind !== "ok") throw changedMeanwhile(ref, "its record was written while it was being deleted");
  return { objects };
}

function asDeleting(deps: PublishDeps, record: SiteRecord): SiteRecord {
  if (record.deleting) return record;
  const domains = Object.entries(record.domains).map(([domain, entry]): [string, DomainEntry] => [
    domain,
    { ...entry, removing: true },
  ]);
  const keys = [
    siteConfigKey(record.site),
    siteKey(record.site),
    ...Object.keys(record.domains).map(domainKey),
  ];
  const since = new Date(deps.clock.now()).toISOString();
  return {
    ...record,
    deleting: true,
    domains: Object.fromEntries(domains),
    owed: [...record.owed, { id: randomUUID(), keys, reason: "delete the site", since, sent: 0 }],
  };
}

async function deleteAll(deps: PublishDeps, store: ObjectStore, prefix: string): Promise<number> {
  const { signal } = deps;
  let deleted = 0;
  await forEachLimit(store.list({ prefix, signal }), { limit: PARALLEL_DELETES, signal }, async ({ key }) => {
    await store.delete({ key, signal });
    deleted += 1;
    deps.onProgress({ step: "deleting objects", done: deleted });
  });
  return deleted;
}
