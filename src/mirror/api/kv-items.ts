import type { KvOutcome, KvWrite } from "../compute-content.ts";
import { bare, json, noContent } from "./exchange.ts";
import type { ApiContext, ApiRequest, ApiResponse, Route } from "./exchange.ts";
import { requireKvStore } from "./kv-store-routes.ts";
import { KV_LIMITS, kvKeyProblem } from "./kv-stores.ts";
import type { KvItem } from "./kv-stores.ts";
import { pageSize, storeProblem } from "./store-requests.ts";
import { param } from "./versions-access.ts";

const LIST = "/resources/stores/kv/{store}/keys";
const ONE = `${LIST}/{key}`;
const GENERATION = /^\d{1,20}$/;
/** About 68 years: what is longer is not meant. */
const MAX_TTL_SECONDS = 2 ** 31 - 1;

/** Items of KV stores (reference/api/services/resources/kv-store-item). */
export const KV_ITEM_ROUTES: readonly Route[] = [
  { method: "GET", path: LIST, operation: "kv-store-list-item-keys", handler: list },
  { method: "GET", path: ONE, operation: "kv-store-get-item", handler: get },
  {
    method: "PUT",
    path: ONE,
    operation: "kv-store-upsert-item",
    handler: put,
    // One more, so that a value over the limit is refused in words.
    bytes: KV_LIMITS.valueBytes + 1,
    unmetered: true,
  },
  { method: "DELETE", path: ONE, operation: "kv-store-delete-item", handler: remove, unmetered: true },
];

async function list(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const { id } = requireKvStore(context, request);
  const { query } = request;
  const limit = pageSize(query.get("limit"), { initial: KV_LIMITS.page, most: KV_LIMITS.page });
  const prefix = query.get("prefix") ?? "";
  const cursor = query.get("cursor") ?? "";
  const { keys, cursor: next } = await context.stores.kv.list(id, {
    prefix,
    limit,
    ...(cursor === "" ? {} : { cursor }),
  });
  return json({
    data: keys,
    meta: {
      limit,
      ...(next === null ? {} : { next_cursor: next }),
      ...(prefix === "" ? {} : { prefix }),
      // Recorded: said for this one only. Both see every write here.
      ...(query.get("consistency") === "eventual" ? { consistency: "eventual" } : {}),
    },
  });
}

async function get(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const { id } = requireKvStore(context, request);
  const item = await context.stores.kv.get(id, param(request, "key"));
  if (item === undefined) throw itemNotFound();
  return {
    status: 200,
    contentType: "application/octet-stream",
    body: item.value,
    headers: itemHeaders(item),
  };
}

function itemHeaders({ value, metadata, generation, modifiedAt }: KvItem): Readonly<Record<string, string>> {
  return {
    Generation: generation,
    "Last-Modified": new Date(modifiedAt).toUTCString(),
    Metadata: headerText(metadata ?? ""),
    "Stored-Content-Length": String(value.length),
  };
}

/** The bytes of a text as a header line has them; what would end the line is a blank. */
function headerText(text: string): string {
  return Buffer.from(text.replace(/[^\t\x20-\x7e\x80-\u{10ffff}]/gu, " "), "utf8").toString("latin1");
}

async function put(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const { id } = requireKvStore(context, request);
  const key = param(request, "key");
  checkItem(key, request.bytes);
  const outcome = await context.stores.kv.put(id, { key, value: request.bytes }, readWrite(request));
  return answerTo(outcome);
}

function checkItem(key: string, value: Uint8Array): void {
  const problem = kvKeyProblem(key);
  if (problem !== null) throw storeProblem(400, "Bad Request", problem);
  if (value.length > KV_LIMITS.valueBytes)
    throw storeProblem(413, "Payload Too Large", `the value is larger than ${KV_LIMITS.valueBytes} bytes`);
}

function answerTo(outcome: KvOutcome): ApiResponse {
  if (outcome === "invalid") throw storeProblem(400, "Bad Request", "the item is larger than it may be");
  // Recorded: neither says anything.
  return bare(outcome === "conflict" ? 412 : 200);
}

function readWrite({ query, headers }: ApiRequest): KvWrite {
  const modes = (["add", "append", "prepend"] as const).filter((mode) => query.get(mode) === "true");
  if (modes.length > 1) throw storeProblem(400, "Bad Request", `${modes.join(" and ")} exclude each other`);
  const metadata = headerOf(headers["metadata"]);
  const ttl = headerOf(headers["time_to_live_sec"]);
  const generation = headerOf(headers["if-generation-match"]);
  if (generation !== undefined && !GENERATION.test(generation))
    throw storeProblem(400, "Bad Request", "if-generation-match is not a generation");
  return {
    mode: modes[0] ?? "overwrite",
    ...(metadata === undefined ? {} : { metadata: readMetadata(metadata) }),
    ...(ttl === undefined ? {} : { ttlSeconds: readTtl(ttl) }),
    ...(generation === undefined ? {} : { ifGenerationMatch: generation }),
  };
}

function headerOf(value: string | string[] | undefined): string | undefined {
  return typeof value === "string" ? value : value?.join(", ");
}

function readMetadata(header: string): string {
  // Node reads header bytes as latin1.
  const text = Buffer.from(header, "latin1").toString("utf8");
  if (Buffer.byteLength(text) <= KV_LIMITS.metadataBytes) return text;
  throw storeProblem(400, "Bad Request", `metadata is longer than ${KV_LIMITS.metadataBytes} bytes`);
}

function readTtl(header: string): number {
  const seconds = Number(header);
  if (isTtl(seconds)) return seconds;
  throw storeProblem(400, "Bad Request", "time_to_live_sec is not a number of seconds");
}

/** Whether something may be the life of an item, in seconds. */
export function isTtl(seconds: number): boolean {
  return Number.isSafeInteger(seconds) && seconds > 0 && seconds <= MAX_TTL_SECONDS;
}

async function remove(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const { id } = requireKvStore(context, request);
  const generation = headerOf(request.headers["if-generation-match"]);
  const outcome = await context.stores.kv.delete(id, param(request, "key"), generation);
  if (outcome === "conflict") return bare(412);
  if (outcome === "missing" && request.query.get("force") !== "true") throw itemNotFound();
  return noContent();
}

function itemNotFound(): ReturnType<typeof storeProblem> {
  return storeProblem(404, "Not Found", "the item was not found");
}
