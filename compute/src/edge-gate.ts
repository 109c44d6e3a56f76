import { CONDITIONS, DEBUG_HEADER, PROBE_HEADER } from "../../src/site/edge-names.ts";
import type { EdgeSettings } from "../../src/site/edge-settings.ts";
import type { Platform, Visitor } from "./platform.ts";
import type { Secrets, Visit } from "./visit.ts";

/** All of a request's headers that the app reads: no other one can mean anything. */
const READ = [
  "accept",
  "accept-encoding",
  "authorization",
  "host",
  "sec-fetch-mode",
  ...[...CONDITIONS, DEBUG_HEADER, PROBE_HEADER].map((name) => name.toLowerCase()),
];

/** A request as the walk begins, of which nothing is known yet but what was sent. */
export function letIn(
  visitor: Visitor,
  parts: { readonly platform: Platform; readonly settings: EdgeSettings; readonly secrets: Secrets },
): Visit {
  const headers = new Map<string, string>();
  READ.forEach((name) => {
    const value = visitor.headers.get(name);
    if (value !== null) headers.set(name, value);
  });
  return {
    ...parts,
    visitor,
    start: parts.platform.now(),
    headers,
    isTrusted: false,
    credentials: undefined,
    phase: "",
    path: "",
    query: "",
    asked: undefined,
    host: "",
    siteEnv: "",
    site: "",
    base: undefined,
    release: undefined,
    config: {},
    key: "",
    status: 200,
    isConditional: false,
    isPrivate: false,
    area: undefined,
    isExempt: false,
    isNotFoundPage: false,
    region: "first",
    configSeen: undefined,
  };
}

const INTERNAL = /^(?:x-amz-|sf-|surrogate-(?:key|control)$|server$|age$)/;

/** Takes away what is nobody's business outside; version-marker and probe add theirs afterwards. */
export function letOut(headers: Headers): void {
  const internal: string[] = [];
  headers.forEach((_, name) => {
    if (INTERNAL.test(name)) internal.push(name);
  });
  for (const name of internal) headers.delete(name);
}
