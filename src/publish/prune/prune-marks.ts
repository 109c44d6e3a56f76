import { SitefleetError } from "../../lib/errors.ts";
import { mapAhead } from "../../lib/map-ahead.ts";
import { EMPTY_RELEASE } from "../../site/names.ts";
import type { SiteRecord } from "../../site/model.ts";
import { PARALLEL_CONFIGS, readOwner } from "../config-sync.ts";
import { findManifest } from "../release/manifest.ts";
import type { RecordedCounts } from "../release/manifest.ts";
import { prefixesOf } from "./prune-plan.ts";
import type { PublishDeps, SiteRef } from "../publish-deps.ts";

/** What must stay of a site. */
export interface Marks {
  /** Releases that somebody shows or may show again: prefix, manifest and receipt stay. */
  readonly releases: ReadonlySet<string>;
  /** Prefixes of which all objects stay: those of the releases, and those whose part in them is not known. */
  readonly whole: ReadonlySet<string>;
  /** Other prefixes that releases read from. */
  readonly partial: ReadonlySet<string>;
  /** `<prefix>/<key>` of what stays below the partial ones. */
  readonly objects: ReadonlySet<string>;
  /** Tags of rule buckets. */
  readonly buckets: ReadonlySet<string>;
}

/** A release as a record or a config names it. */
interface Named extends RecordedCounts {
  readonly release: string;
  readonly base: string;
  readonly delta: string;
  readonly bucket: string | undefined;
  /** Its manifest says what it holds. */
  readonly certain: boolean;
}

/**
 * Finds out what must stay: what the record names, and what the configs name as they are in the bucket at this moment.
 * A prefix that a release only takes some objects from stays as far as the manifests say so.
 * @throws SitefleetError `site/unreadable` for a config that cannot be read, because nobody knows what it names
 */
export async function readMarks(deps: PublishDeps, ref: SiteRef, record: SiteRecord): Promise<Marks> {
  const named = [...namedByRecord(record), ...(await namedByConfigs(deps, record))];
  const releases = new Set(named.map(({ release }) => release));
  const whole = new Set(releases);
  const partial = new Set(named.flatMap((one) => [...prefixesOf(one)]).filter((id) => !releases.has(id)));
  const objects = new Set<string>();
  // Only releases that read from a prefix that is nobody's own have to be looked into.
  const readers = named.filter((one) => [...prefixesOf(one)].some((id) => partial.has(id)));
  for (const reader of readers) {
    const located = await locatedBy(deps, ref, reader);
    if (!located) for (const id of prefixesOf(reader)) whole.add(id);
    for (const [at, key] of located ?? []) if (partial.has(at)) objects.add(`${at}/${key}`);
  }
  for (const id of whole) partial.delete(id);
  const buckets = named.flatMap(({ bucket }) => (bucket === undefined ? [] : [bucket]));
  return { releases, whole, partial, objects, buckets: new Set(buckets) };
}

function namedByRecord(record: SiteRecord): readonly Named[] {
  return record.releases.map(({ id, base, delta, buckets, dirty, files, redirects }) => ({
    release: id,
    base,
    delta,
    bucket: buckets?.tag,
    certain: !dirty,
    files,
    redirects,
  }));
}

async function namedByConfigs(deps: PublishDeps, record: SiteRecord): Promise<readonly Named[]> {
  const named: Named[] = [];
  const domains = Object.keys(record.domains);
  const owners = mapAhead(domains, PARALLEL_CONFIGS, async (domain) => {
    return { domain, owner: await readOwner(deps, domain) };
  });
  for await (const { domain, owner } of owners) {
    if (owner.kind === "unreadable") {
      throw new SitefleetError(
        "site/unreadable",
        `the config of "${domain}" ${owner.reason}, so nobody knows what it needs`,
        {
          hint: "nothing was deleted; update sitefleet, or write the config anew with `sitefleet site migrate`",
        },
      );
    }
    if (owner.kind === "none" || owner.site !== record.site || owner.config.kind === "alias") continue;
    const { release, base, delta, buckets } = owner.config;
    if (base === EMPTY_RELEASE) continue;
    const known = record.releases.find(({ id }) => id === release);
    const certain = known?.dirty !== true && (!known || (known.base === base && known.delta === delta));
    const counts = known && { files: known.files, redirects: known.redirects };
    named.push({ release, base, delta, bucket: buckets?.tag, certain, ...counts });
  }
  return named;
}

/** Where a release's objects lie by its manifest; `undefined` when the manifest is not to be relied upon. */
async function locatedBy(
  deps: PublishDeps,
  ref: SiteRef,
  named: Named,
): Promise<readonly (readonly [string, string])[] | undefined> {
  const manifest = named.certain ? await findManifest(deps, ref, { ...named, id: named.release }) : undefined;
  if (manifest?.base !== named.base) return undefined;
  const prefixes = prefixesOf(named);
  const located = [...manifest.objects.values()].map(({ at, key }) => [at, key] as const);
  return located.every(([at]) => prefixes.has(at)) ? located : undefined;
}
