import { createHash } from "node:crypto";

import { forEachLimit } from "../../lib/for-each-limit.ts";
import { readFileBody } from "../../store/file-body.ts";
import type { StoredContent } from "./current-content.ts";
import type { PlannedCopy, StoragePlan } from "./delta-plan.ts";
import { releasePrefix } from "../../site/layout.ts";
import { OBJECT_METADATA } from "../../site/metadata.ts";
import { placeOf } from "../publish-deps.ts";
import type { PublishDeps, SiteRef } from "../publish-deps.ts";
import { isManifestKey } from "./manifest-line.ts";
import { isAsset } from "./release-object.ts";
import type { LocatedObject, ReleaseObject } from "./release-object.ts";
import type { PlannedObject } from "./release-plan.ts";
import { READ_BUDGET } from "../folder/scan.ts";

const PARALLEL_READS = 16;
const PARALLEL_LOOKS = 64;
/** Stands for the hash of bytes that nobody has read: it is that of no content, so nothing is ever copied by it. */
const UNREAD_HASH = "0".repeat(64);
/** The ETag of an object that was written in one part and not encrypted with a key of KMS is its MD5 (S3 API, "Object"). */
const MD5_ETAG = /^"([0-9a-f]{32})"$/;

/**
 * Finds what a listing shows to be in the store already: content of the same size whose ETag is the MD5 of ours. It is
 * copied with our headers, so no byte of a file is sent for it.
 */
export async function reuseStored(
  deps: PublishDeps,
  plan: StoragePlan<PlannedObject>,
  stored: readonly StoredContent[],
): Promise<StoragePlan<PlannedObject>> {
  const byContent = new Map<string, StoredContent>();
  const sizes = new Set<number>();
  for (const content of stored) {
    const md5 = MD5_ETAG.exec(content.etag)?.[1];
    if (md5 === undefined) continue;
    byContent.set(`${content.size} ${md5}`, content);
    sizes.add(content.size);
  }
  const upload: PlannedObject[] = [];
  const copy: PlannedCopy[] = [...plan.copy];
  const options = {
    limit: PARALLEL_READS,
    budget: READ_BUDGET,
    weightOf: ({ size }: PlannedObject) => size,
    signal: deps.signal,
  };
  await forEachLimit(plan.upload, options, async (object) => {
    const md5 = sizes.has(object.size) ? await md5Of(object) : undefined;
    const from = md5 === undefined ? undefined : byContent.get(`${object.size} ${md5}`);
    if (from) copy.push({ object, from: { key: from.key, at: from.at }, etag: from.etag });
    else upload.push(object);
  });
  return { ...plan, upload, copy };
}

/**
 * Finds the assets that a listing shows and the next release does not have: pages that were loaded before may still ask
 * for them. When they were removed is not known, so their grace begins now. Only files' own objects are kept: what a rule
 * showed elsewhere might be behind a password by now, which only its hash could tell.
 */
export async function findRemovedAssets(
  deps: PublishDeps,
  ref: SiteRef,
  found: { readonly stored: readonly StoredContent[]; readonly next: readonly ReleaseObject[] },
): Promise<readonly LocatedObject[]> {
  const { signal } = deps;
  const kept = new Set(found.next.map(({ key }) => key));
  const removedAt = new Date(deps.clock.now()).toISOString();
  const removed: LocatedObject[] = [];
  // Others than this publisher may have written there, under names that no manifest can hold.
  const left = found.stored.filter(({ key }) => !kept.has(key) && isManifestKey(key));
  await forEachLimit(left, { limit: PARALLEL_LOOKS, signal }, async ({ key, at, size }) => {
    const head = await deps.store.hosting.head({ key: releasePrefix(placeOf(deps, ref), at) + key, signal });
    if (head.kind === "not-found") return;
    const { headers, metadata } = head.object;
    const object = { key, size, hash: UNREAD_HASH, headers, metadata, at, removedAt };
    if (metadata[OBJECT_METADATA.canonicalPath] !== undefined && isAsset(object)) removed.push(object);
  });
  return removed.sort((a, b) => (a.key < b.key ? -1 : 1));
}

async function md5Of({ body, size, hash }: PlannedObject): Promise<string | undefined> {
  switch (body.kind) {
    case "stored":
    case "elsewhere":
      return undefined;
    case "text":
      return createHash("md5").update(body.text).digest("hex");
    default:
      return createHash("md5")
        .update(await readFileBody({ path: body.path, size, sha256: hash }))
        .digest("hex");
  }
}
