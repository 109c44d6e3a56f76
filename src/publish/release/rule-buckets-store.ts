import { forEachLimit } from "../../lib/for-each-limit.ts";
import { ruleBucketKey } from "../../site/layout.ts";
import { CONFIG_METADATA } from "../../site/metadata.ts";
import type { CurrentContent } from "./current-content.ts";
import { placeOf } from "../publish-deps.ts";
import type { PublishDeps, SiteRef } from "../publish-deps.ts";
import type { WrittenBuckets } from "./release-object.ts";
import { bucketsDigest } from "./release-plan.ts";
import type { ReleasePlan } from "./release-plan.ts";

const PARALLEL_WRITES = 32;

/** Where the buckets of a plan are, or will be: those of the current release when they say the same. */
export function placeBuckets(
  plan: ReleasePlan,
  content: CurrentContent,
  release: string,
): WrittenBuckets | undefined {
  if (plan.buckets.size === 0) return undefined;
  const digest = bucketsDigest(plan.buckets);
  const known = content.kind === "known" ? content.manifest.buckets : undefined;
  return { tag: known?.digest === digest ? known.tag : release, digest };
}

/** Writes the buckets of a release that has other ones than the release before it. */
export async function writeBuckets(
  deps: PublishDeps,
  ref: SiteRef,
  write: { readonly plan: ReleasePlan; readonly tag: string },
): Promise<void> {
  const place = placeOf(deps, ref);
  const { signal } = deps;
  await forEachLimit(write.plan.buckets, { limit: PARALLEL_WRITES, signal }, async ([segment, metadata]) => {
    await deps.store.config.put({
      key: ruleBucketKey(place, { tag: write.tag, segment }),
      // The rules as text, for people; the edge reads the metadata.
      body: `${(metadata[CONFIG_METADATA.rules] ?? "").replaceAll("|", "\n")}\n`,
      headers: { contentType: "text/plain; charset=utf-8" },
      metadata,
      signal,
    });
  });
}
