import { openPublishing } from "../fleet/publish-session.ts";
import type { FleetRow } from "../mirror/inspector/inspector-server.ts";
import { readSites } from "../publish/site-list.ts";
import type { CommandContext } from "./context.ts";

/** Every site of the environment with the release it shows and its domains. */
export async function* fleetRows(context: CommandContext): AsyncGenerator<FleetRow> {
  const session = openPublishing(await context.fleet());
  try {
    for await (const { site, siteEnv, current, domains } of readSites(session.deps)) {
      yield { site, siteEnv, release: current, domains: Object.keys(domains).sort() };
    }
  } finally {
    await session.close();
  }
}
