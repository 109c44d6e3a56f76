import { pageAnswer } from "./error-page.ts";
import type { Decision, Visit } from "./visit.ts";

/** A site that its host took down: 410 for good, 503 for a while. */
export function checkSuspended(visit: Visit): Decision {
  const { suspended } = visit.config;
  if (suspended === undefined) return undefined;
  visit.phase = "suspended";
  const robots = { "X-Robots-Tag": "noindex" };
  if (suspended === "410") return pageAnswer(visit, "gone", { status: 410, headers: robots });
  return pageAnswer(visit, "suspended", { status: 503, headers: { ...robots, "Retry-After": "3600" } });
}
