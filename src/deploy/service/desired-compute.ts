import { appSettingsText } from "../compute/app-settings.ts";
import type { PackageFile } from "../compute/package-file.ts";
import { linksTo, ownStores } from "../compute/stores.ts";
import type { Environment } from "../../settings/environment.ts";
import { COMMON_LOGGING_FIELDS } from "../../settings/logging-schema.ts";
import { backendsOf } from "./backends.ts";
import type { StoreContent } from "./compute-content.ts";
import { ownItems, refuseSecrets, wantedService } from "./desired.ts";
import type { DesiredService } from "./desired.ts";
import { loggingsOf } from "./loggings.ts";
import { EMPTY_CONTENT, sortContent } from "./service-content.ts";
import type { LoggingContent, ServiceContent } from "./service-content.ts";

/**
 * Settings and package to the wanted Compute service.
 * @throws SitefleetError `compute/settings-too-long`, `deploy/secret-in-vcl`, `settings/missing-secret`
 */
export function desiredCompute(
  environment: Environment,
  file: PackageFile,
  commit: string | null = null,
): DesiredService {
  const { content, revision } = computeContentOf(environment, file);
  const desired: DesiredService = {
    environment: environment.name,
    service: wantedService(environment, storesOf(environment)),
    revision,
    commit,
    content,
    files: [],
    snippets: [],
    privateItems: ownItems(environment),
    variables: loggingsOf(environment).variables,
    package: file,
    notes: withoutEffect(environment),
  };
  refuseSecrets(desired);
  return desired;
}

/** What the settings and a package make of a Compute service; no value of a secret is in it. */
export function computeContentOf(
  environment: Environment,
  { filesHash, size }: Pick<PackageFile, "filesHash" | "size">,
): { readonly content: ServiceContent; readonly revision: string } {
  const { text, revision } = appSettingsText(environment, filesHash);
  const stores = storesOf(environment);
  const { shield: _, ...fastly } = environment.fastly;
  const content = sortContent({
    ...EMPTY_CONTENT,
    ...backendsOf({ ...environment, fastly }),
    domains: fastly.domains,
    loggings: loggingsOf(environment).loggings.map(withoutVclFields),
    compute: { package: { filesHash, size }, stores, links: linksTo(stores), settings: text },
  });
  return { content, revision };
}

function storesOf({ fastly, name }: Environment): readonly StoreContent[] {
  return ownStores(fastly.serviceName ?? name);
}

/** A program writes its lines itself: format, place and condition are for VCL (reference/api/logging). */
function withoutVclFields(logging: LoggingContent): LoggingContent {
  const fields = Object.entries(logging.fields).filter(([field]) => !isVclField(field));
  return { ...logging, fields: Object.fromEntries(fields) };
}

function isVclField(field: string): boolean {
  return field === "format" || Object.hasOwn(COMMON_LOGGING_FIELDS, field);
}

/** What the settings say and only VCL does. */
function withoutEffect({ fastly, edge }: Environment): readonly string[] {
  const named = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(", ");
  const dictionaries = Object.keys(fastly.dictionaries ?? {});
  const acls = Object.keys(fastly.acls ?? {});
  const snippets = (fastly.snippets ?? []).map(({ name }) => name);
  const formatFields = Object.keys(fastly.logging?.fields ?? {}).filter(isVclField);
  const told: readonly (readonly [isThere: boolean, line: string])[] = [
    [
      fastly.shield !== undefined,
      "`fastly.shield`: the Compute app has no shielding, every POP asks S3 itself",
    ],
    [snippets.length > 0, `\`fastly.snippets\`: ${named(snippets)} are VCL and are not written`],
    [edge !== undefined, "`edge.templates`: templates and snippets are VCL and are not rendered"],
    [
      dictionaries.length > 0,
      `\`fastly.dictionaries\`: only VCL reads ${named(dictionaries)}, which are not written`,
    ],
    [acls.length > 0, `\`fastly.acls\`: only VCL reads ${named(acls)}, which are not written`],
    [fastly.settings !== undefined, "`fastly.settings`: default TTL and default host are for VCL"],
    [
      formatFields.length > 0,
      `\`fastly.logging.fields\`: ${named(formatFields)} are for lines that VCL formats, and are not written`,
    ],
  ];
  return told.flatMap(([isThere, line]) => (isThere ? [`no effect with target "compute": ${line}`] : []));
}
