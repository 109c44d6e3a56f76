import { NAME } from "./field-rows.ts";
import type { KindRow } from "./kind-row.ts";
import { textOf } from "./state.ts";
import type { ResourceRecord } from "./state.ts";

/** Stores have ids of up to 32 letters and digits. */
const STORE_ID = /^[A-Za-z0-9]{1,32}$/;

function check(record: ResourceRecord): string | null {
  const id = textOf(record, "resource_id");
  if (STORE_ID.test(id)) return null;
  return id === "" ? "resource_id can't be blank" : `resource_id '${id}' is not the id of a store`;
}

/**
 * Links to stores, under the name that a program opens (reference/api/services/resource). VCL cannot read stores, on
 * Fastly as here: the links are kept, listed and cloned. The mirror has no stores, so it cannot know a link's kind and
 * says what was recorded.
 */
export const RESOURCE_LINK_KIND: KindRow = {
  kind: "resource",
  label: "Resource",
  duplicateLabel: "resource",
  plural: null,
  fields: [NAME, { name: "resource_id", type: "text", initial: "" }],
  hasId: true,
  versionAs: "number",
  key: "id",
  fixed: ["resource_id"],
  derive: () => ({ resource_type: "object-store", href: null }),
  check,
};
