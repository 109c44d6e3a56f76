import { currentRelease } from "../site/model.ts";
import type { SiteRecord } from "../site/model.ts";
import { commitChange, isUnsettled, refuseDeleting, rollForward, settleSite } from "./commit.ts";
import type { CommitReport } from "./commit.ts";
import { claimDomains, primaryEntry, refuseLost, withNewDomains } from "./domains.ts";
import { placeOf } from "./publish-deps.ts";
import type { PublishDeps, SiteRef } from "./publish-deps.ts";
import { readRecord } from "./record-store.ts";
import type { HeldRecord } from "./record-store.ts";
import { makeRelease, refuseUnfit } from "./release.ts";
import { planRelease } from "./release-plan.ts";
import type { ReleasePlan } from "./release-plan.ts";
import { scanFolder } from "./scan.ts";
import type { Scan } from "./scan.ts";
import { domainKey } from "../site/surrogate-keys.ts";

export interface PublishRequest extends SiteRef {
  /** The folder, absolute. */
  readonly dir: string;
  /** Domains to add to the site if it does not have them, already checked. */
  readonly domains: readonly string[];
  /** Decide and report, write nothing. */
  readonly dryRun?: boolean;
}

export interface PublishReport extends SiteRef {
  /** `unchanged`: the folder is what the site shows already. */
  readonly kind: "published" | "unchanged" | "planned";
  /** The release that the site shows; `null` for a plan of a new site. */
  readonly release: string | null;
  readonly previous: string | null;
  readonly files: number;
  readonly redirects: number;
  readonly bytes: number;
  /** Domains that show the release. */
  readonly domains: readonly string[];
  readonly newDomains: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * Publishes a folder as the new release of a site; the site is made if it is new. Either all of it becomes visible or
 * nothing. Finishes what an earlier run left.
 */
export async function publishFolder(deps: PublishDeps, request: PublishRequest): Promise<PublishReport> {
  deps.onProgress({ step: "reading the folder" });
  const scan = await scanFolder(request.dir, deps.signal);
  const base = await readRecord(deps, request);
  if (base) refuseDeleting(base.record);
  const plan = planRelease({
    place: placeOf(deps, request),
    files: scan.files,
    folderRules: scan.redirects,
    siteRules: base?.record.rules ?? [],
  });
  const newDomains = request.domains.filter((domain) => !hasDomain(base?.record, domain));
  const draft: Draft = { request, scan, plan, newDomains, base };
  const claims = await claimDomains(deps, request, newDomains);
  const also = (record: SiteRecord): SiteRecord =>
    withNewDomains(record, newDomains, (domain) => ({ ...primaryEntry(), etag: claims.get(domain) ?? null }));
  refuseUnfit(deps, request, { plan, base, also });
  if (request.dryRun) return reportOf(draft, { kind: "planned", record: base?.record, lost: [] });
  const keys = newDomains.map(domainKey);
  if (base && currentRelease(base.record)?.digest === plan.digest) {
    return settleUnchanged(deps, { ...draft, base }, { also, keys });
  }
  if (base) await rollForward(deps, request, base);
  const paths = new Map(scan.files.map(({ key, source }) => [key, source]));
  const report = await makeRelease(deps, request, {
    plan,
    source: { kind: "folder", paths },
    folderRules: scan.redirects,
    base,
    reason: "publish",
    keys,
    also,
  });
  refuseLost(request, report, newDomains);
  return reportOf(draft, { kind: "published", ...report });
}

interface Draft {
  readonly request: PublishRequest;
  readonly scan: Scan;
  readonly plan: ReleasePlan;
  readonly newDomains: readonly string[];
  readonly base: HeldRecord | undefined;
}

function hasDomain(record: SiteRecord | undefined, domain: string): boolean {
  const entry = record && Object.hasOwn(record.domains, domain) ? record.domains[domain] : undefined;
  return entry !== undefined && !entry.removing;
}

/** The folder is what the site shows: only new domains, and what an earlier run left, are work. */
async function settleUnchanged(
  deps: PublishDeps,
  draft: Draft & { readonly base: HeldRecord },
  change: { readonly also: (record: SiteRecord) => SiteRecord; readonly keys: readonly string[] },
): Promise<PublishReport> {
  const { request, base, newDomains } = draft;
  let report: CommitReport = { record: base.record, lost: [] };
  if (newDomains.length > 0) {
    const { also: apply, keys } = change;
    report = await commitChange(deps, request, { reason: "publish", keys, known: base, apply });
    refuseLost(request, report, newDomains);
  } else if (isUnsettled(base.record)) {
    report = await settleSite(deps, request, base);
  }
  return reportOf(draft, { kind: "unchanged", ...report });
}

function reportOf(
  draft: Draft,
  result: {
    readonly kind: PublishReport["kind"];
    readonly record: SiteRecord | undefined;
    readonly lost: CommitReport["lost"];
  },
): PublishReport {
  const { request, scan, plan, newDomains } = draft;
  const lost = result.lost.map(
    ({ domain, owner }) => `${domain} belongs to site "${owner}" by now; it was taken off this site`,
  );
  return {
    kind: result.kind,
    site: request.site,
    siteEnv: request.siteEnv,
    release: result.record?.current ?? null,
    previous: result.record?.previous ?? null,
    files: plan.files.length,
    redirects: plan.redirects.length,
    bytes: plan.bytes,
    domains: Object.entries(result.record?.domains ?? {}).flatMap(([domain, { kind, removing }]) =>
      kind === "primary" && !removing ? [domain] : [],
    ),
    newDomains,
    warnings: [...scan.warnings, ...plan.warnings, ...lost],
  };
}
