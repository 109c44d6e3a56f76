import { isIP } from "node:net";
import { z } from "zod";
import { isLoopbackHost } from "../lib/loopback.ts";
import { fastly } from "./fastly-schema.ts";
import { hostName, serverUrl } from "./field-schemas.ts";

const bucket = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
    "must be an S3 bucket name (3-63 lower-case letters, digits, dots, dashes)",
  );
const port = z.int().min(1).max(65_535);
const seconds = z.int().min(0).max(31_536_000);
/** Names that become path segments of S3 keys and VCL constants. */
export const ENVIRONMENT_NAME = /^[a-z][a-z0-9-]{0,30}$/;
const environmentName = z
  .string()
  .regex(ENVIRONMENT_NAME, "must be lower-case letters, digits and dashes, at most 31");

const location = z.strictObject({
  /** Region that requests are signed for. */
  region: z.string().regex(/^[a-z0-9-]{2,32}$/, "must be an S3 region such as `us-east-1`"),
  /** Base URL of an S3-compatible store; absent = AWS. */
  endpoint: serverUrl.optional(),
  /** Bucket in the path instead of the host name; default: true with `endpoint`, false without. */
  pathStyle: z.boolean().optional(),
  configBucket: bucket,
  hostingBucket: bucket,
});

const serverEnvironment = z.strictObject({
  /** What the edge runs: custom VCL, or the Compute app. A service has its type for life: docs/compute.md. */
  target: z.enum(["vcl", "compute"]).default("vcl"),
  compute: z
    .strictObject({
      /** Whether the service has Fastly's HTTP cache: without it one TTL holds for all answers, and nothing stale is shown on errors. */
      httpCache: z.boolean().default(true),
    })
    .default({ httpCache: true }),
  fastly,
  s3: location.extend({ second: location.optional() }),
  /** Host suffix (with its leading dot) -> website environment; hosts without a match are `production`. */
  hostSuffixes: z
    .record(
      z.string().regex(/^\.[a-z0-9.-]+$/, "must be a lower-case suffix with a leading dot"),
      environmentName,
    )
    .default({}),
  /** Ports in redirects, where they are not 80 and 443. */
  publicPorts: z
    .strictObject({ http: port.default(80), https: port.default(443) })
    .default({ http: 80, https: 443 }),
  /** Whether domains that ask for HSTS get it. */
  hsts: z.boolean().default(true),
  tlsRedirectStatus: z.union([z.literal(301), z.literal(308)]).default(301),
  /** Seconds that the edge keeps things; purges end them earlier. */
  ttl: z
    .strictObject({
      config: seconds.default(3_600),
      unknownDomain: seconds.default(60),
      page: seconds.default(31_536_000),
      notFound: seconds.default(300),
      staleIfError: seconds.default(86_400),
    })
    .default({ config: 3_600, unknownDomain: 60, page: 31_536_000, notFound: 300, staleIfError: 86_400 }),
  /** Where previews of sites are shown, as `NAME--SITE.<domain>`; absent = no previews. */
  previews: z.strictObject({ domain: hostName, days: z.int().min(1).max(365).default(14) }).optional(),
  publishing: z
    .strictObject({
      /** Hours for which an asset that a publish removes can still be read by pages loaded before it. */
      graceHours: z.int().min(0).max(8_760).default(168),
      /** What wins on new sites where a file and a redirect rule have one path. */
      precedence: z.enum(["file-first", "rule-first"]).default("file-first"),
      /** Changed pages up to this many are requested once after a publish, so that no visitor meets a cold one. */
      warm: z.int().min(0).max(10_000).default(200),
    })
    .default({ graceHours: 168, precedence: "file-first", warm: 200 }),
  /** Extensions whose files are fetched and cached in pieces: they may be larger than 20 MB and are never compressed. */
  segmented: z
    .strictObject({
      extensions: z
        .array(z.string().regex(/^[a-z0-9]{1,10}$/, "must be an extension such as `mp4`"))
        .max(50)
        .default([]),
    })
    .default({ extensions: [] }),
  /** Whether the Fastly account has rate limiting: guesses of passwords are limited only then. */
  rateLimiting: z.boolean().default(false),
  /** Where `verify` sends its requests and under which suffix the conformance sites live. */
  verify: z
    .strictObject({
      url: serverUrl,
      hostSuffix: hostName,
      /** Further addresses of the edge that have to answer with a new version too, such as those of other POPs. */
      edges: z.array(serverUrl).max(100).optional(),
      /** POPs of a mirror in Fastly's place: each is asked. Fastly itself leads every client to the nearest one. */
      pops: z
        .array(z.string().regex(/^[A-Za-z]{3}$/, "must be a POP code of three letters"))
        .max(100)
        .optional(),
      /** File of certificates in PEM, from where the settings are: whom requests to the edge trust besides the usual authorities. */
      ca: z
        .string()
        .max(4_096)
        .regex(/^\P{Cc}+$/u, "must be the path of a file in PEM")
        .optional(),
    })
    .optional(),
});

