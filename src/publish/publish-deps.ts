import { hash } from "node:crypto";

import type { FirstPass, PurgeDeps } from "../purge/purge.ts";
import type { Environment } from "../settings/environment.ts";
import type { SitePlace } from "../site/layout.ts";
import { configKey } from "../site/layout.ts";
import { siteEnvOf } from "../site/names.ts";
import type { SiteStore } from "../store/object-store.ts";
import type { EdgeProbe } from "./live/edge-probe.ts";
import type { PublishWatch } from "./live/publish-watch.ts";

/** What is under way; `total` only where it is known. */
export interface Progress {
  readonly step: string;
  readonly done?: number;
  readonly total?: number;
}

/** What every function that reads or changes sites takes. */
export interface PublishDeps extends PurgeDeps {
  readonly environment: Environment;
  readonly store: SiteStore;
  readonly onProgress: (progress: Progress) => void;
  /**
   * Takes over the second purge of a site that is live, and noting that nothing is owed any more. Absent = whoever changes
   * a site waits for both; one that only drops it leaves them to the next run.
   */
  readonly later?: (rest: RestOfCommit) => void;
  /** The environment's edge, where the settings say how to reach it. */
  readonly edge?: EdgeProbe;
  /** Told how a publish goes. */
  readonly watch?: PublishWatch;
}

/** What is left to do when a change is live. */
export interface RestOfCommit {
  readonly ref: SiteRef;
  /** The purge that is to be sent again. */
  readonly purge: FirstPass;
  /** Takes the purge out of the record; only after it was sent. */
  readonly finish: () => Promise<void>;
}

/** Which site is meant. */
export interface SiteRef {
  readonly site: string;
  readonly siteEnv: string;
}

/** Where a site lives in the buckets. */
export function placeOf(deps: PublishDeps, ref: SiteRef): SitePlace {
  return { serverEnv: deps.environment.name, siteEnv: ref.siteEnv, site: ref.site };
}

/** Key of a domain's config object. */
export function configKeyOf(deps: PublishDeps, domain: string): string {
  return configKey({
    serverEnv: deps.environment.name,
    siteEnv: siteEnvOf(domain, deps.environment.hostSuffixes),
    domain,
    segment: deps.environment.secrets.configSegment().reveal(),
  });
}

export function sha256Hex(data: string | Uint8Array): string {
  return hash("sha256", data, "hex");
}
