import { parsePreviewName } from "../../site/names.ts";
import { findPreview } from "./previews.ts";
import type { PublishDeps, SiteRef } from "../publish-deps.ts";
import { readSite } from "../record-store.ts";
import { withFollowUp } from "../live/follow-up.ts";
import { showAgain } from "../release/rollback.ts";
import type { ShowWishes, ShownAgain } from "../release/rollback.ts";

/**
 * Shows on the site's own domains the release that a preview shows: nothing is copied. The preview stays until it
 * expires.
 * @param request a preview's name alone stands for `{ name }`
 * @throws SitefleetError `preview/not-found`, `release/not-found`, `publish/not-verified`
 */
export async function promotePreview(
  deps: PublishDeps,
  ref: SiteRef,
  request: string | (ShowWishes & { readonly name: string }),
): Promise<ShownAgain> {
  const { name, ...wishes } = typeof request === "string" ? { name: request } : request;
  return withFollowUp(deps, { site: ref.site, siteEnv: ref.siteEnv, ...wishes }, async (watched) => {
    const known = await readSite(watched, ref);
    // What was seen in the preview is what is shown, also when somebody publishes to it at this moment.
    const { release } = findPreview(known.record, parsePreviewName(name));
    return showAgain(watched, ref, { reason: `promote the preview ${name}`, known, release, ...wishes });
  });
}