/** `sitefleet.config.ts|js|json`. */
export const settingsSchema = z.strictObject({
  environments: z.record(environmentName, serverEnvironment),
  /** Environments in the order in which a change goes through them; see `stagesOf`. */
  stages: z.array(environmentName).min(1).optional(),
  /** The team's own part of the edge; docs/edge.md. */
  edge: z
    .strictObject({
      /** Folder with templates and snippets, below that of the settings file. */
      templates: z
        .string()
        .regex(/^(?!.*(?:^|\/)\.\.(?:\/|$))(?:\.\/)?[\w.-]+(?:\/[\w.-]+)*\/?$/, {
          message: "must be a folder beside the settings file, such as `./edge`",
        })
        .optional(),
    })
    .optional(),
});

/** The team's folder of templates and snippets. */
export interface EdgeFolder {
  /** Absolute. */
  readonly path: string;
  /** As people know it, from where the settings are: `edge`. */
  readonly label: string;
}

export type SettingsInput = z.input<typeof settingsSchema>;
/** `edgeFolder` is where `edge.templates` is, once it is known where the settings are. */
export type Settings = z.output<typeof settingsSchema> & { readonly edgeFolder?: EdgeFolder };
export type ServerEnvironmentSettings = Settings["environments"][string];
export type StoreLocation = z.output<typeof location>;

const USUAL_STAGES = ["test", "production"];

/** The environments that a change goes through, in order: those named, else `test` and `production` as far as they exist. */
export function stagesOf(settings: Settings): readonly string[] {
  return settings.stages ?? USUAL_STAGES.filter((name) => Object.hasOwn(settings.environments, name));
}

/** Types a settings file: `export default defineConfig({ … })`. */
export function defineConfig(settings: SettingsInput): SettingsInput {
  return settings;
}

export interface SettingsIssue {
  /** Dotted path, e.g. `environments.test.s3.region`. */
  readonly path: string;
  readonly message: string;
}

type Rule = (settings: Settings) => SettingsIssue[];

const rules: readonly Rule[] = [
  noneIsTheMirror,
  secondLocationDiffers,
  addressesHaveThePathStyle,
  verifySuffixIsServed,
  computeIsVerifiedOverTls,
  previewDomainIsServed,
  segmentedIsNotText,
  suffixesAreHosts,
  stagesExist,
];

/** Schema first, then the rules that look at several fields; every problem is reported. */
export function parseSettings(
  input: unknown,
): { readonly settings: Settings } | { readonly issues: readonly SettingsIssue[] } {
  const parsed = settingsSchema.safeParse(input);
  if (!parsed.success) {
    return {
      issues: parsed.error.issues.map((issue) => ({
        path: issue.path.join("."),
        // Of a record's key it says only that it is wrong; why is one level down.
        message:
          issue.code === "invalid_key"
            ? issue.issues.map(({ message }) => message).join("; ")
            : issue.message,
      })),
    };
  }
  const issues = rules.flatMap((rule) => rule(parsed.data));
  return issues.length > 0 ? { issues } : { settings: parsed.data };
}

function secondLocationDiffers(settings: Settings): SettingsIssue[] {
  return Object.entries(settings.environments).flatMap(([name, { s3 }]) =>
    s3.second && s3.second.configBucket === s3.configBucket && s3.second.endpoint === s3.endpoint
      ? [
          {
            path: `environments.${name}.s3.second.configBucket`,
            message: "is the first location's own bucket",
          },
        ]
      : [],
  );
}

