import { SitefleetError } from "../../lib/errors.ts";
import { currentRelease } from "../../site/model.ts";
import type { ReleaseEntry, SiteRecord } from "../../site/model.ts";
import { domainKey } from "../../site/surrogate-keys.ts";
import { commitChange } from "../commit.ts";
import type { CommitReport } from "../commit.ts";
import { readCurrent } from "../release/current-content.ts";
import { claimHosts, refuseLost } from "../domains.ts";
import { previewOf, withPreview } from "./previews.ts";
import type { Preview } from "./previews.ts";
import type { PublishDeps, SiteRef } from "../publish-deps.ts";
import type { HeldRecord } from "../record-store.ts";
import { makeRelease } from "../release/release.ts";
import type { WrittenCounts } from "../release/release.ts";
import { refuseUnfit } from "../release/release-fit.ts";
import type { ReleasePlan } from "../release/release-plan.ts";
import { withRelease } from "../release/release-record.ts";
import type { Showing } from "../release/release-record.ts";

export interface PreviewInput {
  readonly name: string;
  /** Milliseconds from now until it expires; the settings' `previews.days` unless given. */
  readonly lifetime?: number | undefined;
}

export interface PreviewPublished extends Partial<Omit<CommitReport, "record">> {
  readonly kind: "published" | "unchanged" | "planned";
  readonly record: SiteRecord | undefined;
  readonly preview: Preview;
  /** The release that the preview shows; `null` for a plan. */
  readonly release: string | null;
  readonly written?: WrittenCounts;
}

/**
 * Publishes a plan as a release that only a preview's host shows: it is a delta of what the site shows where that is
 * possible, and the site's own domains are not touched. Content that the site shows already, or the preview itself, is
 * not written again.
 * @throws SitefleetError `preview/not-enabled`, `domain/wrong-environment`, and as publishing does
 */
export async function publishPreview(
  deps: PublishDeps,
  ref: SiteRef,
  input: PreviewInput & {
    readonly plan: ReleasePlan;
    readonly base: HeldRecord | undefined;
    readonly dryRun?: boolean;
    readonly full?: boolean;
    readonly grace?: boolean;
    readonly wait?: boolean;
  },
): Promise<PreviewPublished> {
  const { plan, base } = input;
  const preview = previewOf(deps, ref, input);
  const claims = await claimHosts(deps, ref, base && hasHost(base.record, preview) ? [] : [preview.host]);
  const etag = claims.get(preview.host) ?? null;
  const showing = showingIn(preview, etag);
  refuseUnfit(deps, ref, { plan, base, showing });
  if (input.dryRun) return { kind: "planned", record: base?.record, preview, release: null };
  const wait = input.wait === undefined ? {} : { wait: input.wait };
  const change = { reason: `publish the preview ${preview.name}`, keys: [domainKey(preview.host)], ...wait };
  const same = input.full ? undefined : base && sameRelease(base.record, preview, plan);
  if (base && same) {
    const apply = (record: SiteRecord): SiteRecord =>
      showAgain(ref, record, { preview, release: same, etag });
    const report = await commitChange(deps, ref, { ...change, known: base, apply });
    refuseLost(ref, report, [preview.host]);
    return { ...report, kind: "unchanged", preview, release: same };
  }
  const content = await readCurrent(deps, ref, base && currentRelease(base.record));
  const report = await makeRelease(deps, ref, {
    ...change,
    plan,
    content,
    base,
    showing,
    ...(input.full === undefined ? {} : { full: input.full }),
    ...(input.grace === undefined ? {} : { grace: input.grace }),
  });
  refuseLost(ref, report, [preview.host]);
  return { ...report, kind: "published", preview };
}

function hasHost(record: SiteRecord, { host }: Preview): boolean {
  return Object.hasOwn(record.domains, host);
}

function showingIn(preview: Preview, etag: string | null): Showing {
  return {
    // The release that the preview showed is named until then, and remembered.
    show: (record, entry, environment) =>
      withPreview(withRelease(record, entry, environment), { preview, release: entry.id, etag }),
    shownBy: (record) => shownIn(record, preview),
  };
}

function shownIn(record: SiteRecord, { host }: Preview): string | null {
  const entry = Object.hasOwn(record.domains, host) ? record.domains[host] : undefined;
  return entry?.kind === "preview" && !entry.removing ? entry.release : null;
}

/** A release with the same content that can be shown as it is: the preview's own, or the site's. */
function sameRelease(record: SiteRecord, preview: Preview, plan: ReleasePlan): string | undefined {
  const shown = shownIn(record, preview);
  const candidates = [record.releases.find(({ id }) => id === shown), currentRelease(record)];
  return candidates.find((entry) => entry !== undefined && isSame(entry, plan))?.id;
}

function isSame(entry: ReleaseEntry, plan: ReleasePlan): boolean {
  return entry.digest === plan.digest && !entry.dirty;
}

function showAgain(ref: SiteRef, record: SiteRecord, shown: Parameters<typeof withPreview>[1]): SiteRecord {
  if (record.releases.some(({ id, dirty }) => id === shown.release && !dirty))
    return withPreview(record, shown);
  throw new SitefleetError(
    "site/changed-meanwhile",
    `site "${ref.site}" was changed by someone else: release ${shown.release} was pruned or is being overwritten`,
    { hint: "run the command again" },
  );
}
