import { badRequest } from "./api-error.ts";
import { json } from "./exchange.ts";
import type { ApiContext, ApiRequest, ApiResponse, Route } from "./exchange.ts";
import { readFields } from "./fields.ts";
import { CONTENT } from "./snippet-text.ts";
import { kindRow } from "./kinds.ts";
import { textOf, timestamp } from "./state.ts";
import type { ResourceRecord } from "./state.ts";
import { contentNotFound, openContent } from "./versionless-content.ts";
import { param } from "./versions-access.ts";

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
  const { serviceId, id, stored } = await openSnippet(context, request);
  return present(serviceId, id, stored);
}

async function putContent(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  return context.store.exclusive(param(request, "service"), async () => {
    const { serviceId, id, stored: before } = await openSnippet(context, request);
    const { content } = readFields(CONTENT_FIELDS, request.body);
    if (content === undefined) throw badRequest("Content can't be blank");
    const problem = kindRow("snippet").check?.({ type: "none", content });
    if (problem !== null && problem !== undefined) throw badRequest(problem);
    const stored = contentRecord(context, String(content), before);
    await context.desk.saveCompiledIn(serviceId, id, new Map([[CONTENT, stored]]));
    return present(serviceId, id, stored);
  });
}

interface OpenSnippet {
  readonly serviceId: string;
  readonly id: string;
  readonly stored: ResourceRecord;
}

/** The content of the dynamic snippet that a path names; one with versions has none of its own. */
async function openSnippet(context: ApiContext, request: ApiRequest): Promise<OpenSnippet> {
  const { serviceId, id, record, content } = await openContent(context, request, "snippet");
  const stored = content.get(CONTENT);
  if (stored === undefined || record["dynamic"] !== "1") throw contentNotFound("snippet", id, serviceId);
  return { serviceId, id, stored };
}
