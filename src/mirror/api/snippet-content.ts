import { badRequest, NOT_DELETED, recordNotFound } from "./api-error.ts";
import { json } from "./exchange.ts";
import type { ApiContext, ApiRequest, ApiResponse, Route } from "./exchange.ts";
import { readFields } from "./fields.ts";
import { CONTENT } from "./snippet-text.ts";
import { kindRow } from "./kinds.ts";
import { textOf, timestamp } from "./state.ts";
import type { ResourceRecord, ServiceRecord } from "./state.ts";
import { param, requireService } from "./versions-access.ts";

const CONTENT_FIELDS = [{ name: CONTENT, type: "text", initial: "" }] as const;

/** The versionless content of dynamic snippets (reference/api/vcl-services/snippet). */
export const SNIPPET_CONTENT_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/service/{service}/snippet/{snippet}",
    operation: "get-snippet-dynamic",
    handler: getContent,
  },
  {
    method: "PUT",
    path: "/service/{service}/snippet/{snippet}",
    operation: "update-snippet-dynamic",
    handler: putContent,
  },
];

/** Moves a dynamic snippet's content to where it has no version; the versioned record then prints `content: null`. */
export async function keepDynamicContent(
  context: ApiContext,
  serviceId: string,
  record: ResourceRecord,
): Promise<ResourceRecord> {
  if (record["dynamic"] !== "1") return record;
  const stored = contentRecord(context, textOf(record, CONTENT));
  await context.store.saveCollection(serviceId, textOf(record, "id"), new Map([[CONTENT, stored]]));
  return { ...record, [CONTENT]: null };
}

function contentRecord(context: ApiContext, content: string, before?: ResourceRecord): ResourceRecord {
  const now = timestamp(context.clock.now());
  return { content, created_at: before?.["created_at"] ?? now, updated_at: now };
}

function present(serviceId: string, id: string, record: ResourceRecord): ApiResponse {
  return json({ ...record, snippet_id: id, service_id: serviceId });
}

async function getContent(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const service = requireService(context, param(request, "service"));
  const id = param(request, "snippet");
  return present(service.id, id, await requireContent(context, service, id));
}

async function putContent(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const serviceId = requireService(context, param(request, "service")).id;
  const id = param(request, "snippet");
  return context.store.exclusive(serviceId, async () => {
    const before = await requireContent(context, requireService(context, serviceId), id);
    const { content } = readFields(CONTENT_FIELDS, request.body);
    if (content === undefined) throw badRequest("Content can't be blank");
    const problem = kindRow("snippet").check?.({ type: "none", content });
    if (problem !== null && problem !== undefined) throw badRequest(problem);
    const stored = contentRecord(context, String(content), before);
    await context.desk.saveCompiledIn(serviceId, id, new Map([[CONTENT, stored]]));
    return present(serviceId, id, stored);
  });
}

/** The id must be a dynamic snippet's: dictionaries and ACLs keep their content under ids of the same form. */
async function requireContent(
  context: ApiContext,
  service: ServiceRecord,
  id: string,
): Promise<ResourceRecord> {
  const record = context.store.collection(service.id, id).get(CONTENT);
  if (record !== undefined && (await isDynamicSnippet(context, service, id))) return record;
  throw recordNotFound("Snippet", { ...NOT_DELETED, id, service: service.id });
}

async function isDynamicSnippet(context: ApiContext, service: ServiceRecord, id: string): Promise<boolean> {
  for (const { number } of [...service.versions].reverse()) {
    const { resources } = await context.store.objects(service.id, number);
    if (resources.snippet.some((snippet) => snippet["id"] === id && snippet["dynamic"] === "1")) return true;
  }
  return false;
}
