import type { FunctionRow } from "../catalog-rows.ts";

/** Every function. */
export const FUNCTION_ROWS: readonly FunctionRow[] = [];
