import type { ResourceRecord, VersionObjects } from "./state.ts";

/** The package of a version, if it has one. */
export function packageOf(objects: VersionObjects): ResourceRecord | undefined {
  return objects.resources.package[0];
}
