import { NOT_DELETED, recordNotFound } from "./api-error.ts";
import type { ApiContext, ApiRequest } from "./exchange.ts";
import type { Collection, ResourceRecord } from "./state.ts";
import { param, requireService } from "./versions-access.ts";

/** Kinds of objects that a version has and whose content changes without one; their id is `{kind}` in the path. */
export type ContentKind = "acl" | "dictionary" | "pool" | "snippet";

/** What such an object is called when it is not found. */
const LABELS: Readonly<Record<ContentKind, string>> = {
  acl: "ACL",
  dictionary: "Dictionary",
  pool: "Pool",
  snippet: "Snippet",
};

/** Content that has no version, and the object that it belongs to. */
export interface OpenContent {
  readonly serviceId: string;
  readonly id: string;
  /** The object as the newest version that has it says. */
  readonly record: ResourceRecord;
  readonly content: Collection;
}

/** The content that a path names; 404 when no version has its object. */
export async function openContent(
  context: ApiContext,
  request: ApiRequest,
  kind: ContentKind,
): Promise<OpenContent> {
  const service = requireService(context, param(request, "service"));
  const id = param(request, kind);
  for (const { number } of [...service.versions].reverse()) {
    const { resources } = await context.store.objects(service.id, number);
    const record = resources[kind].find((other) => other["id"] === id);
    if (record === undefined) continue;
    return { serviceId: service.id, id, record, content: context.store.collection(service.id, id) };
  }
  throw contentNotFound(kind, id, service.id);
}

/** 404 for the object that content belongs to. */
export function contentNotFound(
  kind: ContentKind,
  id: string,
  service: string,
): ReturnType<typeof recordNotFound> {
  return recordNotFound(LABELS[kind], { ...NOT_DELETED, id, service });
}
