import { SitefleetError } from "../../lib/errors.ts";
import type { SiteRecord } from "../../site/model.ts";
import { findManifest } from "./manifest.ts";
import { placeOf } from "../publish-deps.ts";
import type { PublishDeps, SiteRef } from "../publish-deps.ts";
import { roomForRules } from "./release-fit.ts";
import { planRelease } from "./release-plan.ts";

/**
 * Whether a release that is shown again was made with other redirect rules of the site, or another policy of paths, than
 * the site has now: it shows those of then until the folder is published again. Without a manifest nobody can tell.
 */
export async function isStale(
  deps: PublishDeps,
  ref: SiteRef,
  shown: { readonly record: SiteRecord; readonly release: string },
): Promise<boolean> {
  const { record, release } = shown;
  const entry = record.releases.find(({ id }) => id === release);
  const manifest = entry && (await findManifest(deps, ref, entry));
  if (!entry || !manifest) return false;
  try {
    const plan = planRelease({
      place: placeOf(deps, ref),
      files: manifest.files,
      control: manifest.control,
      siteRules: record.rules,
      policies: record.policies,
      roomFor: roomForRules(deps, ref, record),
      strict: "site",
    });
    return plan.digest !== entry.digest;
  } catch (error) {
    // Rules of today that cannot stand beside that release's files are surely not those that it was made with.
    if (error instanceof SitefleetError && error.kind === "user") return true;
    throw error;
  }
}

/** What to say of such a release. */
export function staleText(release: string): string {
  return `release ${release} was made with other redirect rules or path policies than the site has now; it shows those of then until its folder is published again`;
}
