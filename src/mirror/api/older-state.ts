import { initialFields } from "./fields.ts";
import type { KindRow } from "./kind-row.ts";
import { KINDS } from "./kinds.ts";
import type { ResourceRecord, VersionObjects } from "./state.ts";

/** The objects with every field that their kinds have by now: what an earlier release did not know is as nobody said it. */
export function withNewerFields(objects: VersionObjects): VersionObjects {
  const resources = { ...objects.resources };
  for (const row of KINDS) {
    resources[row.kind] = resources[row.kind].map((record) => completed(row, record));
  }
  return { ...objects, resources };
}

function completed({ fields }: KindRow, record: ResourceRecord): ResourceRecord {
  const isComplete = fields.every(({ name }) => Object.hasOwn(record, name));
  return isComplete ? record : { ...initialFields(fields), ...record };
}
