import { SitefleetError } from "../lib/errors.ts";
import { currentRelease } from "../site/model.ts";
import type { SiteRecord } from "../site/model.ts";
import { domainKey } from "../site/surrogate-keys.ts";
import { commitChange, isUnsettled, refuseDeleting, rollForward, settleSite } from "./commit.ts";
import type { CommitReport } from "./commit.ts";
import { keepsRemoved, readCurrent } from "./release/current-content.ts";
import { claimDomains, primaryEntry, refuseLost, withNewDomains } from "./domains.ts";
import { withFollowUp } from "./live/follow-up.ts";
import { publishInPlace } from "./release/in-place.ts";
import type { EdgeWishes, Published } from "./published.ts";
import { placeOf } from "./publish-deps.ts";
import type { PublishDeps } from "./publish-deps.ts";
import { previewOf } from "./previews/previews.ts";
import { publishPreview } from "./previews/publish-preview.ts";
import type { PreviewInput } from "./previews/publish-preview.ts";
import { readRecord } from "./record-store.ts";
import type { HeldRecord } from "./record-store.ts";
import { readChanges } from "./release/release-changes.ts";
import type { ReleaseChanges } from "./release/release-changes.ts";
import { makeRelease } from "./release/release.ts";
import type { NewRelease, WrittenCounts } from "./release/release.ts";
import { refuseUnfit, roomForRules } from "./release/release-fit.ts";
import { planRelease } from "./release/release-plan.ts";
import type { ReleasePlan } from "./release/release-plan.ts";
import { scanPublished } from "./folder/published-folder.ts";
import type { Scan } from "./folder/scan.ts";

export interface PublishRequest extends EdgeWishes {
  /** The folder, absolute. */
  readonly dir: string;
  /** Domains to add to the site if it does not have them, already checked. */
  readonly domains: readonly string[];
  /** Overwrite the release that is shown instead of making a new one: visitors may see a mix for a moment. */
  readonly inPlace?: boolean;
  /** Make a full release even where a few changes would do. */
  readonly full?: boolean;
  /** `false`: what is removed, now or in the grace period, is gone at once; also for pages that were loaded before. */
  readonly grace?: boolean;
  /** When someone else publishes meanwhile, publish over theirs instead of giving up. */
  readonly retry?: boolean;
  /** `false`: rules, headers and settings that cannot be used are left out with a warning. */
  readonly strict?: boolean;
  /** Folder for what is remembered of files that did not change; absent = every file is read. */
  readonly cacheDir?: string;
  /** Show the folder only as this preview, on a host of its own; the site's domains stay as they are. */
  readonly preview?: PreviewInput | undefined;
}

export interface PublishReport extends Published {
  /** `unchanged`: the folder is what the site shows already. */
  readonly kind: "published" | "unchanged" | "planned";
  /** When visitors began to get the release (ISO 8601); absent when nothing had to be purged. */
  readonly liveAt?: string;
  /** Domains that show the release. */
  readonly domains: readonly string[];
  readonly newDomains: readonly string[];
  /** What would change of what the site shows; only in a plan, and only where that is known. */
  readonly changes?: ReleaseChanges;
}

/** How often `retry` begins anew. */
const RETRIES = 5;

/**
 * Publishes a folder as the new release of a site; the site is made if it is new. Either all of it becomes visible or
 * nothing. Finishes what an earlier run left.
 * @throws SitefleetError `site/changed-meanwhile` when someone else published meanwhile, `publish/not-verified`
 */
export async function publishFolder(deps: PublishDeps, request: PublishRequest): Promise<PublishReport> {
  refuseWrongPreview(deps, request);
  return withFollowUp(deps, request, (watched) => publishRetrying(watched, request));
}

/** Told before a large folder is read. */
function refuseWrongPreview(deps: PublishDeps, request: PublishRequest): void {
  const { preview, domains, inPlace } = request;
  if (preview === undefined) return;
  if (domains.length > 0 || inPlace) {
    throw new SitefleetError("cli/usage", "a preview has a host of its own and a release of its own", {
      hint: "--preview goes with neither --domain nor --in-place",
    });
  }
  previewOf(deps, request, preview);
}

async function publishRetrying(deps: PublishDeps, request: PublishRequest): Promise<PublishReport> {
  deps.onProgress({ step: "reading the folder" });
  const [scan, read] = await Promise.all([scanRequested(deps, request), readRecord(deps, request)]);
  deps.watch?.reached("scanned");
  let base = read;
  for (let retries = 0; ; retries += 1) {
    try {
      return await publishScan(deps, request, { scan, base });
    } catch (error) {
      const isLost = error instanceof SitefleetError && error.code === "site/changed-meanwhile";
      if (!isLost || !request.retry || retries === RETRIES) throw error;
      deps.onProgress({ step: "someone else published meanwhile, planning again" });
      base = await readRecord(deps, request);
    }
  }
}

function scanRequested(deps: PublishDeps, request: PublishRequest): Promise<Scan> {
  const { cacheDir, dir } = request;
  return scanPublished(dir, deps.signal, {
    clock: deps.clock,
    segmented: deps.environment.segmented.extensions,
    ...(cacheDir === undefined ? {} : { cacheDir }),
  });
}

interface Draft {
  readonly request: PublishRequest;
  readonly scan: Scan;
  readonly plan: ReleasePlan;
  readonly newDomains: readonly string[];
  readonly base: HeldRecord | undefined;
}

