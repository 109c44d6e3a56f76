import type { Environment } from "../settings/environment.ts";
import { EDGE_SETTINGS_FORMAT } from "../site/edge-settings.ts";
import type { EdgeSettings } from "../site/edge-settings.ts";
import { originsOf } from "./origins.ts";

export interface EdgeSettingsOptions {
  /** Told to who knows the debug token. */
  readonly revision: string;
  /** Whether the service has Fastly's HTTP cache. */
  readonly httpCache: boolean;
}

/** What the Compute app must know of an environment: what the templates have as constants. */
export function edgeSettingsOf(environment: Environment, options: EdgeSettingsOptions): EdgeSettings {
  const { ttl } = environment;
  return {
    format: EDGE_SETTINGS_FORMAT,
    environment: environment.name,
    revision: options.revision,
    hostSuffixes: environment.hostSuffixes,
    publicPorts: environment.publicPorts,
    hsts: environment.hsts,
    tlsRedirectStatus: environment.tlsRedirectStatus,
    ttl: {
      config: ttl.config,
      unknownDomain: ttl.unknownDomain,
      page: ttl.page,
      notFound: ttl.notFound,
      staleIfError: ttl.staleIfError,
    },
    segmentedExtensions: environment.segmented.extensions,
    rateLimiting: environment.rateLimiting,
    logEndpoint: environment.fastly.logEndpoint,
    httpCache: options.httpCache,
    origins: originsOf(environment).map(({ name, bucket, region, host, tls, prefix }) => ({
      backend: name,
      bucket,
      isSecond: name.endsWith("_second"),
      region,
      host,
      tls,
      prefix,
    })),
  };
}

/** The values of the Secret Store by their names. Plain text: for the store itself. */
export function edgeSecretsOf({ secrets }: Environment): Readonly<Record<EdgeSecretName, string>> {
  const key = secrets.edgeStoreKey().reveal();
  return { config_s3_key: key, hosting_s3_key: key, config_segment: secrets.configSegment().reveal() };
}

export type EdgeSecretName = "config_s3_key" | "hosting_s3_key" | "config_segment";
