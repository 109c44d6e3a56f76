import { z } from "zod";
import { badRequest } from "./api-error.ts";
import type { ApiRequest } from "./exchange.ts";
import { readFields } from "./fields.ts";
import type { FieldRow } from "./fields.ts";
import { textOf } from "./state.ts";

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

/** Key and value of a body, where it has them. */
export function readItemFields({ body }: Pick<ApiRequest, "body">): {
  readonly key?: string;
  readonly value?: string;
} {
  const fields = readFields(FIELDS, body);
  return {
    ...(fields["item_key"] === undefined ? {} : { key: textOf(fields, "item_key") }),
    ...(fields["item_value"] === undefined ? {} : { value: textOf(fields, "item_value") }),
  };
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
