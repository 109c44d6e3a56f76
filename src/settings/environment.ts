import { Secret } from "../lib/secret.ts";
import { SitefleetError } from "../lib/errors.ts";
import type { EdgeFolder, ServerEnvironmentSettings, Settings, StoreLocation } from "./schema.ts";

/** The environment's variables, passed in by the composition root. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** Where one copy of both buckets is, with the address style decided. */
export interface Location extends Omit<StoreLocation, "pathStyle"> {
  readonly pathStyle: boolean;
}

/** A server environment with every choice made; secrets are read when asked for. */
export interface Environment {
  readonly name: string;
  readonly target: ServerEnvironmentSettings["target"];
  readonly compute: ServerEnvironmentSettings["compute"];
  readonly fastly: ServerEnvironmentSettings["fastly"];
  readonly s3: Location & { readonly second: Location | undefined };
  /** Longest suffix first. */
  readonly hostSuffixes: readonly { readonly suffix: string; readonly siteEnv: string }[];
  readonly publicPorts: { readonly http: number; readonly https: number };
  readonly hsts: boolean;
  readonly tlsRedirectStatus: 301 | 308;
  readonly ttl: ServerEnvironmentSettings["ttl"];
  readonly previews: ServerEnvironmentSettings["previews"];
  readonly publishing: ServerEnvironmentSettings["publishing"];
  readonly segmented: ServerEnvironmentSettings["segmented"];
  readonly rateLimiting: boolean;
  readonly verify: ServerEnvironmentSettings["verify"];
  /** The team's templates and snippets, the same in every environment. */
  readonly edge?: EdgeFolder | undefined;
  readonly secrets: EnvironmentSecrets;
}

export interface StoreKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  /** Temporary keys come with one. */
  readonly sessionToken?: Secret;
  /** What they were read from, where that is known, such as names of variables: what a message may name. */
  readonly sources?: readonly string[];
}

/**
 * Each throws `settings/missing-secret` naming the variable when it is not set; the two that the edge reads throw
 * `settings/invalid-secret` too, because what it cannot read would be found out by every visitor.
 */
export interface EnvironmentSecrets {
  /** Fastly API token. */
  apiToken(): Secret;
  /** Publisher's S3 keys; `undefined` leaves it to the AWS SDK's default chain. */
  storeKeys(): StoreKeys | undefined;
  /** `id:secret` with which the edge reads the buckets. */
  edgeStoreKey(): Secret;
  /** Last segment of config objects' keys. */
  configSegment(): Secret;
  /** Any other value that the settings take from a variable (`{ env: "NAME" }`). */
  named(variable: string): Secret;
}

/**
 * The two halves of the edge's key.
 * @throws SitefleetError `settings/missing-secret`, `settings/invalid-secret`
 */
export function edgeKeyOf(secrets: EnvironmentSecrets): StoreKeys {
  const key = secrets.edgeStoreKey();
  const text = key.reveal();
  const colon = text.indexOf(":");
  return {
    accessKeyId: text.slice(0, colon),
    secretAccessKey: new Secret(text.slice(colon + 1)),
    ...(key.source === undefined ? {} : { sources: [key.source] }),
  };
}

/**
 * Makes the environment `name` of the settings.
 * @throws SitefleetError `settings/unknown-environment`
 */
export function environmentOf(settings: Settings, name: string, variables: Variables): Environment {
  const found = Object.hasOwn(settings.environments, name) ? settings.environments[name] : undefined;
  if (!found) {
    const known = ["local", ...Object.keys(settings.environments)].join(", ");
    throw new SitefleetError("settings/unknown-environment", `no server environment "${name}"`, {
      hint: `known: ${known}`,
    });
  }
  return {
    name,
    target: found.target,
    compute: found.compute,
    fastly: found.fastly,
    s3: { ...toLocation(found.s3), second: found.s3.second && toLocation(found.s3.second) },
    hostSuffixes: Object.entries(found.hostSuffixes)
      .map(([suffix, siteEnv]) => ({ suffix, siteEnv }))
      .sort((a, b) => b.suffix.length - a.suffix.length || (a.suffix < b.suffix ? -1 : 1)),
    publicPorts: found.publicPorts,
    hsts: found.hsts,
    tlsRedirectStatus: found.tlsRedirectStatus,
    ttl: found.ttl,
    previews: found.previews,
    publishing: found.publishing,
    segmented: found.segmented,
    rateLimiting: found.rateLimiting,
    verify: found.verify,
    edge: settings.edgeFolder,
    secrets: secretsFrom(name, variables),
  };
}

