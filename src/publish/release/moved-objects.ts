import type { PublishDeps, SiteRef } from "../publish-deps.ts";
import { findManifest } from "./manifest.ts";
import type { ReleaseObject } from "./release-object.ts";

/**
 * What visitors get from another place when a site shows another of its releases, by the manifests of both: of all of it
 * where nobody knows what was shown before, of nothing where nobody knows what is shown now.
 * @param shown.before release that was shown; `null` = none
 */
export async function readMovedObjects(
  deps: PublishDeps,
  ref: SiteRef,
  shown: { readonly before: string | null; readonly now: string },
): Promise<readonly ReleaseObject[]> {
  const [before, now] = await Promise.all([
    shown.before === null ? undefined : findManifest(deps, ref, { id: shown.before }),
    findManifest(deps, ref, { id: shown.now }),
  ]);
  return [...(now?.objects.values() ?? [])].filter(
    ({ key, at, removedAt }) => removedAt === undefined && before?.objects.get(key)?.at !== at,
  );
}
