import { BACKEND_KIND } from "./backend-kind.ts";
import type { FieldRow } from "./fields.ts";
import type { KindRow } from "./kind-row.ts";
import { textOf } from "./state.ts";
import type { FieldValue, KindName, ResourceRecord } from "./state.ts";

const NAME: FieldRow = { name: "name", type: "text", initial: "" };
const COMMENT: FieldRow = { name: "comment", type: "text", initial: "" };
const MAX_VCL_BYTES = 1024 * 1024;
/** Snippet placements (reference/api/vcl-services/snippet). */
export const SNIPPET_TYPES = [
  "init",
  "recv",
  "hash",
  "hit",
  "miss",
  "pass",
  "fetch",
  "error",
  "deliver",
  "log",
  "none",
] as const;

/** Letters, digits, `-` and `_` in labels of at most 63, 253 in all; a first label `*` covers all below. */
const DOMAIN_NAME = /^(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i;

function checkDomain(record: ResourceRecord): string | null {
  const name = textOf(record, "name");
  return name.length <= 253 && DOMAIN_NAME.test(name) ? null : `Domain '${name}' is not a valid domain name`;
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
  {
    kind: "healthcheck",
    label: "Healthcheck",
    duplicateLabel: "healthcheck",
    plural: "healthchecks",
    fields: [
      NAME,
      COMMENT,
      { name: "method", type: "text", initial: "HEAD" },
      { name: "host", type: "text", initial: "" },
      { name: "path", type: "text", initial: "/" },
      { name: "http_version", type: "text", initial: "1.1" },
      { name: "timeout", type: "integer", initial: 5000 },
      { name: "check_interval", type: "integer", initial: 5000 },
      { name: "expected_response", type: "integer", initial: 200 },
      { name: "window", type: "integer", initial: 5 },
      { name: "threshold", type: "integer", initial: 3 },
      { name: "initial", type: "integer", initial: 3 },
      { name: "headers", type: "list", initial: [] },
    ],
    hasId: false,
    versionAs: "number",
  },
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
];

/** The row of a kind. */
export function kindRow(kind: KindName): KindRow {
  for (const row of KINDS) if (row.kind === kind) return row;
  throw new RangeError(`no kind "${kind}"`);
}

/** A stored record as Fastly prints it. */
export function presentRecord(
  row: KindRow,
  record: ResourceRecord,
  place: { readonly serviceId: string; readonly version: number },
): Readonly<Record<string, FieldValue>> {
  return {
    ...record,
    ...row.derive?.(record),
    service_id: place.serviceId,
    version: row.versionAs === "string" ? String(place.version) : place.version,
    deleted_at: null,
  };
}
