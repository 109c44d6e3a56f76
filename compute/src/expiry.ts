import { EDGE_PATTERNS } from "../../src/site/edge-patterns.ts";
import { unusableConfig } from "./config-lookup.ts";
import { pageAnswer } from "./error-page.ts";
import type { Decision, Visit } from "./visit.ts";

const TIME = new RegExp(EDGE_PATTERNS.expires);

/** A host with an end, such as a preview's: the edge itself keeps the time, whoever forgets to clean up. */
export function checkExpiry(visit: Visit): Decision {
  const { expires } = visit.config;
  if (expires === undefined) return undefined;
  if (!TIME.test(expires)) return unusableConfig(visit);
  if (Number(expires) > visit.start / 1_000) return undefined;
  visit.phase = "expired";
  return pageAnswer(visit, "expired", { status: 410, headers: { "X-Robots-Tag": "noindex" } });
}
