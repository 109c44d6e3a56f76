import type { PublishDeps } from "../publish/publish-deps.ts";
import { readRecord } from "../publish/record-store.ts";
import { findManifest } from "../publish/release/manifest.ts";
import { siteRefs } from "../publish/site-list.ts";
import type { SiteSource } from "../replay/site-source.ts";

/** An environment's real sites, read from its buckets. */
export function storedSites(deps: PublishDeps): SiteSource {
  const { store, signal } = deps;
  return {
    sites: () => siteRefs(deps),
    async record(ref) {
      return (await readRecord(deps, ref))?.record;
    },
    async files(ref, release) {
      // What an interrupted overwriting left is known by nobody: then each object is asked for by itself.
      const manifest = release.dirty ? undefined : await findManifest(deps, ref, release);
      return manifest && [...manifest.objects.values()];
    },
    head: (bucket, key) => store[bucket].head({ key, signal }),
  };
}
