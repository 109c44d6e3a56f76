import { FastlyClient } from "../fastly/client.ts";
import { readVersion } from "../lib/version.ts";
import type { Environment } from "../settings/environment.ts";
import type { CommandContext } from "./context.ts";

/** A client of the environment's Fastly API; the caller closes it. */
export async function connectFastly(
  context: CommandContext,
  environment: Environment,
): Promise<FastlyClient> {
  return new FastlyClient({
    apiUrl: environment.fastly.apiUrl,
    token: environment.secrets.apiToken(),
    clock: context.clock,
    signal: context.signal,
    userAgent: `sitefleet/${await readVersion()}`,
    onWait: (line) => context.report.progress(line),
  });
}
