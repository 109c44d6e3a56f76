import { messageOf } from "./settings.ts";
import type { Platform } from "./platform.ts";
import type { Answer, Secrets, Visit } from "./visit.ts";

/** What tells the operator of a fault, besides the line of the request. */
export type Alarm =
  | { readonly alarm: "unusable config"; readonly domain: string }
  | { readonly alarm: "origin"; readonly bucket: string; readonly status: number; readonly reason?: string }
  | { readonly alarm: "settings"; readonly request: string; readonly reason: string }
  | { readonly alarm: "exception"; readonly request: string; readonly reason: string };

/** Logs an alarm of a request. What somebody else's code says went wrong may quote what it was given, such as an URL. */
export function alarm(visit: Pick<Visit, "platform" | "settings" | "secrets">, what: Alarm): void {
  const told = "reason" in what ? { ...what, reason: withoutSecrets(what.reason, visit.secrets) } : what;
  writeLine(visit.platform, visit.settings.logEndpoint, JSON.stringify(told));
}

function withoutSecrets(text: string, { config, hosting, segment }: Secrets): string {
  return [config.secret, hosting.secret, segment].reduce((rest, one) => rest.replaceAll(one, "***"), text);
}

/** Writes a line to the endpoint, or, where there is none, to where the operator looks without one. */
export function writeLine(platform: Platform, endpoint: string | undefined, line: string): void {
  if (endpoint === undefined) {
    platform.stderr(line);
    return;
  }
  try {
    new platform.Logger(endpoint).log(line);
  } catch (error) {
    // A visitor gets the page all the same.
    platform.stderr(`${line} (not logged to "${endpoint}": ${messageOf(error)})`);
  }
}

/**
 * One JSON line per visitor's request. It is written as the answer begins, so `bytes` are those of the body as far as they are
 * known then, before compression, and `ms` the time until then.
 */
export function logVisit(
  visit: Visit,
  answer: Pick<Answer, "state">,
  sent: { readonly status: number; readonly bytes: number },
): void {
  const line = {
    time: `${new Date(visit.start).toISOString().slice(0, 19)}Z`,
    request: visit.visitor.requestId,
    domain: visit.host,
    site: visit.site,
    site_env: visit.siteEnv,
    release: visit.release ?? visit.base ?? "",
    method: visit.visitor.method,
    path: visit.asked ?? visit.path,
    phase: visit.phase,
    status: sent.status,
    cache: answer.state,
    restarts: 0,
    bytes: sent.bytes,
    ms: Math.round(visit.platform.now() - visit.start),
  };
  writeLine(visit.platform, visit.settings.logEndpoint, JSON.stringify(line));
}