/** No bucket's name can stand before an address. */
function addressesHaveThePathStyle(settings: Settings): SettingsIssue[] {
  return Object.entries(settings.environments).flatMap(([name, { s3 }]) => {
    const at = `environments.${name}.s3`;
    return [
      { path: `${at}.pathStyle`, location: s3 },
      { path: `${at}.second.pathStyle`, location: s3.second },
    ].flatMap(({ path, location }) => {
      const { pathStyle, endpoint } = location ?? {};
      if (pathStyle !== false || endpoint === undefined) return [];
      const address = new URL(endpoint).hostname.replace(/^\[|\]$/g, "");
      return isIP(address) === 0 ? [] : [{ path, message: "must be true with an address as `endpoint`" }];
    });
  });
}

function verifySuffixIsServed(settings: Settings): SettingsIssue[] {
  return Object.entries(settings.environments).flatMap(([name, { verify, fastly: service }]) =>
    !verify || isServedBelow(service.domains, verify.hostSuffix)
      ? []
      : [{ path: `environments.${name}.verify.hostSuffix`, message: UNSERVED }],
  );
}

/** The command line never reads it: there `local` is the running mirror. */
function noneIsTheMirror(settings: Settings): SettingsIssue[] {
  if (!Object.hasOwn(settings.environments, "local")) return [];
  return [{ path: "environments.local", message: RESERVED }];
}

const RESERVED = "`local` is the mirror and needs no settings; `mirror up --target` says what its edge runs";

/** Plain HTTP never reaches a Compute service: docs.fastly.com, /products/compute-resource-limits. */
function computeIsVerifiedOverTls(settings: Settings): SettingsIssue[] {
  return Object.entries(settings.environments).flatMap(([name, { target, verify }]) => {
    if (target !== "compute" || !verify) return [];
    const addresses: readonly (readonly [field: string, url: string])[] = [
      ["url", verify.url],
      ...(verify.edges ?? []).map((url, index) => [`edges.${index}`, url] as const),
    ];
    return addresses.flatMap(([field, url]) =>
      new URL(url).protocol === "https:"
        ? []
        : [{ path: `environments.${name}.verify.${field}`, message: plainHttp(url) }],
    );
  });
}

function plainHttp(url: string): string {
  const why =
    "must begin with https://, because Fastly redirects all plain HTTP of a Compute service with 308";
  const { hostname } = new URL(url);
  if (!isLoopbackHost(hostname)) return why;
  return `${why}, and so does a mirror: give its TLS port, such as https://${hostname}:8443, and its authority as \`ca\``;
}

function previewDomainIsServed(settings: Settings): SettingsIssue[] {
  return Object.entries(settings.environments).flatMap(([name, { previews, fastly: service }]) =>
    !previews || isServedBelow(service.domains, previews.domain)
      ? []
      : [{ path: `environments.${name}.previews.domain`, message: UNSERVED }],
  );
}

const UNSERVED = "no wildcard in fastly.domains covers it";

function isServedBelow(domains: readonly string[], suffix: string): boolean {
  return domains.some((entry) => entry.startsWith("*.") && `.${suffix}`.endsWith(entry.slice(1)));
}

/** Text is compressed at the edge, which whole objects are needed for. */
const TEXT_EXTENSIONS = new Set([
  "html",
  "htm",
  "css",
  "js",
  "mjs",
  "json",
  "xml",
  "txt",
  "svg",
  "md",
  "csv",
]);

function segmentedIsNotText(settings: Settings): SettingsIssue[] {
  return Object.entries(settings.environments).flatMap(([name, { segmented }]) =>
    segmented.extensions.flatMap((extension, index) =>
      TEXT_EXTENSIONS.has(extension)
        ? [
            {
              path: `environments.${name}.segmented.extensions.${index}`,
              message: "is text, which the edge compresses and therefore cannot serve in pieces",
            },
          ]
        : [],
    ),
  );
}

function suffixesAreHosts(settings: Settings): SettingsIssue[] {
  return Object.entries(settings.environments).flatMap(([name, { hostSuffixes }]) =>
    Object.keys(hostSuffixes).flatMap((suffix) =>
      hostName.safeParse(suffix.slice(1)).success
        ? []
        : [{ path: `environments.${name}.hostSuffixes.${suffix}`, message: "is no host name suffix" }],
    ),
  );
}

function stagesExist(settings: Settings): SettingsIssue[] {
  const stages = settings.stages ?? [];
  return stages.flatMap((name, index) => {
    const path = `stages.${index}`;
    if (!Object.hasOwn(settings.environments, name)) return [{ path, message: `no environment "${name}"` }];
    return stages.indexOf(name) < index ? [{ path, message: `names "${name}" a second time` }] : [];
  });
}
