import { SecretTexts } from "../deploy/service/secret-texts.ts";
import type { Secret } from "../lib/secret.ts";
import { originsOf } from "../render/origins.ts";
import type { Environment } from "../settings/environment.ts";
import type { StoreBackend } from "./memory-origins.ts";

/** What a replay needs to know of a server environment. */
export interface ReplayEnvironment {
  readonly name: string;
  /** Last segment of config objects' keys. */
  readonly segment: Secret;
  /** Longest suffix first. */
  readonly hostSuffixes: Environment["hostSuffixes"];
  /** Seconds. */
  readonly ttl: Pick<Environment["ttl"], "config" | "page" | "staleIfError">;
  /** Shield code; absent = no shield. */
  readonly shield?: string;
  /** Backends that are the stores, by their names in VCL. */
  readonly stores: ReadonlyMap<string, StoreBackend>;
  /** A text without the values of the private dictionary, which keys and wrong VCL may show. */
  readonly hide: (text: string) => string;
}

/** The environment as a replay sees it. */
export function replayEnvironment(environment: Environment): ReplayEnvironment {
  const { name, hostSuffixes, ttl, secrets, fastly } = environment;
  const stores = originsOf(environment).map(
    ({ backend, bucket, prefix, name: origin }): [string, StoreBackend] => [
      backend,
      { bucket, prefix, second: origin.endsWith("_second") },
    ],
  );
  const hidden = new SecretTexts([secrets.configSegment(), secrets.edgeStoreKey()]);
  return {
    name,
    segment: secrets.configSegment(),
    hostSuffixes,
    ttl,
    ...(fastly.shield === undefined ? {} : { shield: fastly.shield }),
    stores: new Map(stores),
    hide: (text) => hidden.hide(text),
  };
}
