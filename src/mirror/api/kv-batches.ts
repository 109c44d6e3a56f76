import { z } from "zod";
import { forEachLimit } from "../../lib/for-each-limit.ts";
import { parseJson } from "../../lib/json.ts";
import type { KvWrite } from "../compute-content.ts";
import { json } from "./exchange.ts";
import type { ApiContext, ApiRequest, ApiResponse, Route } from "./exchange.ts";
import { isTtl } from "./kv-items.ts";
import { requireKvStore } from "./kv-store-routes.ts";
import { KV_LIMITS, kvKeyProblem } from "./kv-stores.ts";
import { BASE64 } from "./store-requests.ts";

/** Bytes of one batch. */
const MAX_BATCH_BYTES = 100 * 1024 * 1024;
const AT_ONCE = 8;

/** Many items in one request (reference/api/services/resources/kv-store-item, "batch"). */
export const KV_BATCH_ROUTES: readonly Route[] = [
  {
    method: "PUT",
    path: "/resources/stores/kv/{store}/batch",
    operation: "kv-store-upsert-batch",
    handler: batch,
    bytes: MAX_BATCH_BYTES,
    unmetered: true,
  },
];

const lineSchema = z.object({
  key: z.string(),
  value: z.string().regex(BASE64, "must be base64"),
  metadata: z.string().optional(),
  time_to_live_sec: z.number().refine(isTtl, "is not a number of seconds").optional(),
  add: z.boolean().optional(),
  append: z.boolean().optional(),
  prepend: z.boolean().optional(),
  if_generation_match: z.union([z.string().regex(/^\d{1,20}$/), z.int().nonnegative()]).optional(),
});

/** What is wrong with one line, by its number from 0. */
interface LineError {
  readonly index: number;
  readonly code: "bad_request" | "precondition_failed";
  readonly reason: string;
}

/** Each line by itself: those that are wrong are told by their index, the others are stored. */
async function batch(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const { id } = requireKvStore(context, request);
  const lines = request.bytes
    .toString("utf8")
    .split("\n")
    .map((text, index) => ({ text: text.trim(), index }))
    .filter(({ text }) => text !== "");
  const errors: LineError[] = [];
  const whole = new AbortController();
  await forEachLimit(lines, { limit: AT_ONCE, signal: whole.signal }, async ({ text, index }) => {
    const error = await storeLine(context, id, text);
    if (error !== null) errors.push({ index, ...error });
  });
  errors.sort((a, b) => a.index - b.index);
  if (errors.length === 0) return json({ type: "", title: "success", errors });
  return { ...json({ type: "", title: "Bad Request", errors }), status: 400 };
}

async function storeLine(
  context: ApiContext,
  storeId: string,
  text: string,
): Promise<Omit<LineError, "index"> | null> {
  const wrong = (reason: string): Omit<LineError, "index"> => ({ code: "bad_request", reason });
  const line = lineSchema.safeParse(parseJson(text));
  if (!line.success) {
    const issue = line.error.issues[0];
    return wrong(`${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`);
  }
  const { key, value } = line.data;
  const problem = kvKeyProblem(key);
  if (problem !== null) return wrong(problem);
  const bytes = Buffer.from(value, "base64");
  const outcome = await context.stores.kv.put(storeId, { key, value: bytes }, writeOf(line.data));
  if (outcome === "conflict") return { code: "precondition_failed", reason: "the item is another one" };
  const { valueBytes, metadataBytes } = KV_LIMITS;
  return outcome === "stored"
    ? null
    : wrong(`an item has at most ${valueBytes} bytes and ${metadataBytes} of metadata`);
}

function writeOf(line: z.infer<typeof lineSchema>): KvWrite {
  const modes = (["add", "append", "prepend"] as const).filter((mode) => line[mode] === true);
  const { metadata, time_to_live_sec: ttlSeconds, if_generation_match: generation } = line;
  return {
    mode: modes[0] ?? "overwrite",
    ...(metadata === undefined ? {} : { metadata }),
    ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
    ...(generation === undefined ? {} : { ifGenerationMatch: String(generation) }),
  };
}
