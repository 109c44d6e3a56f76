import { FEATURES } from "./features.ts";
import type { FeatureName } from "./features.ts";
import { nearestName, teamError } from "./team-problem.ts";
import { OWN_PREFIX, isOwnFeature } from "./team-template.ts";
import type { TeamTemplate } from "./team-template.ts";
import type { FeatureFile } from "./template-values.ts";

/**
 * All features in the order in which a request meets them: the project's, and the team's at the places that they name.
 * Of several at one place the first by name comes first.
 * @throws SitefleetError `render/override` for a place beside a feature that there is not
 */
export function orderFeatures(
  team: readonly TeamTemplate[],
  without: readonly FeatureName[],
): readonly FeatureFile[] {
  const replaced = new Map(team.map((template) => [template.name, template]));
  const ordered: FeatureFile[] = FEATURES.filter((name) => !without.includes(name)).map((name) => {
    const file = `${name}.vcl.njk`;
    const isExtended = replaced.get(name)?.directive?.kind === "extends";
    return { name, file, base: isExtended ? `${OWN_PREFIX}${file}` : "" };
  });
  let waiting = team.filter(({ name }) => !isOwnFeature(name) && !name.startsWith("_"));
  while (waiting.length > 0) {
    // From the last, because each is put next to its neighbour.
    const placed = waiting.toReversed().filter((template) => place(template, ordered));
    if (placed.length === 0) throw unplaced(waiting[0], ordered);
    waiting = waiting.filter((template) => !placed.includes(template));
  }
  return ordered;
}

function place({ name, file, directive }: TeamTemplate, ordered: FeatureFile[]): boolean {
  if (!directive || directive.kind === "extends") return false;
  const at = ordered.findIndex((feature) => feature.name === directive.feature);
  if (at === -1) return false;
  ordered.splice(directive.kind === "after" ? at + 1 : at, 0, { name, file, base: "" });
  return true;
}

function unplaced(template: TeamTemplate | undefined, ordered: readonly FeatureFile[]): Error {
  const directive = template?.directive;
  const wanted = directive && directive.kind !== "extends" ? directive.feature : "";
  const nearest = nearestName(
    wanted,
    ordered.map(({ name }) => name),
  );
  return teamError({
    file: template?.label ?? "",
    line: 1,
    message: `there is no feature "${wanted}" to be ${directive?.kind ?? "after"}${nearest === undefined ? "" : `; did you mean "${nearest}"?`}`,
    hint: "name one of sitefleet's features (docs/edge.md), or one of yours that is not placed by this one",
  });
}
