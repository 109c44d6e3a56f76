import { SitefleetError } from "../../lib/errors.ts";
import type { Secret } from "../../lib/secret.ts";
import { PRIVATE_DICTIONARY } from "../../render/constants.ts";
import type { RenderedFile, RenderedService, RenderedSnippet } from "../../render/render.ts";
import type { ServiceSettings, Snippet } from "../../fastly/wire.ts";
import type { Environment } from "../../settings/environment.ts";
import type { PackageFile } from "../compute/package-file.ts";
import { backendsOf } from "./backends.ts";
import type { StoreContent } from "./compute-content.ts";
import { loggingsOf } from "./loggings.ts";
import { SecretTexts } from "./secret-texts.ts";
import { sortContent } from "./service-content.ts";
import type { ServiceContent } from "./service-content.ts";
import { aclsOf, dictionariesOf, privateItemsOf } from "./tables.ts";
import type { PrivateItem } from "./tables.ts";

/** What a server environment's Fastly service has to be. */
export interface DesiredService {
  readonly environment: string;
  /** Without an id the service is found by its name. */
  readonly service: WantedService;
  readonly revision: string;
  /** Commit that it was rendered from; `null` when unknown. */
  readonly commit: string | null;
  readonly content: ServiceContent;
  /** The rendered files with the template line of each of their lines. */
  readonly files: readonly RenderedFile[];
  /** The snippets of the team's folder, likewise. */
  readonly snippets: readonly RenderedSnippet[];
  readonly privateItems: readonly PrivateItem[];
  /** Values of the variables that fields of the content name. */
  readonly variables: ReadonlyMap<string, Secret>;
  /** Of a Compute service. */
  readonly package?: PackageFile;
  /** What of the settings has no effect. */
  readonly notes: readonly string[];
}

/** A service as the settings name it. */
export interface WantedService {
  readonly id: string | undefined;
  readonly name: string;
  readonly target: Environment["target"];
  /** Stores of the account that a Compute service has; none for VCL. */
  readonly stores: readonly StoreContent[];
}

/** Readable dictionary with what the deployer must remember beside versions: digests, journal, record. */
export const STATE_DICTIONARY = "sitefleet_state";

/** Whether a dictionary is one that every service of sitefleet's has. */
export function isOwnDictionary(name: string): boolean {
  return name === PRIVATE_DICTIONARY || name === STATE_DICTIONARY;
}

/**
 * Settings and rendered files to the wanted service.
 * @throws SitefleetError `deploy/secret-in-vcl` when a file or another object that can be read holds the value of a
 * secret; `settings/missing-secret`
 */
export function desiredService(
  environment: Environment,
  rendered: RenderedService,
  commit: string | null = null,
): DesiredService {
  const { variables } = loggingsOf(environment);
  const content = contentOf(environment, rendered);
  const desired: DesiredService = {
    environment: environment.name,
    service: wantedService(environment, []),
    revision: rendered.revision,
    commit,
    content,
    files: rendered.files,
    snippets: rendered.snippets,
    privateItems: [...ownItems(environment), ...privateItemsOf(environment)],
    variables,
    notes: computeSettings(environment),
  };
  refuseSecrets(desired);
  return desired;
}

/** What the settings say and only the Compute app does. */
function computeSettings({ compute }: Environment): readonly string[] {
  if (compute.httpCache) return [];
  return ['no effect with target "vcl": `compute.httpCache`: a VCL service always has the cache'];
}

/** The service that an environment names. */
export function wantedService(
  { fastly, name, target }: Environment,
  stores: readonly StoreContent[],
): WantedService {
  return { id: fastly.serviceId, name: fastly.serviceName ?? `sitefleet-${name}`, target, stores };
}

/** What the settings and the rendered files make of a service; no value of a secret is in it. */
export function contentOf(environment: Environment, rendered: RenderedService): ServiceContent {
  return sortContent({
    vcls: rendered.files.map(({ name, content: text, main }) => ({ name, content: text, main })),
    ...backendsOf(environment),
    domains: environment.fastly.domains,
    dictionaries: [
      { name: PRIVATE_DICTIONARY, write_only: true },
      { name: STATE_DICTIONARY, write_only: false },
      ...dictionariesOf(environment),
    ],
    acls: aclsOf(environment),
    snippets: snippetsOf(environment, rendered),
    loggings: loggingsOf(environment).loggings,
    settings: settingsOf(environment),
    compute: null,
  });
}

/** Everything in a wanted service that must not be shown. */
export function secretsIn(desired: Pick<DesiredService, "privateItems" | "variables">): readonly Secret[] {
  return [...desired.privateItems.map(({ value }) => value), ...desired.variables.values()];
}

function settingsOf({ fastly }: Environment): ServiceSettings {
  return {
    "general.default_ttl": fastly.settings?.defaultTtl ?? 3_600,
    "general.default_host": fastly.settings?.defaultHost ?? "",
    // With it the fetch macro restarts on errors by itself, which would spend the restart budget.
    "general.stale_if_error": false,
  };
}

/** The snippets of the settings and of the team's folder; one name is one object at Fastly. */
function snippetsOf({ fastly }: Environment, { snippets }: RenderedService): readonly Snippet[] {
  const all = [...(fastly.snippets ?? []), ...snippets];
  const twice = all.find(({ name }, index) => all.findIndex((other) => other.name === name) !== index);
  if (twice) {
    throw new SitefleetError("render/override", `there are two snippets "${twice.name}"`, {
      hint: "rename the one in `fastly.snippets` or the file in the folder of snippets",
    });
  }
  return all.map(({ name, type, priority, content }) => ({ name, type, dynamic: false, priority, content }));
}

/** What the edge needs to read the buckets. */
export function ownItems({ secrets }: Environment): readonly PrivateItem[] {
  const dictionary = PRIVATE_DICTIONARY;
  return [
    { dictionary, key: "config_s3_key", value: secrets.edgeStoreKey() },
    { dictionary, key: "config_segment", value: secrets.configSegment() },
    { dictionary, key: "hosting_s3_key", value: secrets.edgeStoreKey() },
  ];
}

/**
 * Refuses to put a secret where Fastly gives it out again to everybody who may read the service.
 * @throws SitefleetError `deploy/secret-in-vcl`
 */
export function refuseSecrets({
  content,
  privateItems,
  variables,
}: Pick<DesiredService, "content" | "privateItems" | "variables">): void {
  const named = [
    ...privateItems.map(({ key, value }) => [key, value] as const),
    ...[...variables].map(([name, value]) => [name, value] as const),
  ];
  for (const [name, value] of named) {
    const texts = new SecretTexts([value]);
    const found = readableTexts(content).find(([, text]) => texts.isIn(text));
    if (found) {
      throw new SitefleetError("deploy/secret-in-vcl", `${found[0]} contains the value of ${name}`, {
        hint: `read it from the dictionary ${PRIVATE_DICTIONARY} at the edge instead`,
      });
    }
  }
}

function readableTexts(content: ServiceContent): readonly (readonly [what: string, text: string])[] {
  return [
    ...content.vcls.map((file) => [`"${file.name}"`, file.content] as const),
    ...content.snippets.map((one) => [`snippet "${one.name}"`, one.content] as const),
    ...content.dictionaries.map((one) => [`dictionary "${one.name}"`, JSON.stringify(one)] as const),
    ...content.acls.map((one) => [`ACL "${one.name}"`, JSON.stringify(one)] as const),
    ...content.loggings.map((one) => [`logging endpoint "${one.name}"`, JSON.stringify(one)] as const),
    ["the app's settings", content.compute?.settings ?? ""] as const,
  ];
}
