import { z } from "zod";
import { badRequest } from "./api-error.ts";
import type { ApiRequest } from "./exchange.ts";
import { readFields } from "./fields.ts";
import type { FieldRow } from "./fields.ts";
import { textOf } from "./state.ts";
import { param } from "./versions-access.ts";

/** One change of an item, of a dictionary or a config store. */
export interface ItemOperation {
  readonly op: "create" | "update" | "upsert" | "delete";
  readonly key: string;
  readonly value: string;
}

const FIELDS: readonly FieldRow[] = [
  { name: "item_key", type: "text", initial: "" },
  { name: "item_value", type: "text", initial: "" },
];

/** The operation of a request for one item. Throws 400 for an update that has no value. */
export function readItemOperation(request: ApiRequest, op: ItemOperation["op"]): ItemOperation {
  const key = param(request, "key");
  if (op === "delete") return { op, key, value: "" };
  const fields = readFields(FIELDS, request.body);
  const value = textOf(fields, "item_value");
  if (op === "create") return { op, key: textOf(fields, "item_key"), value };
  if (fields["item_value"] === undefined) throw badRequest("item_value can't be missing");
  return { op, key, value };
}

const batchSchema = z.object({
  items: z.array(
    z.object({
      op: z.enum(["create", "update", "upsert", "delete"]),
      item_key: z.string(),
      // `null` where go-fastly deletes.
      item_value: z.string().nullish(),
    }),
  ),
});

/** The operations of a batch. Throws 400 for what is none, and past the limit. */
export function readItemBatch({ body }: Pick<ApiRequest, "body">, most: number): readonly ItemOperation[] {
  const batch = batchSchema.safeParse(body);
  if (!batch.success) throw badRequest('the batch is not {"items":[{"op","item_key","item_value"}]}');
  const { items } = batch.data;
  if (items.length > most) throw badRequest(`a batch has at most ${most} items`);
  return items.map(({ op, item_key: key, item_value: value }) => ({ op, key, value: value ?? "" }));
}
