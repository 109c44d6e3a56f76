import { createHash } from "node:crypto";

import { forEachLimit } from "../../lib/for-each-limit.ts";
import { readFileBody } from "../../store/file-body.ts";
import type { StoredContent } from "./current-content.ts";
import type { PlannedCopy, StoragePlan } from "./delta-plan.ts";
import type { PublishDeps } from "../publish-deps.ts";
import type { PlannedObject } from "./release-plan.ts";
import { READ_BUDGET } from "../folder/scan.ts";

const PARALLEL_READS = 16;
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
