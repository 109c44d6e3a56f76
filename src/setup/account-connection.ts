import { AccountClient } from "../fastly/account-client.ts";
import type { Fleet } from "../fleet/fleet.ts";
import { readVersion } from "../lib/version.ts";

/** A client for what the API tells beside services; the caller closes it. */
export async function connectAccount({ environment, clock, signal, notes }: Fleet): Promise<AccountClient> {
  return new AccountClient({
    apiUrl: environment.fastly.apiUrl,
    token: environment.secrets.apiToken(),
    clock,
    signal,
    userAgent: `sitefleet/${await readVersion()}`,
    onWait: (line) => notes.progress(line),
    // Nothing is lost that is not read: somebody who waits for an answer is better told soon that none comes.
    limits: { attempts: 2 },
  });
}
