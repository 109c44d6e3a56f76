import { SNIPPET_TYPES } from "../../lib/fastly-names.ts";
import { BACKEND_KIND } from "./backend-kind.ts";
import { CONDITION_KIND } from "./condition-kind.ts";
import { GZIP_KIND, RESPONSE_OBJECT_KIND } from "./content-kinds.ts";
import { DIRECTOR_KIND } from "./director-kind.ts";
import { COMMENT, NAME } from "./field-rows.ts";
import { HEADER_KIND } from "./header-kind.ts";
import { HEALTHCHECK_KIND } from "./healthcheck-kind.ts";
import type { KindRow } from "./kind-row.ts";
import { LOGGING_KIND_ROWS } from "./logging-kinds.ts";
import { POOL_KIND } from "./pool-kind.ts";
import { RESOURCE_LINK_KIND } from "./resource-link-kind.ts";
import { CACHE_SETTINGS_KIND, REQUEST_SETTINGS_KIND } from "./setting-kinds.ts";
import { textOf } from "./state.ts";
import type { FieldValue, KindName, ResourceRecord, VersionObjects } from "./state.ts";
const MAX_VCL_BYTES = 1024 * 1024;
/** Letters, digits, `-` and `_` in labels of at most 63, 253 in all; a first label `*` covers all below. */
const DOMAIN_NAME = /^(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i;

/** Whether a service can have this domain. */
export function isDomainName(name: string): boolean {
  return name.length <= 253 && DOMAIN_NAME.test(name);
}

function checkDomain(record: ResourceRecord): string | null {
  const name = textOf(record, "name");
  return isDomainName(name) ? null : `Domain '${name}' is not a valid domain name`;
}

function checkTableName(record: ResourceRecord): string | null {
  return /^[A-Za-z][A-Za-z0-9_\s]*$/.test(textOf(record, "name"))
    ? null
    : "Name must start with alphabetical and contain only alphanumeric, underscore, and whitespace";
}

function checkVclSize(record: ResourceRecord): string | null {
  return Buffer.byteLength(textOf(record, "content")) > MAX_VCL_BYTES
    ? `Content is larger than the limit of ${MAX_VCL_BYTES} bytes`
    : null;
}

function checkSnippet(record: ResourceRecord): string | null {
  const type = textOf(record, "type");
  if (!SNIPPET_TYPES.some((known) => known === type)) {
    return `Type '${type}' is not one of ${SNIPPET_TYPES.join(", ")}`;
  }
  return checkVclSize(record);
}

function settleMain(list: readonly ResourceRecord[], stored: ResourceRecord): readonly ResourceRecord[] {
  if (stored["main"] !== true) return list;
  return list.map((record) =>
    record["name"] !== stored["name"] && record["main"] === true ? { ...record, main: false } : record,
  );
}

/** Every versioned kind the mirror has, in the order of `/details`. */
export const KINDS: readonly KindRow[] = [
  {
    kind: "acl",
    label: "ACL",
    duplicateLabel: "acl",
    plural: "acls",
    fields: [NAME],
    hasId: true,
    versionAs: "string",
    check: checkTableName,
  },
  BACKEND_KIND,
  CACHE_SETTINGS_KIND,
  CONDITION_KIND,
  {
    kind: "dictionary",
    label: "Dictionary",
    duplicateLabel: "dictionary",
    plural: "dictionaries",
    fields: [NAME, { name: "write_only", type: "boolean", initial: false }],
    hasId: true,
    versionAs: "number",
    check: checkTableName,
  },
  DIRECTOR_KIND,
  {
    kind: "domain",
    label: "Domain",
    duplicateLabel: "domain",
    plural: "domains",
    fields: [NAME, COMMENT],
    hasId: false,
    versionAs: "number",
    foldsCase: true,
    check: checkDomain,
  },
  GZIP_KIND,
  HEADER_KIND,
  HEALTHCHECK_KIND,
  REQUEST_SETTINGS_KIND,
  RESPONSE_OBJECT_KIND,
  POOL_KIND,
  RESOURCE_LINK_KIND,
  {
    kind: "snippet",
    label: "Snippet",
    duplicateLabel: "snippet",
    plural: "snippets",
    fields: [
      NAME,
      { name: "type", type: "text", initial: "" },
      { name: "dynamic", type: "flag", initial: "0" },
      { name: "priority", type: "numeral", initial: "100" },
      { name: "content", type: "nullable", initial: null },
    ],
    hasId: true,
    versionAs: "string",
    // A snippet stays dynamic or versioned for life.
    fixed: ["dynamic"],
    check: checkSnippet,
  },
  {
    kind: "vcl",
    label: "VCL",
    duplicateLabel: "vcl",
    plural: "vcls",
    fields: [
      NAME,
      { name: "content", type: "text", initial: "" },
      { name: "main", type: "boolean", initial: false },
    ],
    hasId: false,
    versionAs: "number",
    check: checkVclSize,
    settle: settleMain,
  },
  ...LOGGING_KIND_ROWS,
];

/** The kinds that `/details` and diffs show, with the names they have there. */
export const DETAILED_KINDS = KINDS.flatMap((row) => (row.plural === null ? [] : [{ row, key: row.plural }]));

/** The row of a kind. */
export function kindRow(kind: KindName): KindRow {
  for (const row of KINDS) if (row.kind === kind) return row;
  throw new RangeError(`no kind "${kind}"`);
}

/** A stored record as Fastly prints it. */
export function presentRecord(
  row: KindRow,
  record: ResourceRecord,
  place: { readonly serviceId: string; readonly version: number; readonly objects: VersionObjects },
): Readonly<Record<string, FieldValue>> {
  return {
    ...record,
    ...row.derive?.(record, place.objects),
    service_id: place.serviceId,
    version: row.versionAs === "string" ? String(place.version) : place.version,
    deleted_at: null,
  };
}
