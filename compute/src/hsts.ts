import { EDGE_PATTERNS } from "../../src/site/edge-patterns.ts";
import type { Answer, Visit } from "./visit.ts";

const SECONDS = new RegExp(EDGE_PATTERNS.hsts);

/** RFC 6797 section 7.2: only over TLS; only where the domain's config asks for it. */
export function addHsts({ settings, visitor, config }: Visit, { headers }: Answer): void {
  if (!settings.hsts || !visitor.isTls || !SECONDS.test(config.hsts ?? "")) return;
  headers.set("Strict-Transport-Security", `max-age=${config.hsts ?? ""}`);
}
