import { DEBUG_HEADER, DEBUG_PREFIX } from "../../src/site/edge-names.ts";
import { isEqualSecret, sha256Hex } from "./lib/digests.ts";
import type { Visit } from "./visit.ts";

/** Whether the client knows the debug token, which only who knows the config segment can make. */
export async function recognise(visit: Visit): Promise<void> {
  const token = visit.headers.get(DEBUG_HEADER.toLowerCase());
  if (token === undefined) return;
  visit.isTrusted = isEqualSecret(token, await sha256Hex(`${DEBUG_PREFIX}${visit.secrets.segment}`));
}

/** Tells who knows the token which version answers. */
export function markVersion(visit: Visit, headers: Headers): void {
  if (!visit.isTrusted) return;
  headers.set("SF-Revision", visit.settings.revision);
  headers.set("SF-Version", visit.platform.env("FASTLY_SERVICE_VERSION") ?? "");
}
