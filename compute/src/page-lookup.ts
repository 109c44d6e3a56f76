import { pageKey } from "../../src/site/page-key.ts";
import { releaseOf } from "./delta-releases.ts";
import { isNotFoundPage } from "./not-found.ts";
import { openObject } from "./object.ts";
import type { StoredObject } from "./object.ts";
import { readThrough } from "./read-through.ts";
import { isInBlocks, readLarge } from "./segmented-caching.ts";
import type { Visit } from "./visit.ts";

/** From path to object: what S3 has under the page key of `path`; `undefined` where storage is in trouble. */
export function lookUpPage(visit: Visit): Promise<StoredObject | undefined> {
  visit.key = `/${pageKey(visit.path)}`;
  visit.isConditional = visit.phase !== "rewrite" || visit.status === 200;
  visit.isNotFoundPage = visit.phase === "page" && isNotFoundPage(visit);
  if (visit.isNotFoundPage) visit.isConditional = false;
  return readObject(visit);
}

/** What S3 has under `key`, in the release that has it. */
export async function readObject(visit: Visit): Promise<StoredObject | undefined> {
  const { base, site, siteEnv, key } = visit;
  // A config without one has been answered before: config-lookup lets none in but aliases' and suspended sites'.
  if (base === undefined) throw new Error("a config without a release was let in");
  const release = await releaseOf(visit, base, key);
  const url = `/${visit.settings.environment}/${siteEnv}/${site}/${release}${key}`;
  const place = { bucket: "hosting", url } as const;
  const inBlocks = isInBlocks(visit);
  const large = inBlocks ? await readLarge(visit, place) : undefined;
  const mayRetry = visit.phase !== "not-found-page";
  return openObject(visit, large ?? (await readThrough(visit, place, { mayRetry })), inBlocks);
}
