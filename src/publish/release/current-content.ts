import { lookUpDelta, unpackDelta } from "../../site/delta-list.ts";
import { releasePrefix } from "../../site/layout.ts";
import type { ReleaseEntry } from "../../site/model.ts";
import { isReleaseId } from "../../site/names.ts";
import { keyHash } from "./delta-plan.ts";
import { findManifest } from "./manifest.ts";
import { placeOf } from "../publish-deps.ts";
import type { PublishDeps, SiteRef } from "../publish-deps.ts";
import type { Manifest } from "./release-object.ts";

/** An object as a listing shows it: its headers and metadata are not known. */
export interface StoredContent {
  readonly key: string;
  /** Release under whose prefix it lies. */
  readonly at: string;
  readonly size: number;
  readonly etag: string;
}

/** What is known of the content that a site shows. */
export type CurrentContent =
  /** Nothing is shown yet. */
  | { readonly kind: "none" }
  | { readonly kind: "known"; readonly manifest: Manifest }
  /** The manifest is lost, foreign or not to be trusted: bytes that are there can be reused, nothing else. */
  | { readonly kind: "listed"; readonly stored: readonly StoredContent[] };

/**
 * What a release holds, by its manifest. Without one that can be trusted (an overwriting in place was interrupted, or the
 * object is gone or not ours) the release's prefixes are listed.
 */
export async function readCurrent(
  deps: PublishDeps,
  ref: SiteRef,
  entry: ReleaseEntry | undefined,
): Promise<CurrentContent> {
  if (!entry) return { kind: "none" };
  const manifest = entry.dirty ? undefined : await findManifest(deps, ref, entry);
  if (manifest && manifest.base === entry.base) return { kind: "known", manifest };
  deps.onProgress({ step: `listing release ${entry.id}, whose manifest cannot be used` });
  return { kind: "listed", stored: await listContent(deps, ref, entry) };
}

/** Whether removed assets of a release can still be read; without a manifest nobody knows that none can. */
export async function keepsRemoved(deps: PublishDeps, ref: SiteRef, entry: ReleaseEntry): Promise<boolean> {
  const manifest = await findManifest(deps, ref, entry);
  return !manifest || [...manifest.objects.values()].some(({ removedAt }) => removedAt !== undefined);
}

/** What the edge would find for a release: every object below its prefixes that its delta list leads to. */
async function listContent(
  deps: PublishDeps,
  ref: SiteRef,
  entry: ReleaseEntry,
): Promise<readonly StoredContent[]> {
  const { base, delta } = entry;
  const tags = [...(unpackDelta(delta)?.values() ?? [])].filter(isReleaseId);
  const stored: StoredContent[] = [];
  for (const at of new Set([base, ...tags])) {
    const prefix = releasePrefix(placeOf(deps, ref), at);
    for await (const found of deps.store.hosting.list({ prefix, signal: deps.signal })) {
      if (found.kind !== "object") continue;
      const key = found.key.slice(prefix.length);
      const isShown = (lookUpDelta(delta, keyHash(key)) ?? base) === at;
      if (isShown) stored.push({ key, at, size: found.size, etag: found.etag });
    }
  }
  return stored;
}
