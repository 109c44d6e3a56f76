import { isLoopbackHost } from "../../lib/loopback.ts";
import type { Environment } from "../../settings/environment.ts";

/** A host that a domain of the settings stands for: itself, or some name below a wildcard. */
export function hostOf(domain: string): string {
  return domain.replace(/^\*\./, "sitefleet-doctor.");
}

/** Why DNS and public certificates say nothing about an environment; `undefined` when they do. */
export function privateReason({ verify, fastly }: Environment): string | undefined {
  if (isLoopbackHost(new URL(fastly.apiUrl).hostname)) return "the environment is a mirror on this machine";
  if (verify && isLoopbackHost(new URL(verify.url).hostname)) return "the edge is on this machine";
  return undefined;
}
