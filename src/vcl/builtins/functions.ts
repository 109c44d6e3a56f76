import type { FunctionRow } from "../catalog-rows.ts";
import { CRYPTO_FUNCTIONS } from "./functions-crypto.ts";
import { DIGEST_FUNCTIONS } from "./functions-digest.ts";
import { ENCODING_FUNCTIONS } from "./functions-encoding.ts";
import { HEADER_FUNCTIONS } from "./functions-headers.ts";
import { NEGOTIATION_FUNCTIONS } from "./functions-negotiation.ts";
import { NUMBER_FUNCTIONS } from "./functions-numbers.ts";
import { PLATFORM_FUNCTIONS } from "./functions-platform.ts";
import { QUERY_FUNCTIONS } from "./functions-query.ts";
import { RATE_FUNCTIONS } from "./functions-rate.ts";
import { STRING_FUNCTIONS } from "./functions-strings.ts";
import { TABLE_FUNCTIONS } from "./functions-tables.ts";
import { TIME_FUNCTIONS } from "./functions-time.ts";

/** Every function. */
export const FUNCTION_ROWS: readonly FunctionRow[] = [
  ...STRING_FUNCTIONS,
  ...ENCODING_FUNCTIONS,
  ...NUMBER_FUNCTIONS,
  ...TIME_FUNCTIONS,
  ...QUERY_FUNCTIONS,
  ...HEADER_FUNCTIONS,
  ...TABLE_FUNCTIONS,
  ...DIGEST_FUNCTIONS,
  ...CRYPTO_FUNCTIONS,
  ...NEGOTIATION_FUNCTIONS,
  ...PLATFORM_FUNCTIONS,
  ...RATE_FUNCTIONS,
];
