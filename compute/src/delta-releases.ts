import { deltaHash, lookUpDelta } from "../../src/site/delta-list.ts";
import { sha256Hex } from "./lib/digests.ts";
import type { Visit } from "./visit.ts";

/**
 * The release that has a page: the one that the config's delta list names, or the base release. A removed page is asked for
 * below `-`, where nothing ever is.
 *
 * @param key page key behind a slash
 */
export async function releaseOf(visit: Visit, base: string, key: string): Promise<string> {
  const { delta } = visit.config;
  if (delta === undefined) return base;
  const encodedKey = key.slice(1);
  const hash = await sha256Hex(encodedKey);
  return (
    lookUpDelta(
      delta,
      deltaHash(encodedKey, () => hash),
    ) ?? base
  );
}
