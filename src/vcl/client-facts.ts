import { fromByteString } from "../http/byte-string.ts";
import { isIP } from "node:net";
import { findVariable } from "./catalog.ts";
import type { VariableRow } from "./catalog-rows.ts";
import type { FactValue } from "./runtime.ts";

/** What a fixture says of one request's visitor, by variable name, or why it cannot be. */
export type ParsedFacts =
  | { readonly ok: true; readonly facts: ReadonlyMap<string, FactValue> }
  | { readonly ok: false; readonly reason: string };

/** The visitor's address, which is no variable of a fixture's own: the edge takes it for the connection's. */
export const CLIENT_IP_FACT = "client.ip";

/**
 * Reads a fixture: a JSON object of variables and their values, as in
 * `{"client.geo.city": "paris", "client.platform.mobile": true, "tls.client.ja4": "t13d…"}`. STRING and IP are JSON
 * strings, INTEGER, FLOAT, RTIME (seconds) and TIME (seconds since the epoch) numbers, BOOL true or false. The text is
 * a header's: UTF-8 bytes as latin1.
 */
export function parseClientFacts(text: string): ParsedFacts {
  const json = readJson(fromByteString(text));
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    return { ok: false, reason: "it is no JSON object" };
  }
  const facts = new Map<string, FactValue>();
  for (const [name, value] of Object.entries(json)) {
    const row = name === CLIENT_IP_FACT ? findVariable(name) : factVariable(name);
    if (row === undefined) return { ok: false, reason: `"${name}" is no variable that a fixture gives` };
    const fact = factOf(row, value);
    if (fact === null) return { ok: false, reason: `"${name}" is ${wanted(row)}` };
    facts.set(name, fact);
  }
  return { ok: true, facts };
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: said by the caller, as for JSON of another shape.
    return null;
  }
}

function factVariable(name: string): VariableRow | undefined {
  const row = findVariable(name);
  return row?.fact === true ? row : undefined;
}

/** A JSON value as what the variable's type can hold, else `null`. */
function factOf({ type }: VariableRow, value: unknown): FactValue | null {
  switch (type) {
    case "BOOL":
      return typeof value === "boolean" ? value : null;
    case "STRING":
      // A VCL string ends at its first NUL byte.
      return typeof value === "string" && !value.includes("\0")
        ? Buffer.from(value, "utf8").toString("latin1")
        : null;
    case "IP":
      return typeof value === "string" && isIP(value) !== 0 ? value : null;
    case "INTEGER":
      return Number.isSafeInteger(value) ? Number(value) : null;
    default:
      return typeof value === "number" && Number.isFinite(value) ? value : null;
  }
}

function wanted({ type }: VariableRow): string {
  switch (type) {
    case "BOOL":
      return "true or false";
    case "STRING":
      return "a string";
    case "IP":
      return "an IP address";
    case "INTEGER":
      return "a whole number";
    default:
      return "a number";
  }
}
