import { randomUUID } from "node:crypto";

import { parseJson } from "../lib/json.ts";
import { SitefleetError } from "../lib/errors.ts";
import { canonicalJson } from "../site/config-body.ts";
import { recordKey } from "../site/layout.ts";
import type { SitePlace } from "../site/layout.ts";
import { upgradeRecord } from "../site/record-upgrade.ts";
import { siteRecordSchema } from "../site/model.ts";
import type { SiteRecord } from "../site/model.ts";
import type { PublishDeps, SiteRef } from "./publish-deps.ts";
import { placeOf } from "./publish-deps.ts";

/** A record and the ETag it was read or written with. */
export interface HeldRecord {
  readonly record: SiteRecord;
  readonly etag: string;
}

/** How often a write is tried again because someone else wrote first. */
const ATTEMPTS = 8;

/** Reads a site's record. */
export async function readRecord(deps: PublishDeps, ref: SiteRef): Promise<HeldRecord | undefined> {
  const key = recordKey(placeOf(deps, ref));
  const found = await deps.store.config.get({ key, signal: deps.signal });
  if (found.kind === "not-found") return undefined;
  return { record: parseRecord(key, found.body), etag: found.object.etag };
}

/**
 * Reads the record of a site that must be there.
 * @throws SitefleetError `site/not-found`
 */
export async function readSite(deps: PublishDeps, ref: SiteRef): Promise<HeldRecord> {
  const held = await readRecord(deps, ref);
  if (held) return held;
  throw siteNotFound(deps, ref);
}

export function siteNotFound(deps: PublishDeps, ref: SiteRef): SitefleetError {
  return new SitefleetError(
    "site/not-found",
    `there is no site "${ref.site}" in ${deps.environment.name}/${ref.siteEnv}`,
    { hint: `publish it first: sitefleet publish DIR --site ${ref.site} --domain www.example.com` },
  );
}

/** @param release what was asked for; `null` = the one shown before, which there is none of */
export function releaseNotFound(record: SiteRecord, release: string | null): SitefleetError {
  const known = record.releases.map(({ id }) => id).join(", ");
  return new SitefleetError(
    "release/not-found",
    release === null
      ? `site "${record.site}" has no earlier release`
      : `site "${record.site}" has no release "${release}"; it was never there or has been pruned`,
    { hint: known === "" ? "publish the site first" : `its releases: ${known}` },
  );
}

/** Reads a record's JSON; anything this version does not know is refused, so that nothing of it gets lost. */
export function parseRecord(key: string, body: Uint8Array): SiteRecord {
  const json = parseJson(Buffer.from(body).toString("utf8"));
  const parsed = siteRecordSchema.safeParse(upgradeRecord(json));
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  throw new SitefleetError("site/unreadable", `"${key}" is not a site record that this version can read`, {
    hint: "update sitefleet, or restore the object from a version of it that was good",
    details: fields,
  });
}

export interface UpdateOptions {
  /** What to start from when the site has no record; absent = it must have one. */
  readonly create?: () => SiteRecord;
  /** The record as last seen, to save a read; `null` = there was none. */
  readonly known?: HeldRecord | null;
}

/**
 * Changes the record with `If-Match`; the change is computed anew on whatever someone else wrote meanwhile, and may
 * throw when that makes it impossible. It must come out the same when it is applied to its own result: an answer of the
 * store can get lost.
 */
export async function updateRecord(
  deps: PublishDeps,
  ref: SiteRef,
  change: (record: SiteRecord) => SiteRecord,
  options: UpdateOptions = {},
): Promise<HeldRecord> {
  const place = placeOf(deps, ref);
  const stamp = randomUUID();
  const { known } = options;
  let held = known === undefined ? await readRecord(deps, ref) : (known ?? undefined);
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const base = held?.record ?? options.create?.();
    if (!base) throw siteNotFound(deps, ref);
    const record = { ...change(base), revision: base.revision + 1, stamp };
    const etag = await writeRecord(deps, place, { record, over: held?.etag });
    if (etag !== undefined) return { record, etag };
    held = await readRecord(deps, ref);
    if (held?.record.stamp === stamp) return held;
  }
  throw changedMeanwhile(ref, "its record is being written by others all the time");
}

async function writeRecord(
  deps: PublishDeps,
  place: SitePlace,
  write: { readonly record: SiteRecord; readonly over: string | undefined },
): Promise<string | undefined> {
  const outcome = await deps.store.config.put({
    key: recordKey(place),
    body: canonicalJson(write.record),
    headers: { contentType: "application/json" },
    condition: write.over === undefined ? { kind: "absent" } : { kind: "etag", etag: write.over },
    signal: deps.signal,
  });
  return outcome.kind === "ok" ? outcome.etag : undefined;
}

/** Someone else's change makes ours impossible. */
export function changedMeanwhile(ref: SiteRef, what: string): SitefleetError {
  return new SitefleetError(
    "site/changed-meanwhile",
    `site "${ref.site}" was changed by someone else: ${what}`,
    {
      hint: "look at it with `sitefleet site show`, then run the command again",
    },
  );
}
