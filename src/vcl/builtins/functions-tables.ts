import type { FunctionRow } from "../catalog-rows.ts";
import type { VclTable, VclValue } from "../values.ts";
import { defineFunction, text } from "./rows.ts";

const TABLE = { category: "table" };

function tableOf(value: VclValue | undefined): VclTable | null {
  return typeof value === "object" && value !== null && value.kind === "table" ? value : null;
}

/** The entry, else the default, else not set. */
function lookup(args: readonly VclValue[]): VclValue {
  return tableOf(args[0])?.lookup(text(args[1])) ?? args[2] ?? null;
}

/** `table.*` (reference/vcl/declarations/table). */
export const TABLE_FUNCTIONS: readonly FunctionRow[] = [
  defineFunction("STRING table.lookup(TABLE id, STRING key, [STRING default])", TABLE, (_t, args) =>
    lookup(args),
  ),
  defineFunction("BOOL table.contains(TABLE id, STRING key)", TABLE, (_t, [id, key]) => {
    return tableOf(id)?.lookup(text(key)) !== undefined;
  }),
  ...["ACL", "BACKEND", "BOOL", "FLOAT", "INTEGER", "IP", "RTIME"].map((type) =>
    defineFunction(
      `${type} table.lookup_${type.toLowerCase()}(TABLE id, STRING key, ${type} default)`,
      TABLE,
      (_t, args) => lookup(args),
    ),
  ),
  defineFunction("REGEX table.lookup_regex(TABLE id, STRING key)", TABLE, (_t, args) => lookup(args)),
];
