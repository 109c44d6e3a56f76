import type { VariableRow } from "../catalog-rows.ts";
import { COLLECTION_VARIABLES, headerVariable } from "./header-variables.ts";
import { ENVIRONMENT_VARIABLES, familyVariable } from "./variables-environment.ts";
import { FACT_VARIABLES } from "./variables-facts.ts";
import { REQUEST_VARIABLES } from "./variables-request.ts";
import { RESPONSE_VARIABLES } from "./variables-response.ts";
import { SEGMENT_VARIABLES } from "./variables-segments.ts";

/** Every variable with a fixed name. */
export const VARIABLE_ROWS: readonly VariableRow[] = [
  ...REQUEST_VARIABLES,
  ...RESPONSE_VARIABLES,
  ...ENVIRONMENT_VARIABLES,
  ...SEGMENT_VARIABLES,
  ...FACT_VARIABLES,
  ...COLLECTION_VARIABLES,
];

/** The row of a variable whose name has an open part: headers, captures, backends, counters. */
export function variableByPattern(name: string): VariableRow | undefined {
  return headerVariable(name) ?? familyVariable(name);
}