async function publishScan(
  deps: PublishDeps,
  request: PublishRequest,
  read: { readonly scan: Scan; readonly base: HeldRecord | undefined },
): Promise<PublishReport> {
  const { scan, base } = read;
  if (base) refuseDeleting(base.record);
  const plan = planFolder(deps, request, read);
  if (request.preview) return publishAsPreview(deps, { request, preview: request.preview, scan, plan, base });
  const newDomains = request.domains.filter((domain) => !hasDomain(base?.record, domain));
  const draft: Draft = { request, scan, plan, newDomains, base };
  const claims = await claimDomains(deps, request, newDomains, { all: request.dryRun });
  const also = (record: SiteRecord): SiteRecord =>
    withNewDomains(record, newDomains, (domain) => ({ ...primaryEntry(), etag: claims.get(domain) ?? null }));
  const keys = newDomains.map(domainKey);
  const shown = base && currentRelease(base.record);
  const isSame = shown !== undefined && shown.digest === plan.digest && !shown.dirty && !request.full;
  const isShown = isSame && (request.grace !== false || !(await keepsRemoved(deps, request, shown)));
  // What is shown was found to fit when it was published.
  if (!isShown || newDomains.length > 0) refuseUnfit(deps, request, { plan, base, also });
  if (request.dryRun) {
    const kind = isShown && newDomains.length === 0 ? "unchanged" : "planned";
    return withChanges(deps, reportOf(draft, { kind, record: base?.record }), { plan, shown });
  }
  if (base && isShown) return settleUnchanged(deps, { ...draft, base }, { also, keys });
  if (base) await rollForward(deps, request, base);
  const content = await readCurrent(deps, request, shown);
  const made: NewRelease = {
    plan,
    content,
    base,
    reason: "publish",
    keys,
    also,
    ...(request.full === undefined ? {} : { full: request.full }),
    ...(request.grace === undefined ? {} : { grace: request.grace }),
    ...(request.wait === undefined ? {} : { wait: request.wait }),
  };
  const report =
    request.inPlace && base && shown && content.kind === "known"
      ? await publishInPlace(deps, request, { ...made, base, shown, manifest: content.manifest })
      : await makeRelease(deps, request, made);
  refuseLost(request, report, newDomains);
  return reportOf(draft, { kind: "published", ...report });
}

async function publishAsPreview(
  deps: PublishDeps,
  draft: Omit<Draft, "newDomains"> & { readonly preview: PreviewInput },
): Promise<PublishReport> {
  const { request, plan, base } = draft;
  if (base && !request.dryRun) await rollForward(deps, request, base);
  const { dryRun, full, grace, wait } = request;
  const result = await publishPreview(deps, request, {
    ...draft.preview,
    plan,
    base,
    ...(dryRun === undefined ? {} : { dryRun }),
    ...(full === undefined ? {} : { full }),
    ...(grace === undefined ? {} : { grace }),
    ...(wait === undefined ? {} : { wait }),
  });
  const { preview, release } = result;
  const report = reportOf({ ...draft, newDomains: [] }, result);
  const published = { ...report, release, preview, domains: [preview.host] };
  return withChanges(deps, published, { plan, shown: base && currentRelease(base.record) });
}

async function withChanges(
  deps: PublishDeps,
  report: PublishReport,
  of: Parameters<typeof readChanges>[2],
): Promise<PublishReport> {
  if (report.kind !== "planned") return report;
  const { site, siteEnv } = report;
  const changes = await readChanges(deps, { site, siteEnv }, of);
  return changes === undefined ? report : { ...report, changes };
}

function planFolder(
  deps: PublishDeps,
  request: PublishRequest,
  read: { readonly scan: Scan; readonly base: HeldRecord | undefined },
): ReleasePlan {
  const { scan, base } = read;
  const { precedence } = deps.environment.publishing;
  return planRelease({
    place: placeOf(deps, request),
    files: scan.files,
    control: scan.control,
    siteRules: base?.record.rules ?? [],
    policies: base?.record.policies ?? { trailingSlash: "auto", precedence },
    roomFor: roomForRules(deps, request, base?.record),
    ...(request.strict === undefined ? {} : { strict: request.strict }),
  });
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
  const wait = request.wait === undefined ? {} : { wait: request.wait };
  let report: CommitReport = { record: base.record, lost: [], liveAt: undefined };
  if (newDomains.length > 0) {
    const { also: apply, keys } = change;
    report = await commitChange(deps, request, { reason: "publish", keys, known: base, apply, ...wait });
    refuseLost(request, report, newDomains);
  } else if (isUnsettled(base.record)) {
    report = await settleSite(deps, request, base, wait);
  }
  return reportOf(draft, { kind: "unchanged", ...report });
}

function reportOf(
  draft: Draft,
  result: Partial<Omit<CommitReport, "record">> & {
    readonly kind: PublishReport["kind"];
    readonly record: SiteRecord | undefined;
    readonly written?: WrittenCounts;
  },
): PublishReport {
  const { request, scan, plan, newDomains } = draft;
  const { record, written, liveAt } = result;
  const isLost = (domain: string): boolean => (result.lost ?? []).some((row) => row.domain === domain);
  const lost = (result.lost ?? []).map(
    ({ domain, owner }) =>
      `${domain} belongs to ${owner === undefined ? "another site" : `site "${owner}"`} by now; it was taken off this site`,
  );
  return {
    kind: result.kind,
    site: request.site,
    siteEnv: request.siteEnv,
    release: record?.current ?? null,
    previous: record?.previous ?? null,
    ...plan.counts,
    ...(written === undefined ? {} : { written }),
    ...(liveAt === undefined ? {} : { liveAt }),
    domains: Object.entries(record?.domains ?? {}).flatMap(([domain, { kind, removing }]) =>
      kind === "primary" && !removing && !isLost(domain) ? [domain] : [],
    ),
    newDomains,
    warnings: [...scan.warnings, ...plan.warnings, ...lost],
  };
}
