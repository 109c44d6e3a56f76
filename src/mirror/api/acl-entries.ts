import { z } from "zod";
import { parseIp } from "../../vcl/ip.ts";
import { badRequest, NOT_DELETED, recordNotFound } from "./api-error.ts";
import { json, statusOk } from "./exchange.ts";
import type { ApiContext, ApiRequest, ApiResponse, Route } from "./exchange.ts";
import { readFields } from "./fields.ts";
import type { FieldRow } from "./fields.ts";
import { newId } from "./ids.ts";
import { pagedJson } from "./paging.ts";
import { numberOf, textOf, timestamp } from "./state.ts";
import type { Collection, ResourceRecord } from "./state.ts";
import { openContent } from "./versionless-content.ts";
import type { OpenContent } from "./versionless-content.ts";
import { param } from "./versions-access.ts";

const BASE = "/service/{service}/acl/{acl}";
const ENTRY = `${BASE}/entry/{entry}`;
const MAX_ENTRIES = 1000;
const MAX_BATCH = 1000;
const FIELDS: readonly FieldRow[] = [
  { name: "ip", type: "text", initial: "" },
  { name: "subnet", type: "nullableInteger", initial: null },
  { name: "negated", type: "flag", initial: "0" },
  { name: "comment", type: "text", initial: "" },
];

/** Entries of ACLs: versionless, live at once (reference/api/acls/acl-entry). */
export const ACL_ENTRY_ROUTES: readonly Route[] = [
  { method: "GET", path: `${BASE}/entries`, operation: "list-acl-entries", handler: list },
  { method: "PATCH", path: `${BASE}/entries`, operation: "bulk-update-acl-entries", handler: batch },
  { method: "POST", path: `${BASE}/entry`, operation: "create-acl-entry", handler: create },
  { method: "GET", path: ENTRY, operation: "get-acl-entry", handler: get },
  { method: "PATCH", path: ENTRY, operation: "update-acl-entry", handler: update },
  { method: "DELETE", path: ENTRY, operation: "delete-acl-entry", handler: remove },
];

function requireEntry(acl: OpenContent, id: string): ResourceRecord {
  const entry = acl.content.get(id);
  if (entry !== undefined) return entry;
  throw recordNotFound("ACLEntry", { ...NOT_DELETED, acl_id: acl.id, id, service: acl.serviceId });
}

function present(acl: OpenContent, entry: ResourceRecord): Readonly<Record<string, unknown>> {
  return { ...entry, acl_id: acl.id, service_id: acl.serviceId };
}

/** Recorded: writes answer with `negated` as a number, reads with a string. */
function presentWritten(acl: OpenContent, entry: ResourceRecord): Readonly<Record<string, unknown>> {
  return { ...present(acl, entry), negated: numberOf(entry, "negated") };
}

async function list(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const acl = await openContent(context, request, "acl");
  const entries = [...acl.content.values()];
  if (request.query.get("sort") === "ip")
    entries.sort((a, b) => (textOf(a, "ip") < textOf(b, "ip") ? -1 : 1));
  if (request.query.get("direction") === "descend") entries.reverse();
  return pagedJson(context, request, { all: entries, present: (entry) => present(acl, entry) });
}

async function get(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const acl = await openContent(context, request, "acl");
  return json(present(acl, requireEntry(acl, param(request, "entry"))));
}

async function create(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  return edit(context, request, (acl) => {
    const { entries, entry } = applyEntry(
      acl,
      { op: "create", fields: readFields(FIELDS, request.body) },
      context,
    );
    return { entries, answer: json(presentWritten(acl, entry)) };
  });
}

async function update(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  return edit(context, request, (acl) => {
    const change = {
      op: "update",
      id: param(request, "entry"),
      fields: readFields(FIELDS, request.body),
    } as const;
    const { entries, entry } = applyEntry(acl, change, context);
    return { entries, answer: json(presentWritten(acl, entry)) };
  });
}

async function remove(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  return edit(context, request, (acl) => {
    const change = { op: "delete", id: param(request, "entry"), fields: {} } as const;
    return { entries: applyEntry(acl, change, context).entries, answer: statusOk() };
  });
}

const batchSchema = z.object({
  entries: z.array(z.looseObject({ op: z.enum(["create", "update", "delete"]), id: z.string().optional() })),
});

async function batch(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const body = batchSchema.safeParse(request.body);
  if (!body.success) throw badRequest('the batch is not {"entries":[{"op","id","ip","subnet","negated"}]}');
  if (body.data.entries.length > MAX_BATCH) throw badRequest(`a batch has at most ${MAX_BATCH} entries`);
  return edit(context, request, (acl) => {
    let current = acl;
    for (const { op, id, ...fields } of body.data.entries) {
      const change = { op, id: id ?? "", fields: readFields(FIELDS, fields) };
      current = { ...current, content: applyEntry(current, change, context).entries };
    }
    return { entries: current.content, answer: statusOk() };
  });
}

interface EntryChange {
  readonly op: "create" | "update" | "delete";
  readonly id?: string;
  readonly fields: ResourceRecord;
}

function applyEntry(
  acl: OpenContent,
  change: EntryChange,
  context: ApiContext,
): { readonly entries: Collection; readonly entry: ResourceRecord } {
  const entries = new Map(acl.content);
  const id = change.op === "create" ? newId() : (change.id ?? "");
  const before = change.op === "create" ? undefined : requireEntry(acl, id);
  if (change.op === "delete") {
    entries.delete(id);
    return { entries, entry: before ?? {} };
  }
  const now = timestamp(context.clock.now());
  const initial: ResourceRecord = { subnet: null, negated: "0", comment: "", created_at: now };
  const entry: ResourceRecord = { ...(before ?? initial), ...change.fields, id, updated_at: now };
  checkEntry(entry);
  entries.set(id, entry);
  if (entries.size > MAX_ENTRIES) throw badRequest(`Exceeding max_acl_entries: ${MAX_ENTRIES}`);
  return { entries, entry };
}

function checkEntry(entry: ResourceRecord): void {
  const ip = textOf(entry, "ip");
  const address = parseIp(ip);
  // The engine's own parser, which takes no zone: what is stored here must compile with the next version too.
  if (address === null) throw badRequest(`IP '${ip}' is not a valid IP address`);
  if (entry["subnet"] === null) return;
  const subnet = numberOf(entry, "subnet");
  const most = address.family === 4 ? 32 : 128;
  if (subnet < 0 || subnet > most) throw badRequest(`Subnet '${subnet}' is not between 0 and ${most}`);
}

async function edit(
  context: ApiContext,
  request: ApiRequest,
  plan: (acl: OpenContent) => { readonly entries: Collection; readonly answer: ApiResponse },
): Promise<ApiResponse> {
  return context.store.exclusive(param(request, "service"), async () => {
    const acl = await openContent(context, request, "acl");
    const { entries, answer } = plan(acl);
    await context.store.saveCollection(acl.serviceId, acl.id, entries);
    return answer;
  });
}
