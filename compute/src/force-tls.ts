import { EDGE_PATTERNS } from "../../src/site/edge-patterns.ts";
import { publicUrl } from "./canonical-host.ts";
import { redirect } from "./redirect.ts";
import type { Decision, Visit } from "./visit.ts";

const CHALLENGE = new RegExp(EDGE_PATTERNS.challenge);

/** Redirect to https where the domain says so; certificates' HTTP-01 challenges must stay reachable without TLS. */
export function forceTls(visit: Visit): Decision {
  if (visit.config.forceTls !== "1" || visit.visitor.isTls || CHALLENGE.test(visit.path)) return undefined;
  return redirect(visit, {
    status: visit.settings.tlsRedirectStatus,
    location: publicUrl(visit, "https", visit.host),
  });
}
