import { EDGE_PATTERNS } from "../../src/site/edge-patterns.ts";
import { CONFIG_METADATA } from "../../src/site/metadata.ts";
import { segmentHash } from "../../src/site/short-hashes.ts";
import { unusableConfig } from "./config-lookup.ts";
import { sha256Hex } from "./lib/digests.ts";
import { isReadable, metadataOf } from "./metadata.ts";
import { trouble } from "./origin-trouble.ts";
import { readThrough } from "./read-through.ts";
import type { Decision, Visit } from "./visit.ts";

const TAG = new RegExp(EDGE_PATTERNS.bucketTag);

/**
 * Where the config lists the first segment of a path, the rules of that segment's object take the place of the config's. An
 * object of rules never changes: its key names the release that wrote it.
 */
export async function readBucket(visit: Visit): Promise<Decision> {
  const { buckets } = visit.config;
  const [, segment] = /^\/([^/]+)/.exec(visit.path) ?? [];
  if (visit.phase !== "page" || buckets === undefined || segment === undefined) return undefined;
  const digest = await sha256Hex(segment);
  const hash = segmentHash(segment, () => digest);
  if (!buckets.includes(`,${hash},`)) return undefined;
  const [, tag] = TAG.exec(buckets) ?? [];
  if (tag === undefined) return unusableConfig(visit);
  visit.phase = "rules";
  const url = `/${visit.settings.environment}/${visit.siteEnv}/_sites/${visit.site}/rules/${tag}/${hash}`;
  const stored = await readThrough(visit, { bucket: "rules", url }, { mayRetry: true });
  await stored.discard();
  if (stored.status !== 200) return trouble(visit);
  const { headers } = stored;
  const rules = metadataOf(headers, CONFIG_METADATA.rules);
  const isOfSite = metadataOf(headers, CONFIG_METADATA.site) === visit.site;
  if (!isReadable(headers) || !isOfSite || rules === undefined) return unusableConfig(visit);
  visit.config = { ...visit.config, rules };
  visit.phase = "page";
  return undefined;
}
