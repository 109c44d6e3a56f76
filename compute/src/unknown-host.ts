import { pageAnswer } from "./error-page.ts";
import type { Answer, Visit } from "./visit.ts";

/** A host without a config object, whose absence is cached under `d:<domain>`, so that adding the domain shows at once. */
export function unknownHost(visit: Visit): Answer {
  visit.phase = "unknown-host";
  return pageAnswer(visit, "unknownHost", { status: 404, headers: { "X-Robots-Tag": "noindex" } });
}
