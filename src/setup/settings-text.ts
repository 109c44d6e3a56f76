import { assertNever } from "../lib/errors.ts";
import type { SettingsInput } from "../settings/schema.ts";

/** How a settings file is written: JSON has no comments, and only TypeScript has types. */
export type SettingsFormat = "ts" | "js" | "json";

/** A settings file with a comment for what a reader may want to change; data only, so it needs no package to be read. */
export function settingsText(settings: SettingsInput, format: SettingsFormat): string {
  switch (format) {
    case "json":
      return `${JSON.stringify(settings, null, 2)}\n`;
    case "js":
      return moduleText(settings, {
        head: "",
        type: '/** @type {import("sitefleet").SettingsInput} */\n',
        tail: ";",
      });
    case "ts":
      return moduleText(settings, {
        head: 'import type { SettingsInput } from "sitefleet";\n\n',
        type: "",
        tail: " satisfies SettingsInput;",
      });
    default:
      return assertNever(format);
  }
}

function moduleText(
  settings: SettingsInput,
  { head, type, tail }: { readonly head: string; readonly type: string; readonly tail: string },
): string {
  const environments = Object.entries(settings.environments).map(([name, environment]) =>
    environmentText(name, environment),
  );
  return `${head}/**
 * One Fastly service and one pair of buckets for each environment; all are rendered from the same templates, and what
 * differs stands here. Secrets never do: they come from variables of the environment (FASTLY_API_TOKEN_PRODUCTION, …).
 * Every field is described in docs/settings.md; \`sitefleet doctor --env ${firstOf(settings)}\` checks them all.
 */
${type}export default {
  // \`deploy ship\` takes a change through these, in this order.
  stages: ${literal(settings.stages ?? Object.keys(settings.environments))},

  environments: {
${environments.join("\n\n")}
  },
}${tail}
`;
}

function firstOf({ environments }: SettingsInput): string {
  return Object.keys(environments)[0] ?? "production";
}

type EnvironmentInput = SettingsInput["environments"][string];

function environmentText(name: string, environment: EnvironmentInput): string {
  const { fastly, s3, hostSuffixes = {}, verify } = environment;
  const [domain = ""] = fastly.domains;
  const lines = [
    `${keyOf(name)}: {`,
    ...targetText(environment),
    "  fastly: {",
    "    // Found by its name; `serviceId` instead lets a publisher's token do with `purge_select`.",
    ...field("serviceName", fastly.serviceName),
    ...field("apiUrl", fastly.apiUrl),
    ...shieldText(environment),
    "    // A wildcard stands for every name below it. Add customers' own domains here, or have them pinned to the service.",
    `    domains: ${literal(fastly.domains)},`,
    "  },",
    "  s3: {",
    ...field("region", s3.region),
    ...field("endpoint", s3.endpoint),
    "    // One small object per domain; one object per page.",
    ...field("configBucket", s3.configBucket),
    ...field("hostingBucket", s3.hostingBucket),
    ...secondText(s3.second),
    "  },",
    "  // Hosts that end so show the website environment `staging`, all others `production`.",
    `  hostSuffixes: ${literal(hostSuffixes)},`,
    ...(verify === undefined
      ? []
      : [
          "  // Where a deploy asks whether the edge answers with it, and below which name its test sites are.",
          `  verify: ${literal(verify)},`,
        ]),
    `  // previews: { domain: "preview.${domain.replace(/^\*\./, "")}" }, // \`publish --preview NAME\` shows at NAME--SITE.<domain>`,
    "  // hsts: true, // whether domains that ask for HSTS get it",
    "  // rateLimiting: true, // if the Fastly account has it: guesses of passwords are limited then",
    '  // segmented: { extensions: ["mp4", "zip"] }, // files that may be larger than 20 MB',
    "},",
  ];
  return lines.map((line) => `    ${line}`).join("\n");
}

/** A service has its target for life, so that it stands first. */
function targetText({ target = "vcl", compute }: EnvironmentInput): readonly string[] {
  if (target === "vcl") return [];
  return [
    "  // The edge is the Compute app in place of VCL (docs/compute.md); a service is of one kind for life.",
    `  target: ${literal(target)},`,
    compute === undefined
      ? "  // compute: { httpCache: false }, // unless Fastly has enabled the HTTP cache for the service"
      : `  compute: ${literal(compute)},`,
  ];
}

/** Only VCL has one. */
function shieldText({ target, fastly }: EnvironmentInput): readonly string[] {
  if (target === "compute") return [];
  if (fastly.shield === undefined)
    return ['    // shield: "iad-va-us", // a POP near the buckets, which then asks them for all others'];
  return [
    "    // The POP that asks the buckets for all others: one near them.",
    ...field("shield", fastly.shield),
  ];
}

function secondText(second: EnvironmentInput["s3"]["second"]): readonly string[] {
  if (second === undefined) {
    return [
      "    // second: { region, configBucket, hostingBucket }, // copies that the edge turns to in need",
    ];
  }
  return [
    "    // Copies that the edge turns to when the first region is down; replicating them is the store's work, not sitefleet's.",
    `    second: ${literal(second)},`,
  ];
}

function field(name: string, value: string | undefined): readonly string[] {
  return value === undefined ? [] : [`    ${name}: ${literal(value)},`];
}

function keyOf(name: string): string {
  return /^[a-z]+$/.test(name) ? name : literal(name);
}

/** A value as a literal on one line; answers are names, hosts and URLs, yet JSON's escapes hold for anything. */
function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const fields = Object.entries(value).map(([name, inner]) => {
      const key = /^[A-Za-z]+$/.test(name) ? name : JSON.stringify(name);
      return `${key}: ${literal(inner)}`;
    });
    return fields.length === 0 ? "{}" : `{ ${fields.join(", ")} }`;
  }
  return JSON.stringify(value);
}

/** Variables that hold secrets, and what each is. */
const VARIABLES: readonly (readonly [name: string, what: string])[] = [
  ["FASTLY_API_TOKEN", "the deployer's token; the publisher's, where only publishing is done"],
  ["AWS_ACCESS_KEY_ID", "the deployer's or publisher's key"],
  ["AWS_SECRET_ACCESS_KEY", "its secret"],
  ["SITEFLEET_EDGE_S3_KEY", "the edge's key, as `id:secret`"],
  ["SITEFLEET_CONFIG_SEGMENT", "made up once and kept for good: 16 letters or digits or more"],
];

/** A `.env` file without values, for every environment. */
export function variablesText(environments: readonly string[]): string {
  return environments
    .map((name) => {
      const suffix = `_${name.toUpperCase().replaceAll("-", "_")}`;
      const lines = VARIABLES.map(([variable, what]) => `# ${what}\n${variable}${suffix}=`);
      return lines.join("\n");
    })
    .join("\n\n");
}

/** The names of those variables. */
export function variableNames(environments: readonly string[]): readonly string[] {
  return [...variablesText(environments).matchAll(/^([A-Z0-9_]+)=$/gm)].map(([, name = ""]) => name);
}
