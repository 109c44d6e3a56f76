import { EU_COUNTRIES } from "../../src/site/edge-names.ts";
import { EDGE_PATTERNS } from "../../src/site/edge-patterns.ts";
import { pageAnswer } from "./error-page.ts";
import type { Decision, Visit } from "./visit.ts";

const EU: ReadonlySet<string> = new Set(EU_COUNTRIES);
const CHALLENGE = new RegExp(EDGE_PATTERNS.challenge);

/**
 * Hosts for visitors in the EU. A country that Fastly does not know is none of the EU's. The publisher's own HEAD requests
 * pass: they check and warm pages from anywhere, and no content goes with their answers.
 */
export function checkCountry(visit: Visit): Decision {
  if (visit.config.euOnly === undefined || EU.has(visit.visitor.country)) return undefined;
  if (visit.isTrusted && visit.visitor.method === "HEAD") return undefined;
  if (CHALLENGE.test(visit.path)) {
    visit.isExempt = true;
    return undefined;
  }
  visit.phase = "outside-eu";
  return pageAnswer(visit, "outsideEu", { status: 403 });
}

/** Exempt is the challenge's own file, not what a site shows where it has no file. */
export function narrowExemption(visit: Visit): void {
  if (visit.isExempt && (visit.phase === "not-found-page" || visit.phase === "spa"))
    visit.phase = "not-found";
}
