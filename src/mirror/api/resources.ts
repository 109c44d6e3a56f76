import { badRequest, duplicateRecord, NOT_DELETED, recordNotFound } from "./api-error.ts";
import { json, statusOk } from "./exchange.ts";
import type { ApiContext, ApiRequest, ApiResponse, Handler, Route } from "./exchange.ts";
import { initialFields, readFields } from "./fields.ts";
import { newId } from "./ids.ts";
import { KINDS, presentRecord } from "./kinds.ts";
import type { KindRow } from "./kind-row.ts";
import { keepDynamicContent } from "./snippet-content.ts";
import { textOf, timestamp } from "./state.ts";
import type { FieldValue, ResourceRecord, VersionObjects } from "./state.ts";
import { changeVersion, param, readVersion } from "./versions-access.ts";
import type { OpenVersion } from "./versions-access.ts";

/** The endpoints that every versioned kind has: list, create, get, update and delete by name. */
export function resourceRoutes(): readonly Route[] {
  return KINDS.flatMap((row) => {
    const list = `/service/{service}/version/{version}/${row.kind}`;
    const one = `${list}/{name}`;
    const name = row.kind.replaceAll("/", "-");
    const bind =
      (work: (row: KindRow, context: ApiContext, request: ApiRequest) => Promise<ApiResponse>): Handler =>
      (context, request) =>
        work(row, context, request);
    const routes: readonly Route[] = [
      { method: "GET", path: list, operation: `list-${name}`, handler: bind(listRecords) },
      { method: "POST", path: list, operation: `create-${name}`, handler: bind(createRecord) },
      { method: "GET", path: one, operation: `get-${name}`, handler: bind(getRecord) },
      { method: "PUT", path: one, operation: `update-${name}`, handler: bind(updateRecord) },
      { method: "DELETE", path: one, operation: `delete-${name}`, handler: bind(deleteRecord) },
    ];
    return routes;
  });
}

/** The record of a kind that a path names; 404 in Fastly's words when there is none. */
export function requireRecord(open: OpenVersion, row: KindRow, name: string): ResourceRecord {
  const key = row.key ?? "name";
  const record = open.objects.resources[row.kind].find((other) => other[key] === name);
  if (record !== undefined) return record;
  const place = { service: open.service.id, version: open.meta.number };
  throw recordNotFound(row.label, { ...NOT_DELETED, [key]: name, ...place });
}

/** The objects with one kind's list replaced. */
export function withRecords(
  objects: VersionObjects,
  row: KindRow,
  list: readonly ResourceRecord[],
): VersionObjects {
  return { ...objects, resources: { ...objects.resources, [row.kind]: list } };
}

function present(row: KindRow, open: OpenVersion, record: ResourceRecord): Record<string, FieldValue> {
  const { service, meta, objects } = open;
  return presentRecord(row, record, { serviceId: service.id, version: meta.number, objects });
}

async function listRecords(row: KindRow, context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const open = await readVersion(context, request);
  return json(open.objects.resources[row.kind].map((record) => present(row, open, record)));
}

async function getRecord(row: KindRow, context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const open = await readVersion(context, request);
  return json(present(row, open, requireRecord(open, row, param(request, "name"))));
}

async function createRecord(row: KindRow, context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  return changeVersion(context, request, async (open) => {
    const now = timestamp(context.clock.now());
    const fields: ResourceRecord = {
      ...initialFields(row.fields),
      ...(open.service.type === "wasm" ? row.computeInitial : {}),
      ...givenFields(row, row.fields, request),
      ...(row.hasId ? { id: newId() } : {}),
      created_at: now,
      updated_at: now,
    };
    checkRecord(row, fields);
    const list = open.objects.resources[row.kind];
    refuseDuplicate(row, [...list, ...namesakes(row, open)], textOf(fields, "name"));
    await refuseTaken(row, { context, open, name: textOf(fields, "name") });
    const record = await completed(row, { context, open, fields });
    return store(row, open, [...list, record], record);
  });
}

/** A new record with what is more than its fields. */
async function completed(
  row: KindRow,
  { context, open, fields }: { context: ApiContext; open: OpenVersion; fields: ResourceRecord },
): Promise<ResourceRecord> {
  if (row.kind === "snippet") return keepDynamicContent(context, open.service.id, fields);
  return row.kind === "resource" ? linkedTo(context, fields) : fields;
}

