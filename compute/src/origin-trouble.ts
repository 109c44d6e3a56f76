import { isBrokenAlias } from "./alias-pages.ts";
import { pageAnswer } from "./error-page.ts";
import { isBrokenRedirect } from "./exact-redirects.ts";
import { alarm } from "./log.ts";
import type { Answer, Place, Visit } from "./visit.ts";

/** What an origin answered, before anything of it is kept. */
export interface Arrival {
  readonly status: number;
  readonly headers: Headers;
}

/**
 * Whether what S3 answered is a fault: it says 200 or 404, anything else, 403 included, is never "not found". So is an object
 * that says what publishing never writes, and the absence of rules that the config lists. The operator is told.
 */
export function isFault(visit: Visit, { bucket }: Place, { status, headers }: Arrival): boolean {
  // Rules that the config lists exist.
  const said = bucket === "rules" && status === 404 ? 503 : status;
  if (said !== 200 && said !== 404) {
    alarm(visit, { alarm: "origin", bucket, status: said });
    return true;
  }
  return bucket === "hosting" && said === 200 && (isBrokenRedirect(headers) || isBrokenAlias(headers));
}

/** The answer where storage failed and nothing stale can be shown. */
export function trouble(visit: Visit): Answer {
  visit.phase = "trouble";
  return pageAnswer(visit, "trouble", { status: 503, headers: { "Retry-After": "30" } });
}
