import type { SettingsInput } from "../settings/schema.ts";

/** What a first settings file is made of. */
export interface InitAnswers {
  /** Sites get names below it. */
  readonly domain: string;
  /** Beginning of the buckets' names. */
  readonly buckets: string;
  readonly region: string;
  readonly target: "vcl" | "compute";
  readonly environments: readonly string[];
  readonly secondRegion: string | undefined;
  readonly shield: string | undefined;
  /** Base URLs of other servers than AWS and Fastly; absent = theirs. */
  readonly s3Endpoint: string | undefined;
  readonly fastlyApi: string | undefined;
  /** Where the edge is asked, when it is not `https://verify.<domain>`. */
  readonly verifyUrl: string | undefined;
  /** File of the authority that the edge's certificates are of, when it is none that everybody trusts. */
  readonly verifyCa: string | undefined;
}

type EnvironmentInput = SettingsInput["environments"][string];

/** The settings that the answers mean; the last environment has the domain itself, others a name below it. */
export function initialSettings(answers: InitAnswers): SettingsInput {
  const { environments } = answers;
  return {
    stages: [...environments],
    environments: Object.fromEntries(
      environments.map((name) => [name, environmentFrom(answers, name)] as const),
    ),
  };
}

function environmentFrom(answers: InitAnswers, name: string): EnvironmentInput {
  const { region, secondRegion, shield, s3Endpoint, fastlyApi, verifyCa } = answers;
  const domain = domainOf(answers, name);
  const hostSuffix = `verify.${domain}`;
  return {
    ...(answers.target === "vcl" ? {} : { target: answers.target }),
    fastly: {
      serviceName: `${answers.buckets}-${name}`,
      ...(fastlyApi === undefined ? {} : { apiUrl: fastlyApi }),
      ...(shield === undefined ? {} : { shield }),
      domains: [`*.${domain}`],
    },
    s3: {
      region,
      ...(s3Endpoint === undefined ? {} : { endpoint: s3Endpoint }),
      configBucket: `${answers.buckets}-${name}-config`,
      hostingBucket: `${answers.buckets}-${name}-hosting`,
      ...(secondRegion === undefined ? {} : { second: secondLocation(answers, name, secondRegion) }),
    },
    hostSuffixes: { [`.staging.${domain}`]: "staging" },
    verify: {
      url: answers.verifyUrl ?? `https://${hostSuffix}`,
      hostSuffix,
      ...(verifyCa === undefined ? {} : { ca: verifyCa }),
    },
  };
}

function secondLocation(
  answers: InitAnswers,
  name: string,
  region: string,
): NonNullable<EnvironmentInput["s3"]["second"]> {
  return {
    region,
    ...(answers.s3Endpoint === undefined ? {} : { endpoint: answers.s3Endpoint }),
    configBucket: `${answers.buckets}-${name}-config-${region}`,
    hostingBucket: `${answers.buckets}-${name}-hosting-${region}`,
  };
}

function domainOf({ domain, environments }: InitAnswers, name: string): string {
  return name === environments.at(-1) ? domain : `${name}.${domain}`;
}
