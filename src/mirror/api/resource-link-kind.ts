import type { StoreKind } from "./data-stores.ts";
import { NAME } from "./field-rows.ts";
import type { KindRow } from "./kind-row.ts";
import { textOf } from "./state.ts";
import type { ResourceRecord } from "./state.ts";

/** Stores have ids of up to 32 letters and digits. */
const STORE_ID = /^[A-Za-z0-9]{1,32}$/;
const STORE_KINDS: readonly StoreKind[] = ["config", "secret-store", "kv-store"];

function check(record: ResourceRecord): string | null {
  const id = textOf(record, "resource_id");
  if (STORE_ID.test(id)) return null;
  return id === "" ? "resource_id can't be blank" : `resource_id '${id}' is not the id of a store`;
}

/** The kind of the store that a link is to; `null` for links from before the mirror had stores. */
export function linkedKind(link: ResourceRecord): StoreKind | null {
  return STORE_KINDS.find((kind) => kind === link["resource_type"]) ?? null;
}

/**
 * Links to stores, under the name that a program opens (reference/api/services/resource). VCL cannot read stores, on
 * Fastly as here: there the links are kept, listed and cloned. The type is that of the store, told when the link is made.
 */
export const RESOURCE_LINK_KIND: KindRow = {
  kind: "resource",
  // Recorded.
  label: "Link",
  duplicateLabel: "link",
  plural: null,
  fields: [NAME, { name: "resource_id", type: "text", initial: "" }],
  hasId: true,
  versionAs: "number",
  key: "id",
  fixed: ["resource_id"],
  derive: (record) => ({ resource_type: linkedKind(record) ?? "object-store", href: null }),
  check,
};
