import { SHIELD_CODE } from "./backend-kind.ts";
import { directorBackends, followLinks } from "./director-links.ts";
import { COMMENT, integer, NAME, nullable } from "./field-rows.ts";
import type { KindRow } from "./kind-row.ts";
import { numberOf, textOf } from "./state.ts";
import type { FieldValue, ResourceRecord, VersionObjects } from "./state.ts";

/** Director types of the API, by their number (reference/api/load-balancing/directors/director). */
export const DIRECTOR_TYPES: ReadonlyMap<number, "random" | "hash" | "client"> = new Map([
  [1, "random"],
  [3, "hash"],
  [4, "client"],
]);
const TYPE_NUMBERS = "1 (random), 3 (hash) or 4 (client)";

function derive(record: ResourceRecord, objects: VersionObjects): Readonly<Record<string, FieldValue>> {
  return { backends: directorBackends(textOf(record, "name"), objects) };
}

function check(record: ResourceRecord): string | null {
  const type = numberOf(record, "type");
  const quorum = numberOf(record, "quorum");
  const shield = textOf(record, "shield");
  if (!DIRECTOR_TYPES.has(type)) return `Type '${type}' is not ${TYPE_NUMBERS}`;
  if (quorum < 0 || quorum > 100) return `Quorum '${quorum}' is not between 0 and 100`;
  if (numberOf(record, "retries") < 0) return "Retries can't be negative";
  if (shield !== "" && !SHIELD_CODE.test(shield)) return `Shield '${shield}' is not a valid POP code`;
  return null;
}

/** Directors (reference/api/load-balancing/directors/director). Recorded: an update leaves the name as it is. */
export const DIRECTOR_KIND: KindRow = {
  kind: "director",
  label: "Director",
  duplicateLabel: "director",
  plural: "directors",
  fields: [
    NAME,
    COMMENT,
    integer("type", 1),
    integer("quorum", 75),
    integer("retries", 5),
    integer("capacity", 100),
    nullable("shield"),
  ],
  hasId: false,
  versionAs: "number",
  fixed: ["name"],
  derive,
  check,
  follow: followLinks("director_name"),
};
