import { AccountClient } from "../fastly/account-client.ts";
import { FastlyClient } from "../fastly/client.ts";
import type { TransportOptions } from "../fastly/transport.ts";
import { readVersion } from "../lib/version.ts";
import type { Fleet } from "./fleet.ts";

/** A client of the environment's Fastly API; the caller closes it. */
export async function connectFastly(fleet: Fleet): Promise<FastlyClient> {
  return new FastlyClient(await connectionOf(fleet));
}

/** A client for what the API tells beside services; the caller closes it. */
export async function connectAccount(fleet: Fleet): Promise<AccountClient> {
  // Nothing is lost that is not read: somebody who waits for an answer is better told soon that none comes.
  return new AccountClient({ ...(await connectionOf(fleet)), limits: { attempts: 2 } });
}

async function connectionOf({ environment, clock, signal, notes }: Fleet): Promise<TransportOptions> {
  return {
    apiUrl: environment.fastly.apiUrl,
    token: environment.secrets.apiToken(),
    clock,
    signal,
    userAgent: `sitefleet/${await readVersion()}`,
    onWait: (line) => notes.progress(line),
  };
}
