import type { DataStores } from "./data-stores.ts";
import type { VersionInput } from "./generated-vcl.ts";
import { packageOf } from "./package-record.ts";
import { missingHealthchecks } from "./references.ts";
import { textOf } from "./state.ts";
import type { KindName, VersionObjects } from "./state.ts";

/**
 * What only VCL has. Fastly takes such objects for Compute services too and does nothing with them (Terraform's provider
 * removed them for that); a version here says so.
 */
const VCL_ONLY: readonly (readonly [kind: KindName, plural: string])[] = [
  ["acl", "ACLs"],
  ["cache_settings", "cache settings"],
  ["condition", "conditions"],
  ["director", "directors"],
  ["gzip", "gzip objects"],
  ["header", "header objects"],
  ["pool", "pools"],
  ["rate_limiter", "rate limiters"],
  ["request_settings", "request settings"],
  ["response_object", "response objects"],
  ["snippet", "VCL snippets"],
  ["vcl", "VCL files"],
];

/** What keeps a Compute service's version from running, and what it has that does nothing; one line each. */
export function computeProblems(
  { objects }: VersionInput,
  stores: DataStores,
): { readonly errors: readonly string[]; readonly warnings: readonly string[] } {
  return {
    errors: [...missingPackage(objects), ...missingHealthchecks(objects)],
    warnings: [...packageWarnings(objects), ...unusedKinds(objects), ...lostStores(objects, stores)],
  };
}

function missingPackage(objects: VersionObjects): readonly string[] {
  return packageOf(objects) === undefined ? ["Version has no associated package"] : [];
}

function packageWarnings(objects: VersionObjects): readonly string[] {
  return packageOf(objects)?.["mirror_only"] === true
    ? ["the package has no bin/main.wasm: it runs on a mirror, and Fastly would refuse it"]
    : [];
}

function unusedKinds(objects: VersionObjects): readonly string[] {
  return VCL_ONLY.filter(([kind]) => objects.resources[kind].length > 0).map(
    ([, plural]) => `${plural} do nothing in a Compute service`,
  );
}

function lostStores(objects: VersionObjects, stores: DataStores): readonly string[] {
  return objects.resources.resource
    .filter((link) => stores.kindOf(textOf(link, "resource_id")) === null)
    .map((link) => `Link '${textOf(link, "name")}': no store '${textOf(link, "resource_id")}'`);
}
