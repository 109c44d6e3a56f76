import type { KindRow } from "./kind-row.ts";
import { textOf } from "./state.ts";
import type { VersionObjects } from "./state.ts";

/** Names of the backends of a director, in the order in which they were added. */
export function directorBackends(director: string, objects: VersionObjects): readonly string[] {
  return objects.resources.director_backend
    .filter((link) => link["director_name"] === director)
    .map((link) => textOf(link, "backend_name"));
}

/** The links of a director or backend that was renamed or deleted. */
export function followLinks(field: "director_name" | "backend_name"): NonNullable<KindRow["follow"]> {
  return (objects, before, after) => {
    const links = objects.resources.director_backend.flatMap((link) => {
      if (link[field] !== before) return [link];
      return after === null ? [] : [{ ...link, [field]: after }];
    });
    return { ...objects, resources: { ...objects.resources, director_backend: links } };
  };
}
