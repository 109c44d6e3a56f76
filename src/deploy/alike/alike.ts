import { Secret } from "../../lib/secret.ts";
import { environmentOf } from "../../settings/environment.ts";
import type { Environment, EnvironmentSecrets } from "../../settings/environment.ts";
import type { ServerEnvironmentSettings } from "../../settings/schema.ts";
import type { DesiredService } from "../service/desired.ts";
import { comparedService, mapTexts } from "./compared-service.ts";
import type { ComparedService } from "./compared-service.ts";
import { lineDifferences } from "./line-causes.ts";
import type { Cause } from "./line-causes.ts";
import { settingSteps } from "./setting-steps.ts";
import type { SettingStep } from "./setting-steps.ts";

/** One of the two environments. */
export interface AlikeSide {
  readonly settings: ServerEnvironmentSettings;
  readonly environment: Environment;
  /** What will be deployed to it. */
  readonly desired: Pick<DesiredService, "content" | "revision">;
}

/** One difference of two environments, and the settings that say so. */
export interface EnvironmentDifference {
  /** `main.vcl:12` (line in the first), or a field such as `backend config.address`. */
  readonly where: string;
  /** Lines of VCL or a field's value, in the first and in the second environment; a field that is not there has none. */
  readonly from: readonly string[];
  readonly to: readonly string[];
  /** Paths such as `environments.test.s3.configBucket`; `environments.test` is its name. */
  readonly settings: readonly string[];
  /** Whether some of it comes from nothing that the settings say. */
  readonly unexplained: boolean;
}

export interface AlikeReport {
  readonly environments: readonly [first: string, second: string];
  readonly differences: readonly EnvironmentDifference[];
  /** Settings that differ and change nothing in the service, such as where the API is. */
  readonly withoutEffect: readonly string[];
}

/** What an environment's settings make of a service. */
export type RenderedContent = Pick<DesiredService, "content" | "revision">;

/** Is no setting. */
const UNEXPLAINED: Cause = "";

/**
 * Stands for the environment's name while settings are exchanged: a template that asks for a name gets neither of the two,
 * so that what it does for one of them comes out as unexplained.
 */
const NAMELESS = "name-of-the-environment";

/**
 * Proves that two environments differ in nothing but what the settings say, by a chain of renderings from the first to
 * the second. Each step exchanges one setting, or the name as mere text; at both ends the chain is held against what will
 * really be deployed. What changes with a step is owed to its setting, and what differs at an end is owed to none: a
 * template that asks for the environment's name, a secret, or a rendering that is not the same twice.
 * @param render renders an environment from the sources that both sides were rendered from
 */
export function proveAlike(
  sides: readonly [first: AlikeSide, second: AlikeSide],
  render: (environment: Environment) => RenderedContent,
): AlikeReport {
  const [first, second] = sides;
  const [start, end] = [comparedSide(first), comparedSide(second)];
  const names: readonly [string, string] = [first.environment.name, second.environment.name];
  const settled = settingSteps(first.settings, second.settings);
  const chain = chainOf({ first, second, settled, render, end, names });
  const differences = [...fileDifferences(start, chain), ...fieldDifferences(start, chain)].map(
    ({ causes, ...rest }): EnvironmentDifference => ({
      ...rest,
      settings: causes.filter((cause) => cause !== UNEXPLAINED),
      unexplained: causes.includes(UNEXPLAINED),
    }),
  );
  const effective = new Set(differences.flatMap(({ settings }) => settings));
  const changed = settled.flatMap((step) => causesOf(step, names));
  return { environments: names, differences, withoutEffect: changed.filter((path) => !effective.has(path)) };
}

/** Differences that no setting explains. */
export function unexplainedIn(report: AlikeReport): readonly EnvironmentDifference[] {
  return report.differences.filter(({ unexplained }) => unexplained);
}

interface Link {
  readonly service: ComparedService;
  readonly causes: readonly Cause[];
}

function chainOf(work: {
  readonly first: AlikeSide;
  readonly second: AlikeSide;
  readonly settled: readonly SettingStep[];
  readonly render: (environment: Environment) => RenderedContent;
  readonly end: ComparedService;
  readonly names: readonly [string, string];
}): readonly Link[] {
  const { first, names, settled } = work;
  const nameless = (settings: ServerEnvironmentSettings): ComparedService => {
    const environment = namelessEnvironment(settings, first.environment);
    const { content, revision } = work.render(environment);
    return comparedService(content, { revision, fastly: environment.fastly });
  };
  const named = (service: ComparedService, name: string): ComparedService =>
    mapTexts(service, (text) => text.replaceAll(NAMELESS, name));
  const base = nameless(first.settings);
  const steps = settled.map((step) => ({ step, service: nameless(step.settings) }));
  const last = steps.at(-1)?.service ?? base;
  return [
    { service: named(base, names[0]), causes: [UNEXPLAINED] },
    ...steps.map(({ step, service }) => ({
      service: named(service, names[0]),
      causes: causesOf(step, names),
    })),
    { service: named(last, names[1]), causes: [`environments.${names[0]}`] },
    { service: work.end, causes: [UNEXPLAINED] },
  ];
}

function causesOf({ changes }: SettingStep, [first, second]: readonly [string, string]): readonly Cause[] {
  return changes.map(({ path, isNew }) => `environments.${isNew ? second : first}.${path}`);
}

function comparedSide({ desired, environment }: AlikeSide): ComparedService {
  return comparedService(desired.content, { revision: desired.revision, fastly: environment.fastly });
}

/** Secrets are no settings either. */
const STAND_INS: EnvironmentSecrets = {
  apiToken: () => new Secret("token"),
  storeKeys: () => undefined,
  edgeStoreKey: () => new Secret("id:secret"),
  configSegment: () => new Secret("segment"),
  named: () => new Secret("value"),
};

function namelessEnvironment(settings: ServerEnvironmentSettings, { edge }: Environment): Environment {
  const environment = environmentOf({ environments: { [NAMELESS]: settings } }, NAMELESS, {});
  return { ...environment, edge, secrets: STAND_INS };
}

type Difference = Omit<EnvironmentDifference, "settings" | "unexplained"> & {
  readonly causes: readonly Cause[];
};

function fileDifferences(start: ComparedService, chain: readonly Link[]): readonly Difference[] {
  const names = namesOf([start, ...chain.map(({ service }) => service)], "files");
  return names.flatMap((name) => {
    const steps = chain.map(({ service, causes }) => ({ lines: service.files.get(name) ?? [], causes }));
    return lineDifferences(start.files.get(name) ?? [], steps).map(({ at, from, to, causes }) => ({
      where: `${name}:${at[0]}`,
      from,
      to,
      causes,
    }));
  });
}

function fieldDifferences(start: ComparedService, chain: readonly Link[]): readonly Difference[] {
  return namesOf([start, ...chain.map(({ service }) => service)], "fields").flatMap((where) => {
    const first = start.fields.get(where);
    const causes = new Set<Cause>();
    let last = first;
    for (const link of chain) {
      const value = link.service.fields.get(where);
      if (value !== last) for (const cause of link.causes) causes.add(cause);
      last = value;
    }
    if (first === last) return [];
    return [{ where, from: listOf(first), to: listOf(last), causes: [...causes].sort() }];
  });
}

function namesOf(services: readonly ComparedService[], part: "files" | "fields"): readonly string[] {
  return [...new Set(services.flatMap((service) => [...service[part].keys()]))].sort();
}

function listOf(value: string | undefined): readonly string[] {
  return value === undefined ? [] : [value];
}
