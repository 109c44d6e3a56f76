import { z } from "zod";
import { SitefleetError } from "../lib/errors.ts";
import type { MirrorFile } from "../settings/local.ts";
import { parseSettings } from "../settings/schema.ts";
import type {
  ServerEnvironmentSettings,
  Settings,
  SettingsInput,
  StoreLocation,
} from "../settings/schema.ts";

/** Mirrors by the environment that each stands for. */
export type MirrorPlaces = ReadonlyMap<string, MirrorFile>;

/**
 * The same settings with environments moved to mirrors: everything stays but where Fastly, the buckets and the edge are.
 * Environments without a mirror are left out.
 * @throws SitefleetError `settings/unknown-environment`, `settings/invalid` when what comes out is no settings
 */
export function mirrorSettings(settings: Settings, mirrors: MirrorPlaces): SettingsInput {
  const environments = [...mirrors].map(([name, mirror]) => {
    const found = Object.hasOwn(settings.environments, name) ? settings.environments[name] : undefined;
    if (!found) {
      throw new SitefleetError("settings/unknown-environment", `no server environment "${name}"`, {
        hint: `the settings have ${Object.keys(settings.environments).join(", ")}`,
      });
    }
    return [name, onMirror(found, { name, mirror })] as const;
  });
  const moved: SettingsInput = {
    stages: [...mirrors.keys()],
    ...(settings.edge === undefined ? {} : { edge: settings.edge }),
    environments: Object.fromEntries(environments),
  };
  const parsed = parseSettings(moved);
  if ("settings" in parsed) return moved;
  throw new SitefleetError("settings/invalid", "the settings cannot be moved to mirrors as they are", {
    hint: "correct every line listed",
    details: parsed.issues.map(({ path, message }) => `${path}: ${message}`),
  });
}

function onMirror(
  environment: ServerEnvironmentSettings,
  place: { readonly name: string; readonly mirror: MirrorFile },
): SettingsInput["environments"][string] {
  const { edge, api } = place.mirror;
  // Ids are those of services at Fastly.
  const { serviceId: _, alsoPurge: __, shield, ...fastly } = environment.fastly;
  const { second } = environment.s3;
  const { hostSuffix = suffixBelow(fastly.domains) } = environment.verify ?? {};
  // Compute answers over TLS alone.
  const address = environment.target === "compute" ? { url: edge.https, ca: edge.ca } : { url: edge.http };
  return {
    ...environment,
    fastly: {
      ...fastly,
      serviceName: fastly.serviceName ?? `sitefleet-${place.name}`,
      apiUrl: api.url,
      ...(shield === undefined ? {} : { shield: edge.shield ?? shield }),
    },
    s3: {
      ...moved(environment.s3, place.mirror),
      ...(second === undefined ? {} : { second: moved(second, place.mirror) }),
    },
    publicPorts: { http: Number(new URL(edge.http).port), https: Number(new URL(edge.https).port) },
    ...(hostSuffix === undefined
      ? {}
      : { verify: { ...address, hostSuffix, ...(edge.pops ? { pops: edge.pops } : {}) } }),
  };
}

function moved({ configBucket, hostingBucket }: StoreLocation, { s3 }: MirrorFile): StoreLocation {
  return { region: s3.region, endpoint: s3.url, pathStyle: true, configBucket, hostingBucket };
}

/** A name below the first wildcard. */
function suffixBelow(domains: readonly string[]): string | undefined {
  const wildcard = domains.find((domain) => domain.startsWith("*."));
  return wildcard === undefined ? undefined : `verify.${wildcard.slice(2)}`;
}

/** Variables that open the mirrors, `NAME_<ENVIRONMENT>`; what settings read from other variables gets a stand-in. */
export function mirrorVariables(
  settings: SettingsInput,
  mirrors: MirrorPlaces,
): Readonly<Record<string, string>> {
  const all = [...mirrors].flatMap(([name, { api, s3, configSegment }]) => {
    const own: readonly (readonly [string, string])[] = [
      ["FASTLY_API_TOKEN", api.token],
      ["AWS_ACCESS_KEY_ID", s3.accessKeyId],
      ["AWS_SECRET_ACCESS_KEY", s3.secretAccessKey],
      ["SITEFLEET_EDGE_S3_KEY", s3.edgeKey],
      ["SITEFLEET_CONFIG_SEGMENT", configSegment],
    ];
    const others = variablesIn(settings.environments[name]).map((variable) => [variable, "mirror"] as const);
    const suffix = `_${name.toUpperCase().replaceAll("-", "_")}`;
    return [...own, ...others].map(([variable, value]) => [`${variable}${suffix}`, value] as const);
  });
  return Object.fromEntries(all);
}

const variableField = z.strictObject({ env: z.string() });

/** Names in `{ env: "NAME" }`, wherever they stand. */
function variablesIn(value: unknown): readonly string[] {
  if (typeof value !== "object" || value === null) return [];
  const named = variableField.safeParse(value);
  return named.success ? [named.data.env] : [...new Set(Object.values(value).flatMap(variablesIn))];
}
