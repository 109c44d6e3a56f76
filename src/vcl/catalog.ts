import type { FunctionRow, VariableRow } from "./catalog-rows.ts";
import { FUNCTION_ROWS } from "./builtins/functions.ts";
import { VARIABLE_ROWS, variableByPattern } from "./builtins/variables.ts";

const functions: ReadonlyMap<string, FunctionRow> = new Map(FUNCTION_ROWS.map((row) => [row.name, row]));
const variables: ReadonlyMap<string, VariableRow> = new Map(VARIABLE_ROWS.map((row) => [row.name, row]));

/** The row of a function by its exact name. */
export function findFunction(name: string): FunctionRow | undefined {
  return functions.get(name);
}

/**
 * The row of a variable: exact names, and the open families `req.http.NAME` with and without `:subfield`,
 * `re.group.N`, `backend.NAME.healthy`, `director.NAME.healthy`, `ratecounter.NAME.rate.1s`… Locals (`var.*`) are not
 * in the catalog.
 */
export function findVariable(name: string): VariableRow | undefined {
  return variables.get(name) ?? variableByPattern(name);
}

/** Every function of the catalog, in its order. */
export function listFunctions(): readonly FunctionRow[] {
  return FUNCTION_ROWS;
}

/** Every variable of the catalog with a fixed name, in its order. */
export function listVariables(): readonly VariableRow[] {
  return VARIABLE_ROWS;
}