function toLocation(location: StoreLocation): Location {
  const { region, endpoint, configBucket, hostingBucket } = location;
  const pathStyle = location.pathStyle ?? endpoint !== undefined;
  return { region, configBucket, hostingBucket, pathStyle, ...(endpoint === undefined ? {} : { endpoint }) };
}

/** What a secret must look like. The value itself is never told. */
interface SecretForm {
  readonly pattern: RegExp;
  readonly says: string;
  readonly hint: string;
}

/** As the edge reads it: the id goes into a header, the secret into digests. */
const EDGE_KEY: SecretForm = {
  pattern: /^[!-9;-~]{1,128}:[!-~]{1,1024}$/,
  says: "of the form `id:secret`",
  hint: "both, with a colon between, and neither spaces nor line breaks",
};

/** A part of a key in a bucket, and of a URL. */
const SEGMENT: SecretForm = {
  pattern: /^[A-Za-z0-9_-]{1,128}$/,
  says: "one that a key can have",
  hint: "1 to 128 letters, digits, `-` and `_`, and no line break",
};

/**
 * Secrets by variable: `NAME_<ENVIRONMENT>` (upper case, dashes as underscores) wins over `NAME`.
 */
function secretsFrom(environment: string, variables: Variables): EnvironmentSecrets {
  const suffix = `_${environment.toUpperCase().replaceAll("-", "_")}`;
  const find = (name: string): string | undefined => variables[name + suffix] || variables[name] || undefined;
  const nameOf = (name: string): string => (variables[name + suffix] ? name + suffix : name);
  const need = (name: string, what: string, form?: SecretForm): Secret => {
    const value = find(name);
    if (value === undefined) {
      throw new SitefleetError(
        "settings/missing-secret",
        `${what} of environment "${environment}" is not set`,
        {
          hint: `set ${name}${suffix} or ${name}`,
        },
      );
    }
    const variable = nameOf(name);
    if (form !== undefined && !form.pattern.test(value)) {
      throw new SitefleetError(
        "settings/invalid-secret",
        `${what} of environment "${environment}" is not ${form.says}`,
        { hint: `correct ${variable}: ${form.hint}` },
      );
    }
    return new Secret(value, variable);
  };
  // A token belongs to one key id: that of the same suffix.
  const sessionTokenOf = (accessKeyId: string): Secret | undefined => {
    const isSuffixed = variables[`AWS_ACCESS_KEY_ID${suffix}`] === accessKeyId;
    const name = `AWS_SESSION_TOKEN${isSuffixed ? suffix : ""}`;
    const value = variables[name];
    return value ? new Secret(value, name) : undefined;
  };
  return {
    apiToken: () => need("FASTLY_API_TOKEN", "the Fastly API token"),
    storeKeys() {
      const accessKeyId = find("AWS_ACCESS_KEY_ID");
      const secretAccessKey = find("AWS_SECRET_ACCESS_KEY");
      if (accessKeyId === undefined || secretAccessKey === undefined) return undefined;
      const sessionToken = sessionTokenOf(accessKeyId);
      const names = [nameOf("AWS_ACCESS_KEY_ID"), nameOf("AWS_SECRET_ACCESS_KEY"), sessionToken?.source];
      return {
        accessKeyId,
        secretAccessKey: new Secret(secretAccessKey, nameOf("AWS_SECRET_ACCESS_KEY")),
        ...(sessionToken === undefined ? {} : { sessionToken }),
        sources: names.filter((name) => name !== undefined),
      };
    },
    edgeStoreKey: () => need("SITEFLEET_EDGE_S3_KEY", "the edge's S3 key (`id:secret`)", EDGE_KEY),
    configSegment: () => need("SITEFLEET_CONFIG_SEGMENT", "the secret segment of config keys", SEGMENT),
    named: (variable) => need(variable, "a value that the settings read from a variable"),
  };
}
