import { FastlyClient } from "../fastly/client.ts";
import { readVersion } from "../lib/version.ts";
import type { Fleet } from "./fleet.ts";

/** A client of the environment's Fastly API; the caller closes it. */
export async function connectFastly({ environment, clock, signal, notes }: Fleet): Promise<FastlyClient> {
  return new FastlyClient({
    apiUrl: environment.fastly.apiUrl,
    token: environment.secrets.apiToken(),
    clock,
    signal,
    userAgent: `sitefleet/${await readVersion()}`,
    onWait: (line) => notes.progress(line),
  });
}
