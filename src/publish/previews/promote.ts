import { parsePreviewName } from "../../site/names.ts";
import { findPreview } from "./previews.ts";
import type { PublishDeps, SiteRef } from "../publish-deps.ts";
import { readSite } from "../record-store.ts";
import type { ReleaseReport } from "../release/release.ts";
import { showAgain } from "../release/rollback.ts";

/**
 * Shows on the site's own domains the release that a preview shows: nothing is copied. The preview stays until it
 * expires.
 * @throws SitefleetError `preview/not-found`, `release/not-found`
 */
export async function promotePreview(deps: PublishDeps, ref: SiteRef, name: string): Promise<ReleaseReport> {
  const known = await readSite(deps, ref);
  // What was seen in the preview is what is shown, also when somebody publishes to it at this moment.
  const { release } = findPreview(known.record, parsePreviewName(name));
  return showAgain(deps, ref, { reason: `promote the preview ${name}`, known, release });
}