/** A link says the type of its store, which must be there. */
function linkedTo({ stores }: ApiContext, fields: ResourceRecord): ResourceRecord {
  const id = textOf(fields, "resource_id");
  const kind = stores.kindOf(id);
  if (kind === null) throw recordNotFound("Resource", { ...NOT_DELETED, id });
  return { ...fields, resource_type: kind };
}

async function updateRecord(row: KindRow, context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  return changeVersion(context, request, async (open) => {
    const before = requireRecord(open, row, param(request, "name"));
    const fields: ResourceRecord = {
      ...before,
      ...givenFields(row, updatableFields(row, before), request),
      updated_at: timestamp(context.clock.now()),
    };
    checkRecord(row, fields);
    const list = open.objects.resources[row.kind];
    const others = list.filter((other) => other !== before);
    const name = textOf(fields, "name");
    refuseDuplicate(row, [...others, ...namesakes(row, open)], name);
    if (name !== textOf(before, "name")) await refuseTaken(row, { context, open, name });
    const updated = list.map((other) => (other === before ? fields : other));
    const objects = followed(row, open.objects, { before, after: fields });
    return store(row, { ...open, objects }, updated, fields);
  });
}

async function deleteRecord(row: KindRow, context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  return changeVersion(context, request, (open) => {
    const record = requireRecord(open, row, param(request, "name"));
    const list = open.objects.resources[row.kind].filter((other) => other !== record);
    const objects = followed(row, open.objects, { before: record, after: null });
    return Promise.resolve({ objects: withRecords(objects, row, list), result: statusOk() });
  });
}

/** The objects after those that refer to a renamed or deleted one by its name have followed it. */
function followed(
  row: KindRow,
  objects: VersionObjects,
  { before, after }: { readonly before: ResourceRecord; readonly after: ResourceRecord | null },
): VersionObjects {
  const [from, to] = [textOf(before, "name"), after === null ? null : textOf(after, "name")];
  return from === to || row.follow === undefined ? objects : row.follow(objects, from, to);
}

/** Objects of other kinds that share their names with this kind. */
function namesakes(row: KindRow, open: OpenVersion): readonly ResourceRecord[] {
  const kinds = (row.namesake ?? []).filter((kind) => kind !== row.kind);
  return kinds.flatMap((kind) => open.objects.resources[kind]);
}

function givenFields(row: KindRow, fields: KindRow["fields"], request: ApiRequest): ResourceRecord {
  const given = readFields(fields, request.body);
  return { ...row.imply?.(given), ...given };
}

/** A dynamic snippet's content has its own endpoint. */
function updatableFields(row: KindRow, before: ResourceRecord): KindRow["fields"] {
  const fixed = [...(row.fixed ?? []), ...(before["dynamic"] === "1" ? ["content"] : [])];
  return row.fields.filter((field) => !fixed.includes(field.name));
}

function store(
  row: KindRow,
  open: OpenVersion,
  list: readonly ResourceRecord[],
  record: ResourceRecord,
): { readonly objects: VersionObjects; readonly result: ApiResponse } {
  const settled = row.settle?.(list, record) ?? list;
  const objects = withRecords(open.objects, row, settled);
  return { objects, result: json(present(row, { ...open, objects }, record)) };
}

function checkRecord(row: KindRow, record: ResourceRecord): void {
  const problem = row.check?.(record) ?? (textOf(record, "name") === "" ? "Name can't be blank" : null);
  if (problem !== null) throw badRequest(problem);
}

function refuseDuplicate(row: KindRow, list: readonly ResourceRecord[], name: string): void {
  const folded = (text: string): string => (row.foldsCase === true ? text.toLowerCase() : text);
  if (list.some((other) => folded(textOf(other, "name")) === folded(name))) {
    throw duplicateRecord(row.duplicateLabel, name);
  }
}

/** A domain is one service's at a time, and Fastly says so as soon as another one is given it. */
async function refuseTaken(
  { kind }: KindRow,
  {
    context,
    open,
    name,
  }: { readonly context: ApiContext; readonly open: OpenVersion; readonly name: string },
): Promise<void> {
  if (kind === "domain") await context.desk.refuseTaken(open.service.id, [name]);
}
