import { desiredService } from "../../src/deploy/service/desired.ts";
import { edgeSecretsOf, edgeSettingsOf } from "../../src/render/edge-settings.ts";
import { originsOf } from "../../src/render/origins.ts";
import { serviceSources } from "../../src/mirror/api/generated-vcl.ts";
import { liveAcls, liveTables } from "../../src/mirror/api/live-content.ts";
import { renderService } from "../../src/render/render.ts";
import { plannedSide } from "../../src/replay/plan-sides.ts";
import { versionInput } from "../../src/replay/version-input.ts";
import { environmentOf } from "../../src/settings/environment.ts";
import type { Environment } from "../../src/settings/environment.ts";
import { settingsSchema } from "../../src/settings/schema.ts";
import type { SettingsInput } from "../../src/settings/schema.ts";
import type { EdgeSettings } from "../../src/site/edge-settings.ts";
import { checkService } from "../../src/vcl/compile-service.ts";
import { compileProgram } from "../../src/vcl/compiler.ts";
import type { Program } from "../../src/vcl/runtime.ts";

type Server = SettingsInput["environments"][string];

export const SEGMENT = "segment-0123456789";
export const KEY = { id: "EQUALITYREADER", secret: "equality/secret+0123456789" } as const;

const S3 = { region: "us-east-1", configBucket: "one-config", hostingBucket: "one-hosting" } as const;
const SECOND = { region: "us-west-2", configBucket: "two-config", hostingBucket: "two-hosting" } as const;
const HOST_SUFFIXES = { ".staging.example.net": "staging", ".example.net": "preview" } as const;
const TTL = { config: 60, unknownDomain: 10, page: 600, notFound: 30, staleIfError: 300 } as const;

/** Server environments that differ in all that a template looks at. None has a shield: Compute has none. */
const SERVERS: readonly Omit<Server, "fastly">[] = [
  { s3: S3, hostSuffixes: HOST_SUFFIXES, ttl: TTL },
  {
    s3: { ...S3, second: SECOND },
    hostSuffixes: HOST_SUFFIXES,
    tlsRedirectStatus: 308,
    ttl: { ...TTL, page: 86_400, config: 3_600, notFound: 120 },
  },
  {
    s3: { ...S3, endpoint: "http://127.0.0.1:9000" },
    hsts: false,
    rateLimiting: true,
    publicPorts: { http: 8080, https: 8443 },
    ttl: { ...TTL, unknownDomain: 0, staleIfError: 0 },
  },
  {
    s3: { ...S3, endpoint: "https://s3.example.test:9443/", second: SECOND },
    hostSuffixes: { ".net": "preview" },
    rateLimiting: true,
    segmented: { extensions: ["mp4"] },
    ttl: { config: 1, unknownDomain: 1, page: 5, notFound: 1, staleIfError: 10 },
  },
];

/** Of those, what is compared with the app without Fastly's HTTP cache, too. */
const WITHOUT_HTTP_CACHE: readonly number[] = [0, 1, 3];

/** What tells them apart. */
const SERVER_NAMES = [
  "one region",
  "two regions, long times, TLS redirects with 308",
  "no HSTS, rate limiting, other ports, a store of another address",
  "two regions of other addresses, short times, segmented files, rate limiting",
] as const;

/** What tells settings apart. */
export const SETTINGS_NAMES: readonly string[] = [
  ...SERVER_NAMES,
  ...WITHOUT_HTTP_CACHE.map((index) => `${SERVER_NAMES[index]}; no HTTP cache`),
];

/** Settings with Fastly's HTTP cache come first, then those without. */
export const SETTINGS_COUNT = SERVERS.length + WITHOUT_HTTP_CACHE.length;
export const CACHED_COUNT = SERVERS.length;

/** An environment, and both targets' ways to have it. */
export interface Setting {
  readonly environment: Environment;
  readonly origins: ReturnType<typeof originsOf>;
  readonly edgeSettings: EdgeSettings;
  readonly secrets: Readonly<Record<string, string>>;
  /** Compiled when first asked for. */
  program(): Program;
}

/** A text of the rendered VCL, and what stands in its place. */
export type VclChange = (content: string) => string;

/** All settings by their index. VCL is compiled once for those that differ in the app only. */
export function allSettings(): readonly Setting[] {
  const cached = SERVERS.map((server) => settingOf(server, (content) => content));
  const others = WITHOUT_HTTP_CACHE.flatMap((index) => cached[index] ?? []);
  return [...cached, ...others.map(withoutHttpCache)];
}

/** One of the settings, with VCL that may be changed. @throws RangeError where there is none of that index */
export function settingWith(index: number, change: VclChange = (content) => content): Setting {
  const of = index < SERVERS.length ? index : WITHOUT_HTTP_CACHE[index - SERVERS.length];
  const server = of === undefined ? undefined : SERVERS[of];
  if (server === undefined) throw new RangeError(`there are no settings ${index}`);
  const setting = settingOf(server, change);
  return of === index ? setting : withoutHttpCache(setting);
}

function withoutHttpCache(setting: Setting): Setting {
  return { ...setting, edgeSettings: { ...setting.edgeSettings, httpCache: false } };
}

function settingOf(server: Omit<Server, "fastly">, change: VclChange): Setting {
  const fastly = { serviceName: "equality", domains: ["*.example.com", "*.example.net"] };
  const environment = environmentOf(
    settingsSchema.parse({ environments: { test: { ...server, fastly } } }),
    "test",
    { SITEFLEET_EDGE_S3_KEY: `${KEY.id}:${KEY.secret}`, SITEFLEET_CONFIG_SEGMENT: SEGMENT },
  );
  const rendered = renderService(environment);
  let program: Program | undefined;
  return {
    environment,
    origins: originsOf(environment),
    edgeSettings: edgeSettingsOf(environment, { revision: rendered.revision, httpCache: true }),
    secrets: edgeSecretsOf(environment),
    program() {
      return (program ??= compile(environment, rendered, change));
    },
  };
}

/** As the control plane of a mirror would. */
function compile(
  environment: Environment,
  rendered: ReturnType<typeof renderService>,
  change: VclChange,
): Program {
  const desired = desiredService(environment, rendered);
  const vcls = desired.content.vcls.map((file) =>
    file.main ? { ...file, content: change(file.content) } : file,
  );
  const side = plannedSide({ desired: { ...desired, content: { ...desired.content, vcls } }, drops: [] });
  const input = versionInput(side);
  const service = checkService(serviceSources(input));
  return compileProgram(service.program, {
    tables: liveTables(input),
    acls: liveAcls(input),
    warnings: service.warnings,
  });
}
