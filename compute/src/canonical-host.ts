import { EDGE_PATTERNS } from "../../src/site/edge-patterns.ts";
import { unusableConfig } from "./config-lookup.ts";
import { builtInNotFound } from "./not-found.ts";
import { redirect } from "./redirect.ts";
import type { Decision, Visit } from "./visit.ts";

const HOST = new RegExp(EDGE_PATTERNS.canonicalHost);
const CHALLENGE = new RegExp(EDGE_PATTERNS.challenge);

/**
 * An alias (apex, old name) sends every request to the primary host, with TLS in the same hop where it is forced. It has no
 * pages of its own, so a certificate's challenge, which may not be sent elsewhere, finds nothing here.
 */
export function toCanonicalHost(visit: Visit): Decision {
  const { canonicalHost, forceTls } = visit.config;
  if (canonicalHost === undefined) return undefined;
  if (!HOST.test(canonicalHost)) return unusableConfig(visit);
  if (CHALLENGE.test(visit.path)) {
    visit.phase = "not-found";
    return builtInNotFound(visit);
  }
  const scheme = visit.visitor.isTls || forceTls === "1" ? "https" : "http";
  return redirect(visit, { status: 301, location: publicUrl(visit, scheme, canonicalHost) });
}

/** What was asked for, as a URL at a host of this environment. */
export function publicUrl(visit: Visit, scheme: "http" | "https", host: string): string {
  const port = visit.settings.publicPorts[scheme];
  const isUsual = port === (scheme === "https" ? 443 : 80);
  return `${scheme}://${host}${isUsual ? "" : `:${port}`}${visit.path}${visit.query}`;
}
