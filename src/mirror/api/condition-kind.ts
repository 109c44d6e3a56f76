import { COMMENT, NAME, numeral, oneOf, text } from "./field-rows.ts";
import type { KindRow } from "./kind-row.ts";
import { textOf } from "./state.ts";
import type { ResourceRecord } from "./state.ts";

/** When a condition is looked at: on the request, on the way to the origin, on what came back, on what goes out. */
export const CONDITION_TYPES = ["REQUEST", "PREFETCH", "CACHE", "RESPONSE"] as const;

function check(record: ResourceRecord): string | null {
  if (textOf(record, "statement").trim() === "") return "Statement can't be blank";
  return oneOf("Type", textOf(record, "type"), CONDITION_TYPES);
}

/** Conditions (reference/api/vcl-services/condition). What a condition tests is fixed for its life, as its type is. */
export const CONDITION_KIND: KindRow = {
  kind: "condition",
  label: "Condition",
  duplicateLabel: "condition",
  plural: "conditions",
  fields: [NAME, text("statement"), text("type"), numeral("priority", "100"), COMMENT],
  hasId: false,
  versionAs: "string",
  fixed: ["type"],
  check,
};
