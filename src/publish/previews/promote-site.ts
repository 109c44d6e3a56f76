import { SitefleetError } from "../../lib/errors.ts";
import { releasePrefix } from "../../site/layout.ts";
import { currentRelease } from "../../site/model.ts";
import type { ReleaseEntry } from "../../site/model.ts";
import { isUnsettled, refuseDeleting, rollForward, settleSite } from "../commit.ts";
import { withFollowUp } from "../live/follow-up.ts";
import type { Published } from "../published.ts";
import { readCurrent } from "../release/current-content.ts";
import { findManifest } from "../release/manifest.ts";
import { placeOf } from "../publish-deps.ts";
import type { PublishDeps, SiteRef } from "../publish-deps.ts";
import { changedMeanwhile, readRecord, readSite } from "../record-store.ts";
import { makeRelease } from "../release/release.ts";
import { refuseUnfit, roomForRules } from "../release/release-fit.ts";
import type { ShowWishes } from "../release/rollback.ts";
import { contentId } from "../release/release-object.ts";
import type { LocatedObject, Manifest } from "../release/release-object.ts";
import { planRelease } from "../release/release-plan.ts";
import type { PlannedObject } from "../release/release-plan.ts";

export interface PromotedSite extends Published {
  readonly kind: "published" | "unchanged" | "planned";
  /** Website environment and release that it was taken from. */
  readonly from: { readonly siteEnv: string; readonly release: string };
}

/** What is promoted, and what is wanted of the edge then. */
export interface PromoteRequest extends ShowWishes {
  /** Website environment that it is taken from. */
  readonly from: string;
  readonly dryRun?: boolean;
}

/**
 * Makes what a site shows in another website environment a release here: unchanged objects stay where they are, the others
 * are copied inside the store. It is planned by this site's own rules and policies, and committed as any publish is.
 * @throws SitefleetError `site/not-found`, `release/not-found`, `site/unreadable`, `site/changed-meanwhile`,
 * `publish/not-verified`
 */
export async function promoteSite(
  deps: PublishDeps,
  ref: SiteRef,
  input: PromoteRequest,
): Promise<PromotedSite> {
  const wishes = { site: ref.site, siteEnv: ref.siteEnv, ...input };
  return withFollowUp(deps, wishes, (watched) => promote(watched, ref, input));
}

async function promote(deps: PublishDeps, ref: SiteRef, input: PromoteRequest): Promise<PromotedSite> {
  const source = { site: ref.site, siteEnv: input.from };
  if (source.siteEnv === ref.siteEnv) {
    throw new SitefleetError("site/invalid-setting", `the site is in "${ref.siteEnv}" itself`, {
      hint: "--from names another website environment than --site-env",
    });
  }
  const { record: sourceRecord } = await readSite(deps, source);
  const shown = await shownIn(deps, source, sourceRecord);
  const base = await readRecord(deps, ref);
  if (base) refuseDeleting(base.record);
  const planned = planRelease({
    place: placeOf(deps, ref),
    files: shown.files,
    control: shown.control,
    siteRules: base?.record.rules ?? [],
    policies: base?.record.policies ?? {
      trailingSlash: sourceRecord.policies.trailingSlash,
      precedence: deps.environment.publishing.precedence,
    },
    roomFor: roomForRules(deps, ref, base?.record),
    strict: "site",
  });
  const plan = { ...planned, objects: locate(deps, source, { manifest: shown, objects: planned.objects }) };
  refuseUnfit(deps, ref, { plan, base });
  const rulesDiffer = sourceRecord.rules.join("\n") !== (base?.record.rules ?? []).join("\n");
  const warnings = [
    ...plan.warnings,
    ...(rulesDiffer
      ? [`the site's own redirect rules in ${input.from} are not those here; they stay apart`]
      : []),
  ];
  const from = { siteEnv: source.siteEnv, release: shown.release };
  const current = base && currentRelease(base.record);
  const { site, siteEnv } = ref;
  const known = { site, siteEnv, ...plan.counts, from, warnings };
  const state = { ...known, release: base?.record.current ?? null, previous: base?.record.previous ?? null };
  if (input.dryRun) return { ...state, kind: "planned" };
  const wait = input.wait === undefined ? {} : { wait: input.wait };
  if (base && current?.digest === plan.digest && !current.dirty) {
    // An earlier run may have died between the record and what visitors see.
    if (isUnsettled(base.record)) await settleSite(deps, ref, base, wait);
    return { ...state, kind: "unchanged" };
  }
  if (base) await rollForward(deps, ref, base);
  const content = await readCurrent(deps, ref, current);
  const reason = `promote from ${input.from}`;
  const confirm = (): Promise<void> => refuseOverwritten(deps, source, currentRelease(sourceRecord));
  const made = await makeRelease(deps, ref, { plan, content, base, reason, confirm, ...wait });
  const { release, record, written } = made;
  return { ...known, kind: "published", release, previous: record.previous, written };
}

async function shownIn(
  deps: PublishDeps,
  source: SiteRef,
  record: Parameters<typeof currentRelease>[0],
): Promise<Manifest> {
  const shown = currentRelease(record);
  if (!shown) {
    throw new SitefleetError(
      "release/not-found",
      `site "${source.site}" shows nothing in ${source.siteEnv}`,
      {
        hint: `publish it there first: sitefleet publish DIR --site ${source.site} --site-env ${source.siteEnv}`,
      },
    );
  }
  const manifest = shown.dirty ? undefined : await findManifest(deps, source, shown);
  if (manifest) return manifest;
  throw new SitefleetError(
    "site/unreadable",
    `nobody knows what release ${shown.id} in ${source.siteEnv} holds`,
    {
      hint: "publish the folder there again",
    },
  );
}

/** The copies were made while the source stood open to others: one that was overwritten meanwhile may have given a mix. */
async function refuseOverwritten(
  deps: PublishDeps,
  source: SiteRef,
  taken: ReleaseEntry | undefined,
): Promise<void> {
  const { record } = await readSite(deps, source);
  const now = record.releases.find(({ id }) => id === taken?.id);
  // Overwritten twice, it may have the same content again; it is a moment younger then.
  if (now && !now.dirty && now.digest === taken?.digest && now.createdAt === taken.createdAt) return;
  throw changedMeanwhile(
    source,
    `release ${taken?.id} in ${source.siteEnv} was overwritten or deleted while it was being copied`,
  );
}

/** Where in the other environment the bytes of each object are. */
function locate(
  deps: PublishDeps,
  source: SiteRef,
  found: { readonly manifest: Manifest; readonly objects: readonly PlannedObject[] },
): readonly PlannedObject[] {
  const byContent = new Map<string, LocatedObject>();
  for (const object of found.manifest.objects.values()) byContent.set(contentId(object), object);
  const place = placeOf(deps, source);
  return found.objects.map((object) => {
    if (object.body.kind !== "stored") return object;
    const there = byContent.get(contentId(object));
    if (!there) {
      throw new SitefleetError(
        "site/unreadable",
        `the content of "${object.key}" is not in ${source.siteEnv}: a redirect hides it there`,
        { hint: "publish the folder itself" },
      );
    }
    return { ...object, body: { kind: "elsewhere", storeKey: releasePrefix(place, there.at) + there.key } };
  });
}
